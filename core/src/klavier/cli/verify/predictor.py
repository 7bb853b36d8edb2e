"""Predict from the files of a run: all events, or those of some people, chosen in a pass of its own."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from klavier.cli.diff_about import Period
from klavier.cli.progress import lines_with_progress
from klavier.cli.setup import Setup
from klavier.errors import UsageError
from klavier.streams.result import Result, read_event
from klavier.streams.sources import Sources

if TYPE_CHECKING:
    from klavier.comparison.snapshot import StoredEvent
    from klavier.events.model import Event
    from klavier.sandbox.account import OptIn
    from klavier.verification.clusters import Selection
    from klavier.verification.prediction import AccountList, Predicting, Prediction


@frozen
class Asked:
    """What a run is to look at."""

    files: Sequence[str]
    span: tuple[float | None, float | None]
    opt_in: "OptIn"
    sample: int | None
    progress: Path | None


class Predictor:
    """Predicts the events of a run."""

    def __init__(self, setup: Setup, sources: Sources, asked: Asked) -> None:
        self._setup, self._sources, self._asked = setup, sources, asked
        self._lists: Sequence[AccountList] = ()
        self._selection: Selection | None = None
        self.period = Period()
        """The days of the events that were predicted."""

    def predict(self, lists: "Sequence[AccountList]") -> "Prediction":
        """Predict the events of some people, or of all, in an account with these lists."""
        self._lists = lists
        selection = self._selection = self._select()
        predicting = self._predicting()
        for number, event in self._events("predicting"):
            if isinstance(event, Result):
                predicting.add_unread(number, event.cause)
            elif selection is None or event in selection:
                predicting.add(number, event)
                self.period.add(event)
        return predicting.finish(None if selection is None else selection.total)

    def predict_others(self, times: frozenset[int]) -> "list[StoredEvent]":
        """Predict the events at some times of people who were not selected."""
        from klavier.verification.prediction import time_of  # noqa: PLC0415 -- as above

        selection = self._selection
        if selection is None:
            return []
        predicting = self._predicting()
        for number, event in self._events("looking for merged profiles"):
            if not isinstance(event, Result) and time_of(event) in times and event not in selection:
                predicting.add(number, event)
        return predicting.finish().snapshot.events

    def _predicting(self) -> "Predicting":
        from klavier.verification.prediction import Predicting  # noqa: PLC0415 -- as above

        setup, asked = self._setup, self._asked
        return Predicting(
            setup.vendor, setup.plugins, self._lists, now=time.time(), opt_in=asked.opt_in, span=asked.span
        )

    def _select(self) -> "Selection | None":
        """Choose people in a first pass over the files; None where all are to be predicted.

        What comes by a pipe can be read only once: there the sample is chosen among what was predicted.
        """
        from klavier.verification.clusters import Clusters  # noqa: PLC0415 -- as above
        from klavier.verification.prediction import is_within, time_of  # noqa: PLC0415 -- as above

        if self._asked.sample is None or self._sources.size is None:
            return None
        clusters = Clusters()
        for _, event in self._events("choosing people"):
            if not isinstance(event, Result) and is_within(time_of(event), self._asked.span):
                clusters.add(event)
        selection = clusters.choose(self._asked.sample)
        return None if selection.is_whole else selection

    def _events(self, doing: str) -> "Iterator[tuple[int, Event | Result]]":
        return _read_events(self._sources, self._setup, doing)


def _read_events(sources: Sources, setup: Setup, doing: str) -> "Iterator[tuple[int, Event | Result]]":
    """Yield the numbered events of the sources; raises `UsageError` where they have lines, and none is an event."""
    number, has_event, first = 0, False, ""
    for line in lines_with_progress(sources.lines(), sources.size, doing):
        number = max(line.number, number + 1)  # further files, and further events of a batch, go on counting
        event = read_event(line, setup.plugins)
        has_event = has_event or not isinstance(event, Result)
        if isinstance(event, Result):
            first = first or f"line {number}: {event.cause}"
        yield number, event
    if number and not has_event:
        raise UsageError(f"{sources.names[0]}: no line of it is an event; {first}")
