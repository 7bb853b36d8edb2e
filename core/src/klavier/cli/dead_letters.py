"""What the commands show of dead letters: one by one, or by cause; nothing of it is personal data."""

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from klavier.cli.wording import describe_cause, event_name, plain, span, width
from klavier.errors import KlavierError
from klavier.events.reader import parse_line
from klavier.outbox import DeadLetter

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.plugins import Plugins

_LONGEST_NAME = 40
_CAUSE = ("kind", "status", "reason", "type", "name", "vendor")
"""What dead letters of one cause have in common."""


def read_event(letter: DeadLetter, plugins: "Plugins") -> "Event | None":
    """Return the event of a dead letter; None where its payload is none."""
    try:
        return parse_line(letter.payload, plugins=plugins)
    except KlavierError:
        return None


def summarize(letter: DeadLetter, plugins: "Plugins") -> dict[str, Any]:
    """Return a dead letter as JSON data: which event it is, why it is dead, since when, and its age in seconds."""
    event = read_event(letter, plugins)
    return {
        "seq": letter.seq,
        "type": None if event is None else event.type,
        "name": event_name(event),
        "vendor": letter.vendor or None,
        "kind": letter.kind,
        "status": letter.status,
        "reason": letter.reason,
        "tries": letter.tries,
        "accepted": _format_time(letter.accepted),
        "time": _format_time(letter.died),
        "age": max(0.0, time.time() - letter.died),
    }


def group_by_cause(letters: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what dead letters have in common, with their number and the first and last of them; most first."""
    groups: dict[tuple[Any, ...], dict[str, Any]] = {}
    for letter in letters:
        cause = tuple(letter[name] for name in _CAUSE)
        group = groups.setdefault(
            cause,
            {"count": 0, **dict(zip(_CAUSE, cause, strict=True)), "first": letter["seq"], "since": letter["time"]},
        )
        group.update(count=group["count"] + 1, last=letter["seq"], until=letter["time"], age=letter["age"])
    return sorted(groups.values(), key=lambda group: -group["count"])


def print_table(rows: Sequence[dict[str, Any]]) -> None:
    """Print dead letters, or causes with their counts, as a table."""
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    first = "count" if "count" in rows[0] else "seq"
    table = Table(box=None, pad_edge=False)
    for name in (first, "event", "vendor", "cause", "age"):
        table.add_column(name, justify="right" if name in (first, "age") else "left", no_wrap=name != "event")
    table.add_column("reason", overflow="fold")
    for row in rows:
        event = " ".join(plain(row[name], _LONGEST_NAME) for name in ("type", "name") if row[name] is not None)
        cause = describe_cause(row["kind"], row["status"])
        cells = (f"{row[first]}", event or "-", row["vendor"] or "-", cause, span(row["age"]), row["reason"])
        table.add_row(*(Text(plain(cell)) for cell in cells))
    Console(width=width(), highlight=False).print(table)


def _format_time(seconds: float) -> str:
    """Return a Unix time as people read it, in UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):  # written while the clock was wrong by thousands of years
        return f"{seconds:.0f}"
