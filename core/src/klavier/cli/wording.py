"""How events, requests and outcomes are put into words; text from outside is shown without control characters."""

import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.klaviyo.request import Request
    from klavier.vendor import BrowserCall
    from klavier.worker.rate_limiter import RateLimiter

COLORS = {"delivered": "green", "skipped": "yellow", "rejected": "red", "failed": "red"}
_SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_LONGEST_NAME = 60
_NARROWEST = 30
"""Columns that a text gets at least, however narrow the terminal is."""


def plain(text: object, longest: int | None = None) -> str:
    """Make a text safe to show on one line: control characters become their escapes, a long one is cut."""
    shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))
    return shown if longest is None or len(shown) <= longest else shown[: longest - 1] + "…"


def event_name(event: "Event | None") -> str | None:
    """Return the name of a track, page or screen; None for events that have none."""
    for attribute in ("event", "name"):
        found = getattr(event, attribute, None)
        if isinstance(found, str) and found.strip():
            return found
    return None


def event_title(event: "Event | None") -> str:
    """Name an event by type and name, without anything about the person."""
    if event is None:
        return "(no event)"
    name = event_name(event)
    return event.type if name is None else f"{event.type} {plain(name, _LONGEST_NAME)}"


def request_title(request: "Request") -> str:
    """Name a request by method and path."""
    return f"{request.method} {plain(request.path)}"


def call_title(call: "BrowserCall") -> str:
    """Name a browser call by its name and the name of its event; the rest is about the person."""
    name, *arguments = call or [""]
    event = [f' "{plain(argument, _LONGEST_NAME)}"' for argument in arguments[:1] if isinstance(argument, str)]
    return f"klaviyo.{plain(name)}{event[0] if event else ''}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Count things in words: `1 event`, `2 events`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def span(seconds: float) -> str:
    """Return a time span in its largest whole unit, such as `5 min`."""
    unit, length = next(((unit, length) for unit, length in _SPANS if seconds >= length), ("s", 1))
    return f"{max(0, int(seconds // length))} {unit}"


def describe_cause(kind: str, status: int | None) -> str:
    """Describe why a dead letter is one: its outcome, and Klaviyo's status."""
    return kind if status is None else f"{kind} with {status}"


def limit_status(limiter: "RateLimiter | None", pause_reason: str = "", paused: float = 0.0) -> list[str]:
    """Return what limits a run: the operation nearest to its rate limit, and why the account is paused.

    `pause_reason` is empty where it is not paused; `paused` are the seconds until it is tried again.
    """
    if limiter is None:
        return []
    tightest = limiter.tightest()
    found = [] if tightest is None else [f"{tightest[0]} at {tightest[1]:.0%} of its limit"]
    if pause_reason:
        found.append(f"paused: {pause_reason}; next try in {paused:.0f} s")
    return found


def has_color() -> bool:
    """Return whether to color standard output: on a terminal unless NO_COLOR is set, elsewhere only if FORCE_COLOR is.

    Source: https://no-color.org and https://force-color.org.
    """
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def paint(text: str, color: str | None = None, **style: Any) -> str:
    """Color a text where standard output shows colors."""
    return click.style(text, fg=color, **style) if has_color() else text


def width() -> int:
    """Return the columns to write in: those of the terminal, and plenty for a pipe or a file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 100


def hanging(text: str, first: str, indent: int) -> str:
    """Write a text behind `first`, its further lines indented; a pipe or a file gets it on one line."""
    text = plain(text)
    if not sys.stdout.isatty():
        return first + text
    taken = len(click.unstyle(first))
    lines = textwrap.wrap(
        text,
        max(width(), indent + _NARROWEST),
        initial_indent=" " * taken,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return first + "\n".join(lines)[taken:]
