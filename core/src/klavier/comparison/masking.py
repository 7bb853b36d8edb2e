"""Mask secrets in a comparison: an event may contain a key by accident."""

from collections.abc import Collection
from typing import Any

from attrs import evolve

from klavier.comparison.report import Case, Comparison, Difference, Note, SideReport

HIDDEN = "(secret)"


def mask_secrets(found: Comparison, secrets: Collection[str]) -> Comparison:
    """Replace every text that contains one of these secrets; what is left of a shard cannot be merged any more."""
    if not secrets:
        return found
    hide = _Masker(secrets)
    return evolve(
        found,
        left=hide.side(found.left),
        right=hide.side(found.right),
        differences=tuple(hide.row(row) for row in found.differences),
        unread=tuple(hide.note(note) for note in found.unread),
        shard=None,
    )


def mask_notes(notes: tuple[Note, ...], secrets: Collection[str]) -> tuple[Note, ...]:
    """Replace every text of notes that contains one of these secrets."""
    hide = _Masker(secrets)
    return tuple(hide.note(note) for note in notes)


class _Masker:
    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = tuple(secrets)

    def value(self, value: Any) -> Any:
        """Replace texts at any depth; other values are returned unchanged."""
        if isinstance(value, str):
            return HIDDEN if any(secret in value for secret in self._secrets) else value
        if isinstance(value, dict):
            return {self.value(key): self.value(member) for key, member in value.items()}
        return [self.value(item) for item in value] if isinstance(value, (list, tuple)) else value

    def row(self, row: Difference) -> Difference:
        texts = {name: self.value(getattr(row, name)) for name in ("name", "other", "where", "detail")}
        return evolve(row, **texts, cases=tuple(self._case(case) for case in row.cases))

    def note(self, note: Note) -> Note:
        return evolve(note, text=self.value(note.text))

    def side(self, side: SideReport) -> SideReport:
        return evolve(
            side,
            metrics=self.value(side.metrics),
            lists=self.value(side.lists),
            notes=tuple(self.note(note) for note in side.notes),
            amounts=tuple(evolve(each, metric=self.value(each.metric)) for each in side.amounts),
        )

    def _case(self, case: Case) -> Case:
        return Case(case.line, self.value(case.person), self.value(case.left), self.value(case.right))
