"""Which dead letters a command means: by place, by what went wrong, or all of them."""

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import click
from attrs import frozen

from klavier.cli.open_outbox import letter_of, letters_of
from klavier.outbox import DeadLetter, Outbox

_Command = Callable[..., Any]


@frozen
class Selection:
    """What the arguments say; letters are meant that fit all of it."""

    seqs: tuple[int, ...] = ()
    kind: str | None = None
    status: int | None = None
    reason: str | None = None
    every: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said, not even that all are meant."""
        return self == Selection()

    def letters(self, outbox: Outbox) -> Iterator[DeadLetter]:
        """Give the letters that are meant, in the order of acceptance; raises `UsageError` for a place without one."""
        found = [letter_of(outbox, seq) for seq in sorted(set(self.seqs))] if self.seqs else letters_of(outbox)
        return (letter for letter in found if self._fits(letter))

    def _fits(self, letter: DeadLetter) -> bool:
        if self.kind is not None and letter.kind != self.kind:
            return False
        # No reply is told as 0 by some vendors and as nothing by others.
        if self.status is not None and (letter.kind != "failed" or (letter.status or 0) != self.status):
            return False
        return self.reason is None or self.reason.lower() in letter.reason.lower()


def selection_options(*, required: bool) -> Callable[[_Command], _Command]:
    """Add the arguments that choose dead letters; the command gets them as one `selection`.

    Where they are `required`, giving none of them is an error, so that nobody touches all letters by accident.
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
                raise click.UsageError("give the SEQ of each dead letter, --kind, --status or --reason, or --all")
            if every and selection != Selection(every=True):
                raise click.UsageError("--all means every dead letter: leave out the SEQs and the other options")
            return command(*args, selection=selection, **options)

        for add in reversed(_OPTIONS):
            with_selection = add(with_selection)
        return with_selection

    return decorate


_OPTIONS = (
    click.argument("seqs", metavar="[SEQ]...", type=click.IntRange(min=1), nargs=-1),
    click.option("--kind", type=click.Choice(["rejected", "failed"]), help="Those that ended so."),
    click.option("--status", type=click.IntRange(min=0), help="Those that Klaviyo answered so; 0 for no reply."),
    click.option("--reason", metavar="TEXT", help="Those whose reason holds this text, in capitals or not."),
    click.option("--all", "every", is_flag=True, help="Every dead letter."),
)
