"""A progress bar on standard error, where that is a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from klavier.cli.sources import size_of

if TYPE_CHECKING:
    from rich.progress import Progress

    from klavier.delivery.lines import Line
    from klavier.delivery.pipeline import Result

T = TypeVar("T")


def with_progress(results: "Iterable[Result]", names: Sequence[str]) -> "Iterator[Result]":
    """Give the results on, and show how much of their sources has been read."""
    return _with_bar(results, _line_of, names, "sending")


def lines_with_progress(lines: "Iterable[Line]", names: Sequence[str], doing: str) -> "Iterator[Line]":
    """Give the lines on, and show how much of their sources has been read; `doing` says what for."""
    return _with_bar(lines, _itself, names, doing)


def _line_of(result: "Result") -> "Line":
    return result.line


def _itself(line: "Line") -> "Line":
    return line


def _with_bar(items: "Iterable[T]", line_of: "Callable[[T], Line]", names: Sequence[str], doing: str) -> "Iterator[T]":
    if not sys.stderr.isatty():
        yield from items
        return
    total = size_of(names)
    behind, source, end = 0, "", 0
    with _bar() as bar:
        task = bar.add_task(doing, total=total, events=0)
        for number, item in enumerate(items, 1):
            line = line_of(item)
            if line.source != source:
                behind, source = behind + end, line.source
            end = line.end
            bar.update(task, completed=behind + end if total else None, events=number)
            yield item


def _bar() -> "Progress":
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.progress import (  # noqa: PLC0415 -- as above
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[events]:,} events"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
