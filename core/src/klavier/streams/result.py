"""Read lines as events, and the result that each line gets."""

import re
from collections import Counter
from typing import TYPE_CHECKING

import orjson
from attrs import frozen

from klavier.errors import EventError, PluginError
from klavier.events.bounds import EVENT_BYTES, check_bounds
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.outcome import Outcome, rejected
from klavier.streams.lines import Line

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_POSITION = re.compile(r" at (?:column|byte) \d+")


@frozen(slots=False)  # without slots it is made faster, and there is one for every line
class Result:
    """The outcome of one line.

    `event` is None for a line that is no event.  `cause` is the outcome's reason without the place of this line, so
    that equal causes can be counted together.
    """

    line: Line
    event: Event | None
    outcome: Outcome
    cause: str = ""

    @property
    def reason(self) -> str:
        """The outcome's reason without the place of the line, for those who show the place themselves."""
        return self.outcome.reason.removeprefix(f"{self.line.place}: ")


def read_event(line: Line, plugins: "Plugins | None" = None) -> Event | Result:
    """Return the event of a line, in a format of klavier or one of `plugins`, or the result of a line that is none.

    An event that Klaviyo can never take is refused as a relay refuses it.
    """
    if line.problem:
        return Result(line, None, rejected(f"{line.place}: {line.problem}"), line.problem)
    try:
        event = parse_line(line.text, plugins=plugins) if line.event is None else line.event
        check_bounds(event, _size(line, event))
    except EventError as error:
        return Result(line, None, rejected(f"{line.place}: {error}"), _POSITION.sub("", error.problem))
    return event


def _size(line: Line, event: Event) -> int:
    """Return the bytes of an event's JSON; blanks in a long line do not count."""
    size = len(line.text)
    return size if size <= EVENT_BYTES else len(orjson.dumps(event.payload))


class Observers:
    """Passes results to the plugins that observe outcomes; an observer that raises changes no outcome."""

    def __init__(self, plugins: "Plugins | None", vendor: str) -> None:
        self.faults: Counter[str] = Counter()
        """How often each plugin raised."""
        self._plugins = plugins
        self._vendor = vendor

    def notify(self, result: Result) -> None:
        """Pass a result on; lines that are no event have no observers."""
        if self._plugins is None or result.event is None:
            return
        try:
            self._plugins.observe(result.event, self._vendor, result.outcome)
        except PluginError as error:
            self.faults[str(error)] += 1
