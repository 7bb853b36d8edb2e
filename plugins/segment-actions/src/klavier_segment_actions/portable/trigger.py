"""The triggers that migrations write and read: type, event names and conditions."""

import re

from attrs import frozen

_CONDITION = re.compile(
    r"""\s*(?:type\s*=\s*"(?P<type>\w+)"
    |event\s*=\s*(?P<event>"[^"]*"|'[^']*')
    |event\s*!=\s*(?P<but>"[^"]*"|'[^']*')
    |\(\s*(?P<events>event\s*=\s*(?:"[^"]*"|'[^']*')(?:\s+or\s+event\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\)
    |(?P<other>(?:traits|properties|context)[\w.]*\s*!?=\s*(?:true|false|null)))\s*(?:and\b|\Z)""",
    re.VERBOSE,
)
_NAME = re.compile(r""""([^"]*)"|'([^']*)'""")


@frozen
class Trigger:
    """A trigger in parts: the type, event names (empty: any), excluded event names, other conditions."""

    type: str = ""
    events: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the trigger's text."""
        parts = [f'type = "{self.type}"'] if self.type else []
        named = [f"event = {quoted(name)}" for name in self.events]
        if named:
            parts.append(named[0] if len(named) == 1 else f"({' or '.join(named)})")
        parts += [f"event != {quoted(name)}" for name in self.but]
        return " and ".join([*parts, *self.others])


def read(text: str) -> Trigger | None:
    """Parse a trigger; None for one that has any other part."""
    types: list[str] = []
    events: list[str] = []
    but: list[str] = []
    others: list[str] = []
    at = 0
    while at < len(text):
        found = _CONDITION.match(text, at)
        if found is None or found.end() == at:
            return None
        if found["type"]:
            types.append(found["type"])
        if found["event"] or found["events"]:
            if events:
                return None
            events += _names(found["event"] or found["events"])
        but += _names(found["but"] or "")
        others += [" ".join(found["other"].split())] if found["other"] else []
        at = found.end()
    if len(types) > 1 or text.rstrip().endswith(" and"):
        return None
    return Trigger("".join(types), tuple(events), tuple(but), tuple(others))


def quoted(name: str) -> str:
    """Return an event name in quotes."""
    return f"'{name}'" if '"' in name else f'"{name}"'


def is_quotable(name: str) -> bool:
    """Return whether a trigger can contain the name of an event."""
    return not ('"' in name and "'" in name) and name.isprintable() and "\\" not in name


def _names(text: str) -> list[str]:
    return [double or single for double, single in _NAME.findall(text)]
