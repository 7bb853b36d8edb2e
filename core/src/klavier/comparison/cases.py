"""Cases of a difference, of which only the first ones are kept."""

from bisect import insort

from klavier.comparison.report import Case


def is_wanted(cases: list[Case], line: int | None, most: int | None) -> bool:
    """Return whether a case of this input event may be one of the first `most`, and so is worth making."""
    if most is None or len(cases) < most:
        return True
    if most == 0:
        return False
    last = cases[-1].line
    return line is None or last is None or line < last


def add_case(cases: list[Case], case: Case, most: int | None) -> None:
    """Add a case to a list that keeps the first `most` in order; all of them, as they come, if None."""
    if most is None:
        cases.append(case)
    elif is_wanted(cases, case.line, most):
        insort(cases, case, key=_place)
        del cases[most:]


def first_cases(cases: list[Case], most: int | None) -> list[Case]:
    """Return the first `most` cases by input event, all of them if None."""
    return sorted(cases, key=_place)[:most]


def _place(case: Case) -> tuple[bool, int, str]:
    return (True, 0, case.person) if case.line is None else (False, case.line, "")
