"""From a mapping to a function of the event; every mistake is reported with its path in the mapping."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from klavier.strictjson import kind_of
from klavier.vendor import RejectEvent
from klavier_segment_actions.fidelity import Fidelity
from klavier_segment_actions.javascript.missing import MISSING

Resolver = Callable[[Any], Any]
"""From an event to a mapped value; raises `RejectEvent` where the mapping cannot be applied to the event."""

Directive = Callable[["Compiler", Any], Resolver]
"""Compiles the value of one `@` key."""

DEEPEST = 100
"""How deep a mapping may nest; deeper ones would exhaust the stack."""

_LONGEST_NAME = 20
"""Characters of an unknown directive's name in a message: room for any real name."""


class Compiler:
    """Compiles one mapping: keeps the current path and the problems found."""

    def __init__(self, directives: Mapping[str, Directive], fidelity: Fidelity, place: str = "") -> None:
        self.directives = directives
        self.fidelity = fidelity
        self.place = place
        self.problems: list[str] = []
        self.keep_missing = False
        self._depth = 0

    def problem(self, text: str) -> Resolver:
        """Record a problem at the current path; returns a placeholder, so that compiling can go on and find more."""
        line = f"{self.place}: {text}" if self.place else text
        if line not in self.problems:
            self.problems.append(line)
        return nothing

    @contextmanager
    def at(self, key: str | int) -> Iterator[None]:
        """Enter a member or item of the mapping."""
        before = self.place
        self.place = f"{before}[{key}]" if isinstance(key, int) else f"{before}.{key}" if before else key
        try:
            yield
        finally:
            self.place = before

    @contextmanager
    def keeping_missing(self, *, keep: bool) -> Iterator[None]:
        """Keep `MISSING` in objects and arrays: it overwrites values in a merge, and has no key when flattened."""
        before, self.keep_missing = self.keep_missing, keep
        try:
            yield
        finally:
            self.keep_missing = before

    def compile(self, node: Any) -> Resolver:
        """Compile a directive or a plain value."""
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                return self.problem(f"nested deeper than {DEEPEST} levels; flatten it")
            if isinstance(node, dict):
                return self._directive(node) if has_directive(node) else self._object(node)
            if isinstance(node, (list, tuple)):
                return self._array(list(node))
            if node is None or isinstance(node, (str, bool, int, float)):
                return constant(node)
            return self.problem(f"must be a directive or a JSON value, not {kind_of(node)}")
        finally:
            self._depth -= 1

    def member(self, options: dict[str, Any], key: str) -> Resolver:
        """Compile one member of a directive's options; a missing one resolves to nothing."""
        if key not in options:
            return nothing
        with self.at(key):
            return self.compile(options[key])

    def _directive(self, node: dict[str, Any]) -> Resolver:
        names = [key for key in node if isinstance(key, str) and key.startswith("@")]
        others = [key for key in node if key not in names and key != "_metadata"]
        if len(names) > 1 or others:
            return self.problem(
                f"a directive has one key that begins with @, and this has {len(names) + len(others)} keys; "
                "move the others one level up"
            )
        name = names[0]
        directive = self.directives.get(name)
        if directive is None:
            shown = name if name[1:].isalnum() and len(name) <= _LONGEST_NAME else "the name"
            return self.problem(f"{shown} is no directive; directives are {', '.join(sorted(self.directives))}")
        with self.at(name):
            return directive(self, node[name])

    def _object(self, node: dict[str, Any]) -> Resolver:
        members = []
        for key, item in node.items():
            with self.at(str(key)):
                if not isinstance(key, str):
                    self.problem(f"a key must be a string, not {kind_of(key)}")
                members.append((key, self.compile(item)))
        if self.keep_missing:
            return lambda event: {key: resolve(event) for key, resolve in members}

        def build(event: Any) -> dict[str, Any]:
            built = {}
            for key, resolve in members:
                value = resolve(event)
                if value is not MISSING:
                    built[key] = value
            return built

        return build

    def _array(self, node: list[Any]) -> Resolver:
        items = []
        for index, item in enumerate(node):
            with self.at(index):
                items.append(self.compile(item))
        if self.keep_missing:
            return lambda event: [resolve(event) for resolve in items]
        return lambda event: [None if (value := resolve(event)) is MISSING else value for resolve in items]


def has_directive(node: Any) -> bool:
    """Return whether a node of a mapping is a directive: an object with a key that begins with @."""
    return isinstance(node, dict) and any(isinstance(key, str) and key.startswith("@") for key in node)


def constant(value: Any) -> Resolver:
    """Return a resolver of one value for every event."""
    return lambda _event: value


def nothing(_event: Any) -> Any:
    """Resolve to nothing."""
    return MISSING


def mapping_error(place: str, text: str) -> RejectEvent:
    """Return the error of a mapping that cannot be applied to an event, such as a path that resolves to a number."""
    return RejectEvent(f"{place}: {text}")
