"""From a mapping to a function of the event, with every mistake named by its place in the mapping."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from klavier.errors import ConfigError
from klavier.strictjson import kind_of
from klavier_segment_actions.fidelity import Differences
from klavier_segment_actions.mapping_kit.missing import MISSING

Resolver = Callable[[Any], Any]
"""From an event to a mapped value; raises `ConfigError` where the event shows that the mapping cannot work."""

Directive = Callable[["Compiler", Any], Resolver]
"""Compiles the value of one `@` key."""

DEEPEST = 100
"""How deep a mapping may nest; deeper ones are a mistake, and would exhaust the stack."""


class Compiler:
    """Compiles one mapping: keeps the place it is at and the problems it found."""

    def __init__(self, directives: Mapping[str, Directive], rules: Differences, place: str = "") -> None:
        self.directives = directives
        self.rules = rules
        self.place = place
        self.problems: list[str] = []
        self.keep_missing = False
        self._depth = 0

    def problem(self, text: str) -> Resolver:
        """Note a problem at the current place; gives a stand-in, since compiling goes on to find more."""
        line = f"{self.place}: {text}" if self.place else text
        if line not in self.problems:
            self.problems.append(line)
        return nothing

    @contextmanager
    def at(self, key: str | int) -> Iterator[None]:
        """Step into a member or item of the mapping."""
        before = self.place
        self.place = f"{before}[{key}]" if isinstance(key, int) else f"{before}.{key}" if before else key
        try:
            yield
        finally:
            self.place = before

    @contextmanager
    def keeping_missing(self, *, keep: bool) -> Iterator[None]:
        """Let objects and arrays keep what is missing: it overwrites others in a merge, and has no key when flat."""
        before, self.keep_missing = self.keep_missing, keep
        try:
            yield
        finally:
            self.keep_missing = before

    def compile(self, node: Any) -> Resolver:
        """Compile a directive or raw value."""
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
                "put the others one level up"
            )
        name = names[0]
        directive = self.directives.get(name)
        if directive is None:
            shown = name if name[1:].isalnum() and len(name) <= 20 else "(a text)"  # noqa: PLR2004 -- room for any name
            return self.problem(f"{shown} is no directive; known are {', '.join(sorted(self.directives))}")
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
    """Tell whether a node of a mapping is a directive: an object with a key that begins with @."""
    return isinstance(node, dict) and any(isinstance(key, str) and key.startswith("@") for key in node)


def constant(value: Any) -> Resolver:
    """Resolve to one value whatever the event."""
    return lambda _event: value


def nothing(_event: Any) -> Any:
    """Resolve to nothing at all."""
    return MISSING


def fault(place: str, text: str) -> ConfigError:
    """Make the error for what only an event can show, such as a path that resolves to a number."""
    return ConfigError(f"{place}: {text}")
