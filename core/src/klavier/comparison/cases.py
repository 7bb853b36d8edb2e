"""Cases of a difference, of which only the first ones are kept."""

from klavier.comparison.report import Case

_SLACK = 32
"""Cases above the number that is kept before a list is sorted and cut: a sort for every case would be slow."""


def add_case(cases: list[Case], case: Case, most: int | None) -> None:
    """Add a case to a list that keeps at least the first `most`, all of them if None."""
    if most == 0:
        return
    cases.append(case)
    if most is not None and len(cases) > most + _SLACK:
        cases[:] = first_cases(cases, most)


def first_cases(cases: list[Case], most: int | None) -> list[Case]:
    """Return the first `most` cases by input event, all of them if None."""
    return sorted(cases, key=_place)[:most]


def _place(case: Case) -> tuple[bool, int, str]:
    return (True, 0, case.person) if case.line is None else (False, case.line, "")
