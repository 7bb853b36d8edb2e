"""The progress of a run over files, on standard error: a bar on a terminal, lines elsewhere."""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from klavier.cli.messages import is_quiet, print_error, shows_progress
from klavier.cli.wording import count, limit_status, plain
from klavier.outcome import KINDS, Kind

if TYPE_CHECKING:
    from rich.progress import Progress

    from klavier.streams.lines import Line
    from klavier.streams.result import Result
    from klavier.worker.rate_limiter import RateLimiter

T = TypeVar("T")

_REFRESH = 0.2
_RATE_SECONDS = 10.0
_LOG_EVERY = 10.0
"""Seconds between two lines of progress where there is no terminal."""


class Rate:
    """Events a second over the last ten seconds, in bounded memory."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def update(self, total: int) -> float:
        """Record the total so far; return how many a second were added lately."""
        now = time.monotonic()
        self._seen.append((now, total))
        while len(self._seen) > 2 and self._seen[1][0] < now - _RATE_SECONDS:  # noqa: PLR2004 -- a span has two ends
            self._seen.popleft()
        began, before = self._seen[0]
        return (total - before) / (now - began) if now > began else 0.0


def with_progress(
    results: "Iterable[Result]", size: int | None, limiter: "RateLimiter | None" = None
) -> "Iterator[Result]":
    """Yield the results; show how much was read of sources of `size` bytes, how fast, and what limits the rate."""
    kinds = Counter(dict.fromkeys(KINDS, 0))
    rate = Rate()

    def get_line(result: "Result") -> "Line":
        kinds[result.outcome.kind] += 1
        return result.line

    return _with_bar(results, get_line, lambda _: _describe(kinds, rate, limiter), size, "sending")


def lines_with_progress(lines: "Iterable[Line]", size: int | None, doing: str) -> "Iterator[Line]":
    """Yield the lines; show how much was read of sources of `size` bytes, with `doing` as the label."""
    return _with_bar(lines, lambda line: line, lambda number: count(number, "event"), size, doing)


class Steps:
    """The progress of several steps, each with a number of things to do; a context manager."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._printed_at = time.monotonic()

    def __enter__(self) -> Self:
        """Show the bar, on a terminal."""
        if shows_progress():
            self._bar = _bar(lambda _: "")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def show(self, doing: str, done: int, total: int) -> None:
        """Show how far one step has come."""
        if self._bar is not None:
            if doing not in self._tasks:
                self._tasks[doing] = self._bar.add_task(doing, total=total)
            self._bar.update(self._tasks[doing], completed=done, total=total)
        elif time.monotonic() - self._printed_at >= _LOG_EVERY and not is_quiet():
            self._printed_at = time.monotonic()
            print_error(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {doing}: {done:,} of {total:,}")


def _with_bar(
    items: "Iterable[T]",
    get_line: "Callable[[T], Line]",
    describe: Callable[[int], str],
    size: int | None,
    doing: str,
) -> "Iterator[T]":
    if not shows_progress():
        yield from _with_lines(items, get_line, describe, doing)
        return
    total = size or None
    behind, source, end, number, shown_at = 0, "", 0, 0, 0.0

    def text(before: str) -> str:
        """Return the text behind the bar; called by the thread that draws it, so a count may change meanwhile."""
        try:
            return describe(number)
        except RuntimeError:
            return before

    with _bar(text) as bar:
        task = bar.add_task(doing, total=total)
        for number, item in enumerate(items, 1):  # noqa: B007 -- `text` reads it
            line = get_line(item)
            if line.source != source:
                behind, source = behind + end, line.source
            end = line.end
            if time.monotonic() - shown_at >= _REFRESH:
                bar.update(task, completed=behind + end if total else None)
                shown_at = time.monotonic()
            yield item


def _with_lines(
    items: "Iterable[T]", get_line: "Callable[[T], Line]", describe: Callable[[int], str], doing: str
) -> "Iterator[T]":
    """Yield the items; print a line of a log from time to time, unless --quiet was passed."""
    printed_at = time.monotonic()
    for number, item in enumerate(items, 1):
        line = get_line(item)
        if time.monotonic() - printed_at >= _LOG_EVERY and not is_quiet():
            printed_at = time.monotonic()
            text = f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {doing}: {describe(number)}, at {plain(line.place)}"
            print_error(text)
        yield item


def _describe(kinds: "Counter[Kind]", rate: Rate, limiter: "RateLimiter | None") -> str:
    """Return counts, rate and the endpoint nearest to its limit, on one line."""
    found = [count(kinds.total(), "event"), f"{rate.update(kinds.total()):,.0f}/s"]
    found += [f"{kinds[kind]:,} {kind}" for kind in KINDS[2:] if kinds[kind]]
    return ", ".join([*found, *limit_status(limiter)])


def _bar(text: Callable[[str], str]) -> "Progress":
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.progress import (  # noqa: PLC0415 -- as above
        BarColumn,
        Progress,
        ProgressColumn,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text  # noqa: PLC0415 -- as above

    class Description(ProgressColumn):
        """The text behind the bar."""

        shown = ""

        def render(self, _: object) -> Text:
            self.shown = text(self.shown)
            return Text(self.shown)

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        Description(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=1 / _REFRESH,
    )
