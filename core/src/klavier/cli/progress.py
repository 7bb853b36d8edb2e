"""A progress bar on standard error, where that is a terminal."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from klavier.cli.sources import size_of

if TYPE_CHECKING:
    from rich.progress import Progress

    from klavier.delivery.pipeline import Result


def with_progress(results: "Iterable[Result]", names: Sequence[str]) -> "Iterator[Result]":
    """Give the results on, and show how much of their sources has been read."""
    if not sys.stderr.isatty():
        yield from results
        return
    total = size_of(names)
    behind, source, end = 0, "", 0
    with _bar() as bar:
        task = bar.add_task("sending", total=total, events=0)
        for number, result in enumerate(results, 1):
            if result.line.source != source:
                behind, source = behind + end, result.line.source
            end = result.line.end
            bar.update(task, completed=behind + end if total else None, events=number)
            yield result


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
