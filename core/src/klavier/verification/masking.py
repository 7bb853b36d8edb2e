"""Mask personal data in a verification: people, and every value."""

from attrs import evolve

from klavier.comparison.report import Case, Comparison


def mask_values(found: Comparison) -> Comparison:
    """Leave of each case the number of its input event only."""
    rows = tuple(
        evolve(row, cases=tuple(Case(case.line, "", None, None) for case in row.cases)) for row in found.differences
    )
    return evolve(found, differences=rows)


def keep_few(found: Comparison, most_cases: int) -> Comparison:
    """Leave of each row its first cases."""
    return evolve(found, differences=tuple(evolve(row, cases=row.cases[:most_cases]) for row in found.differences))
