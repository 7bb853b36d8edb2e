"""What was compared, in words for whoever is given the page: files, dates, versions and settings."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from klavier.cli.origin import origin_of
from klavier.settings import describe
from klavier.version import VERSION

if TYPE_CHECKING:
    from klavier.cli.setup import Setup
    from klavier.events.model import Event
    from klavier.vendor import Vendor

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LONGEST_VALUE = 60


class Period:
    """The days from the first to the last event."""

    def __init__(self) -> None:
        self._days: set[str] = set()

    def add(self, event: "Event") -> None:
        """Count the day of an event that names one."""
        if isinstance(event.timestamp, str) and _DAY.match(event.timestamp):
            self._days.add(event.timestamp[:10])

    def __str__(self) -> str:
        """Write the days; empty where no event names one."""
        ends = sorted({min(self._days), max(self._days)}) if self._days else []
        return " to ".join(ends)


def about_rows(
    files: Iterable[str], period: Period, sides: Iterable[tuple[str, "Setup"]], opt_in: str
) -> Iterator[tuple[str, str]]:
    """Return what was compared: a title and a text each."""
    days = str(period)
    yield "events", ", ".join(files) + (f", of {days}" if days else "")
    for name, setup in sides:
        yield name, describe_vendor(setup)
    yield "lists", f"{opt_in.replace('_opt_in', ' opt-in')} in both accounts"
    yield "made", describe_making(datetime.now(UTC))


def describe_vendor(setup: "Setup") -> str:
    """Write the version of a vendor and its settings."""
    origin = origin_of(setup.plugins.vendor(setup.vendor.name))
    version = f"{origin.distribution} {origin.version}" if origin.version else "a plugin file"
    return f"{version}; {', '.join(settings_of(setup.vendor)) or 'default settings'}"


def describe_making(moment: datetime) -> str:
    """Write when and with which version a page was made."""
    return f"{moment:%Y-%m-%d %H:%M} UTC with klavier {VERSION}"


def settings_of(vendor: "Vendor") -> Iterator[str]:
    """Write the settings that are not the default, but for keys and secrets; of a long one how much it holds."""
    for info in describe(type(vendor.settings)):
        value = getattr(vendor.settings, info.name)
        if info.klaviyo is None and not info.secret and not _is_default(value, info.default):
            yield f"{info.name} = {_written(value)}"


def _is_default(value: Any, default: Any) -> bool:
    factory = getattr(default, "factory", None)
    return bool(value == (factory() if callable(factory) else default))


def _written(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= _LONGEST_VALUE:
        return text
    return f"{len(value)} items" if isinstance(value, (list, tuple, dict)) else f"{text[:_LONGEST_VALUE]}…"
