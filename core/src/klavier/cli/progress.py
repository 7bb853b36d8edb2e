"""How a run over files is going: a bar on standard error, where that is a terminal."""

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from klavier.cli.sources import size_of
from klavier.cli.wording import count, tightness
from klavier.outcome import KINDS, Kind

if TYPE_CHECKING:
    from rich.progress import Progress

    from klavier.streams.lines import Line
    from klavier.streams.pipeline import Result
    from klavier.worker.rate_limiter import RateLimiter

T = TypeVar("T")

_REFRESH = 0.2
_RATE_SECONDS = 10.0


class Rate:
    """Events a second over the last ten seconds; memory is bounded by the looks at it."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])

    def look(self, total: int) -> float:
        """Give the rate at which `total` has lately grown."""
        now = time.monotonic()
        self._seen.append((now, total))
        while len(self._seen) > 2 and self._seen[1][0] < now - _RATE_SECONDS:  # noqa: PLR2004 -- a span has two ends
            self._seen.popleft()
        began, before = self._seen[0]
        return (total - before) / (now - began) if now > began else 0.0


def with_progress(
    results: "Iterable[Result]", names: Sequence[str], pacer: "RateLimiter | None" = None
) -> "Iterator[Result]":
    """Give the results on, and show how much of their sources has been read, how fast, and what bounds it."""
    kinds = Counter(dict.fromkeys(KINDS, 0))
    rate = Rate()

    def line_of(result: "Result") -> "Line":
        kinds[result.outcome.kind] += 1
        return result.line

    return _with_bar(results, line_of, lambda _: _said(kinds, rate, pacer), names, "sending")


def lines_with_progress(lines: "Iterable[Line]", names: Sequence[str], doing: str) -> "Iterator[Line]":
    """Give the lines on, and show how much of their sources has been read; `doing` says what for."""
    return _with_bar(lines, lambda line: line, lambda number: count(number, "event"), names, doing)


def _with_bar(
    items: "Iterable[T]", line_of: "Callable[[T], Line]", said: Callable[[int], str], names: Sequence[str], doing: str
) -> "Iterator[T]":
    if not sys.stderr.isatty():
        yield from items
        return
    total = size_of(names) or None
    behind, source, end, number, shown_at = 0, "", 0, 0, 0.0

    def say(before: str) -> str:
        """Say it anew, in the thread that shows it; what changes meanwhile is said the next time."""
        try:
            return said(number)
        except RuntimeError:
            return before

    with _bar(say) as bar:
        task = bar.add_task(doing, total=total)
        for number, item in enumerate(items, 1):  # noqa: B007 -- what is said tells it
            line = line_of(item)
            if line.source != source:
                behind, source = behind + end, line.source
            end = line.end
            if time.monotonic() - shown_at >= _REFRESH:
                bar.update(task, completed=behind + end if total else None)
                shown_at = time.monotonic()
            yield item


def _said(kinds: "Counter[Kind]", rate: Rate, pacer: "RateLimiter | None") -> str:
    """Tell counts, rate and the tightest limit in one line."""
    found = [count(kinds.total(), "event"), f"{rate.look(kinds.total()):,.0f}/s"]
    found += [f"{kinds[kind]:,} {kind}" for kind in KINDS[2:] if kinds[kind]]
    return ", ".join([*found, *tightness(pacer)])


def _bar(say: Callable[[str], str]) -> "Progress":
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

    class Said(ProgressColumn):
        """The words behind the bar."""

        said = ""

        def render(self, _: object) -> Text:
            self.said = say(self.said)
            return Text(self.said)

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        Said(),
        console=Console(stderr=True),
        transient=True,
        refresh_per_second=1 / _REFRESH,
    )
