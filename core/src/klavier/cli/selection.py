"""The dead letters that a command is about: by number, by outcome, or all of them."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import click
from attrs import frozen

from klavier.cli.open_outbox import find_dead_letter, read_dead_letters
from klavier.outbox import DeadLetter, Outbox

_Command = Callable[..., Any]


@frozen
class Selection:
    """The arguments that select dead letters; a letter must match all of them."""

    seqs: tuple[int, ...] = ()
    kind: str | None = None
    status: int | None = None
    reason: str | None = None
    every: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no argument was passed, not even --all."""
        return self == Selection()

    def letters(self, outbox: Outbox) -> Iterator[DeadLetter]:
        """Return the selected letters in the order of acceptance; raises `UsageError` for a number without one."""
        found = (
            [find_dead_letter(outbox, seq) for seq in sorted(set(self.seqs))]
            if self.seqs
            else read_dead_letters(outbox)
        )
        return (letter for letter in found if self._matches(letter))

    def _matches(self, letter: DeadLetter) -> bool:
        if self.kind is not None and letter.kind != self.kind:
            return False
        # For no reply some vendors have the status 0 and others None.
        if self.status is not None and (letter.kind != "failed" or (letter.status or 0) != self.status):
            return False
        return self.reason is None or self.reason.lower() in letter.reason.lower()


def selection_options(*, required: bool) -> Callable[[_Command], _Command]:
    """Add the arguments that select dead letters; the command gets them as one `selection`.

    With `required` it is an error to pass none of them, so that nobody changes all letters by accident.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def with_selection(
            *args: Any,
            seqs: Sequence[int],
            kind: str | None,
            status: int | None,
            reason: str | None,
            every: bool,
            **options: Any,
        ) -> Any:
            selection = Selection(tuple(seqs), kind, status, reason, every)
            if required and selection.is_empty:
                raise click.UsageError("pass the SEQ of each dead letter, --kind, --status or --reason, or --all")
            if every and selection != Selection(every=True):
                raise click.UsageError("--all selects every dead letter: leave out the SEQs and the other options")
            return command(*args, selection=selection, **options)

        for add in reversed(_OPTIONS):
            with_selection = add(with_selection)
        return with_selection

    return decorate


_OPTIONS = (
    click.argument("seqs", metavar="[SEQ]...", type=click.IntRange(min=1), nargs=-1),
    click.option("--kind", type=click.Choice(["rejected", "failed"]), help="Only events with this outcome."),
    click.option("--status", type=click.IntRange(min=0), help="Only events with this HTTP status; 0 for no reply."),
    click.option("--reason", metavar="TEXT", help="Only events whose reason contains TEXT, in upper or lower case."),
    click.option("--all", "every", is_flag=True, help="Every dead letter."),
)
