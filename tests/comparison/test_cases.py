"""Which cases of a difference are kept, and that the others are not made."""

import pytest

from klavier.comparison import properties
from klavier.comparison.cases import add_case, is_wanted
from klavier.comparison.properties import Compared, PropertyTally
from klavier.comparison.report import Case
from klavier.comparison.snapshot import StoredProfile
from klavier.sandbox.profile import Profile


@pytest.mark.parametrize("lines", [[1, 2, 3, 4], [4, 3, 2, 1], [3, None, 1, 2, 4], [2, 2, 1, 9]])
def test_the_first_cases_by_input_event_are_kept_in_order(lines: list[int | None]) -> None:
    cases: list[Case] = []
    for line in lines:
        add_case(cases, Case(line, "email:a@b.co"), 2)
    assert [case.line for case in cases] == sorted(line for line in lines if line is not None)[:2]


def test_all_are_kept_without_a_number_and_none_with_0() -> None:
    every: list[Case] = []
    none: list[Case] = []
    for line in (2, 1):
        add_case(every, Case(line, ""), None)
        add_case(none, Case(line, ""), 0)
    assert ([case.line for case in every], none) == ([2, 1], [])


def test_a_case_without_an_input_event_comes_last() -> None:
    cases = [Case(None, "b"), Case(None, "c")]
    assert is_wanted(cases, None, 2)
    add_case(cases, Case(None, "a"), 2)
    assert [case.person for case in cases] == ["a", "b"]


def test_no_case_is_made_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int | None] = []

    def counted(line: int | None, *rest: object) -> Case:
        made.append(line)
        return Case(line, *rest)  # type: ignore[arg-type]  # the same arguments

    monkeypatch.setattr(properties, "Case", counted)
    tally = PropertyTally(2)
    owner = StoredProfile(Profile("P", 0, 0, {"email": "a@b.co"}), frozenset())
    for line in range(1, 10):
        tally.add(Compared({"a": line, "old": line}, {"a": 0}, line, owner))
    assert made == [1, 1, 2, 2]
    assert {case.person for counted in tally.changed.values() for case in counted.cases} == {"email:a@b.co"}
