"""Mask secrets in a verification, and personal data: people, and every value."""

from collections.abc import Collection

from attrs import evolve

from klavier.comparison.masking import mask_notes, mask_secrets
from klavier.comparison.report import Case, Comparison
from klavier.verification.report import Verification


def mask(found: Verification, secrets: Collection[str], *, values: bool) -> Verification:
    """Replace texts that contain one of these secrets, and leave people and values out unless `values` is true."""
    comparison = mask_secrets(found.comparison, secrets)
    return evolve(
        found,
        comparison=comparison if values else mask_values(comparison),
        notes=mask_notes(found.notes, secrets),
        undelivered=mask_notes(found.undelivered, secrets),
    )


def mask_values(found: Comparison) -> Comparison:
    """Leave of each case the number of its input event only."""
    rows = tuple(
        evolve(row, cases=tuple(Case(case.line, "", None, None) for case in row.cases)) for row in found.differences
    )
    return evolve(found, differences=rows)


def keep_few(found: Comparison, most_cases: int) -> Comparison:
    """Leave of each row its first cases."""
    return evolve(found, differences=tuple(evolve(row, cases=row.cases[:most_cases]) for row in found.differences))
