"""The dead letters that a command is about: by number, by outcome, or all of them."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

import click
from attrs import fields, frozen

from klavier.cli.dead_letters import read_event
from klavier.cli.open_outbox import find_dead_letter, read_dead_letters
from klavier.cli.wording import event_name
from klavier.outbox import DeadLetter, Outbox

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,6})(s|min|h|d)")

_Command = Callable[..., Any]


@frozen
class Selection:
    """The arguments that select dead letters; a letter must match all of them."""

    seqs: tuple[int, ...] = ()
    kind: str | None = None
    status: int | None = None
    reason: str | None = None
    since: float | None = None
    event: str | None = None
    every: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no argument was passed, not even --all."""
        return self == Selection()

    def letters(self, outbox: Outbox, plugins: "Plugins") -> Iterator[DeadLetter]:
        """Return the selected letters in the order of acceptance; raises `UsageError` for a number without one."""
        found = (
            [find_dead_letter(outbox, seq) for seq in sorted(set(self.seqs))]
            if self.seqs
            else read_dead_letters(outbox)
        )
        return (letter for letter in found if self._matches(letter, plugins))

    def _matches(self, letter: DeadLetter, plugins: "Plugins") -> bool:
        if self.since is not None and letter.died < self.since:
            return False
        if self.kind is not None and letter.kind != self.kind:
            return False
        # For no reply some vendors have the status 0 and others None.
        if self.status is not None and (letter.kind != "failed" or (letter.status or 0) != self.status):
            return False
        if self.reason is not None and self.reason.lower() not in letter.reason.lower():
            return False
        return self.event is None or self._is_of_event(letter, plugins)

    def _is_of_event(self, letter: DeadLetter, plugins: "Plugins") -> bool:
        event = read_event(letter, plugins)
        names = () if event is None else (event.type, event_name(event) or event.type)
        return self.event is not None and self.event.lower() in [name.lower() for name in names]


def selection_options(*, required: bool) -> Callable[[_Command], _Command]:
    """Add the arguments that select dead letters; the command gets them as one `selection`.

    With `required` it is an error to pass none of them, so that nobody changes all letters by accident.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def with_selection(*args: Any, **options: Any) -> Any:
            chosen = {field.name: options.pop(field.name) for field in fields(Selection)}
            selection = Selection(**{**chosen, "seqs": tuple(chosen["seqs"])})
            if required and selection.is_empty:
                raise click.UsageError(
                    "pass the SEQ of each dead letter, --kind, --status, --reason, --event or --since, or --all"
                )
            if selection.every and selection != Selection(every=True):
                raise click.UsageError("--all selects every dead letter: leave out the SEQs and the other options")
            return command(*args, selection=selection, **options)

        for add in reversed(_OPTIONS):
            with_selection = add(with_selection)
        return with_selection

    return decorate


def _read_since(text: str) -> float:
    """Return the Unix time of a time, or of a span before now; raises `BadParameter` for anything else."""
    match = _SPAN.fullmatch(text.strip())
    if match is not None:
        return time.time() - int(match[1]) * _SECONDS[match[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (ValueError, OverflowError):
        raise click.BadParameter(
            "must be a span such as 30min, 12h or 7d, or a time such as 2026-11-30T09:00Z"
        ) from None


_OPTIONS = (
    click.argument("seqs", metavar="[SEQ]...", type=click.IntRange(min=1), nargs=-1),
    click.option("--kind", type=click.Choice(["rejected", "failed"]), help="Only events with this outcome."),
    click.option("--status", type=click.IntRange(min=0), help="Only events with this HTTP status; 0 for no reply."),
    click.option("--reason", metavar="TEXT", help="Only events whose reason contains TEXT, in upper or lower case."),
    click.option("--event", metavar="NAME", help="Only events of this name, or of this type, such as identify."),
    click.option(
        "--since",
        metavar="TIME",
        callback=lambda _context, _option, value: None if value is None else _read_since(value),
        help="Only events that were given up since then: 30min, 12h, 7d, or a time such as 2026-11-30T09:00Z.",
    ),
    click.option("--all", "every", is_flag=True, help="Every dead letter."),
)
