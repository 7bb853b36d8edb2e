"""`klavier diff --shards`: compare one shard at a time, in several processes.

The events are written to one file in a private temporary folder, which exists as long as the command; beside it each
shard has a file with the places of its events in that one.
"""

import contextlib
import errno
import multiprocessing
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from klavier.cli.diff_about import Period
from klavier.cli.diff_sides import Asked, prepare_sides
from klavier.cli.progress import Steps, lines_with_progress
from klavier.comparison.compare import Comparing
from klavier.comparison.identifiers import Components
from klavier.comparison.merge import merge_notes, sort_notes
from klavier.comparison.report import Comparison, Note
from klavier.errors import UsageError
from klavier.events.reader import parse_line
from klavier.garbage import COMPARISON, rare_collection
from klavier.streams.result import Result, read_event

if TYPE_CHECKING:
    from klavier.plugins import Plugins
    from klavier.streams.sources import Sources

_PLACE = struct.Struct("<QQI")
"""Where an event is: its number, and the first byte and the length of its text in the file of events."""
_BUFFER = 2**16
_EVENTS = "events"


@frozen
class Work:
    """What a process needs to compare shards; each builds the vendors itself."""

    asked: Asked
    names: tuple[str, str]
    shards: int
    most_cases: int | None
    joined_by: tuple[str, ...] = ()
    folder: Path = Path()


def compare_in_shards(work: Work, workers: int, sources: "Sources", plugins: "Plugins") -> tuple[Comparison, Period]:
    """Return the comparison of all events of the sources, and the days that they are of."""
    with TemporaryDirectory(prefix="klavier-diff-") as folder:
        work = evolve(work, folder=Path(folder))
        try:
            unread, period = _write_shards(work, sources, plugins)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise UsageError(
                f"{work.folder.parent}: no room for a copy of the events; set TMPDIR to a folder with more room"
            ) from None
        merged = Comparison.merge(_compare(work, workers))
    return evolve(merged, unread=unread), period


def _write_shards(work: Work, sources: "Sources", plugins: "Plugins") -> tuple[tuple[Note, ...], Period]:
    """Write the events and the places of each shard's; returns why other lines are none, and the days of the events.

    Which shard an event belongs to depends on all events, so their places are written to one file first.
    """
    components, period, unread, number, end = Components(work.joined_by), Period(), dict[str, Note](), 0, 0
    everywhere = work.folder / "places"
    with (work.folder / _EVENTS).open("wb", _BUFFER) as texts, everywhere.open("wb", _BUFFER) as places:
        for line in lines_with_progress(sources.lines(), sources.size, "reading"):
            number = max(line.number, number + 1)
            event = read_event(line, plugins)
            if isinstance(event, Result):
                (unread[event.cause],) = merge_notes(
                    [[found] for found in (unread.get(event.cause), Note(event.cause, 1, number)) if found]
                )
            else:
                period.add(event)
                components.add(event)
                places.write(_PLACE.pack(number, end, len(line.text)))
                end += texts.write(line.text)
    notes = sort_notes(unread.values(), by_line=True)
    if number and not len(components):
        raise UsageError(f"{sources.names[0]}: no line of it is an event; line {notes[0].first}: {notes[0].text}")
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(_file(work, shard).open("wb", _BUFFER)) for shard in range(work.shards)]
        for place, record in enumerate(_records(everywhere)):
            files[components.shard(place, work.shards)].write(record)
    return notes, period


def _compare(work: Work, workers: int) -> Iterator[Comparison]:
    # A process that is forked would share the state of threads, such as those of a progress bar.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool, Steps() as steps:
        futures = [pool.submit(compare_shard, work, shard) for shard in range(work.shards)]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                yield future.result()
                steps.show("comparing", done, work.shards)
        except BrokenProcessPool:
            raise UsageError(
                "a process that compared a shard was ended; where memory is short pass more --shards or fewer --workers"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def compare_shard(work: Work, shard: int) -> Comparison:
    """Compare the events of one shard, in a process of its own."""
    left, right = prepare_sides(work.asked, quiet=True)
    comparing = Comparing(left.vendor, right.vendor, names=work.names, plugins=left.plugins, opt_in=work.asked.opt_in)
    with rare_collection(COMPARISON), (work.folder / _EVENTS).open("rb", buffering=0) as texts:
        for record in _records(_file(work, shard)):
            number, begin, length = _PLACE.unpack(record)
            texts.seek(begin)
            comparing.add(number, parse_line(texts.read(length), plugins=left.plugins))
        return comparing.finish(work.most_cases, shard=(shard, work.shards))


def _file(work: Work, shard: int) -> Path:
    return work.folder / f"shard-{shard}"


def _records(path: Path) -> Iterator[bytes]:
    with path.open("rb", _BUFFER) as file:
        while record := file.read(_PLACE.size):
            yield record
