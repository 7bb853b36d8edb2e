"""Straight-line Python for plain events: those of which every value is missing or fit as it is, as nearly all are.

A plan's steps are written out as one function, compiled at construction.  It knows no rule of its own: it takes what
the steps' `plain` expressions let pass, and leaves every other event to the plan itself.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from klavier_segment_actions.mapping_kit.missing import MISSING
from klavier_segment_actions.mapping_kit.paths import member
from klavier_segment_actions.payload.checks import PLAIN_NAMES, Refused
from klavier_segment_actions.payload.steps import Step

PlainPlan = Callable[[dict[str, Any]], dict[str, Any] | None]
"""From an event to its payload; None for an event that is not plain."""


def plain_plan(steps: Sequence[Step], needed: Collection[str]) -> PlainPlan:
    """Compile steps, of which those `needed` have to give a value."""
    names: dict[str, Any] = {"MISSING": MISSING, "Refused": Refused, "member": member, **PLAIN_NAMES}
    source = source_of(steps, needed, names)
    exec(compile(source, "<plain plan>", "exec"), names)  # noqa: S102 -- written here, of tables and quoted names alone
    run: PlainPlan = names["run"]
    return run


def source_of(steps: Sequence[Step], needed: Collection[str], names: dict[str, Any]) -> str:
    """Write the function; what it calls is added to `names`."""
    writer = _Writer(names)
    writer.object("payload", steps, needed)
    return "\n    ".join(["def run(event):", *writer.lines, "return payload"])


class _Writer:
    """Writes the body of the function, line by line; a place that several paths pass is read once."""

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.lines: list[str] = []
        self._read: dict[tuple[str, ...], str] = {}

    def object(self, target: str, steps: Sequence[Step], needed: Collection[str] = ()) -> None:
        """Fill a new object."""
        self.lines.append(f"{target} = {{}}")
        for step in steps:
            if step.members is not None:
                inner = f"{target}_{len(self.lines)}"
                self.object(inner, step.members)
                self.lines.append(f"{target}[{step.name!r}] = {inner}")
            elif step.plain:
                self._plain(target, step, needed=step.name in needed)
            else:
                self._whole(target, step, needed=step.name in needed)

    def _plain(self, target: str, step: Step, *, needed: bool) -> None:
        value = self._call(step.resolve) if step.keys is None else self._path(step.keys)
        fits = step.plain.format(value)
        if step.drop_empty and "is str" in step.plain:  # nothing but text can be empty
            fits = f"({fits}) and {value} != ''"
        self.lines.append(f"if {fits}: {target}[{step.name!r}] = {value}")
        absent = [f"{value} is MISSING"]
        if not step.nullable:
            absent.append(f"{value} is None")
        if step.drop_empty:
            absent.append(f"{value} == ''")
        self.lines.append("else: return None" if needed else f"elif not ({' or '.join(absent)}): return None")

    def _whole(self, target: str, step: Step, *, needed: bool) -> None:
        value = self._call(step.take)
        self.lines.append(f"if {value}.__class__ is Refused: return None")
        self.lines.append(f"if {value} is not MISSING: {target}[{step.name!r}] = {value}")
        if needed:
            self.lines.append("else: return None")

    def _call(self, function: Any) -> str:
        number = len(self.lines)
        self.names[f"take_{number}"] = function
        self.lines.append(f"value_{number} = take_{number}(event)")
        return f"value_{number}"

    def _path(self, keys: tuple[str, ...]) -> str:
        """Read the value at a path as `reader` does, and give the variable that holds it."""
        if not keys:
            return "event"
        found = self._read.get(keys)
        if found is not None:
            return found
        *before, key = keys
        holder = self._path(tuple(before))
        read = f"{holder}.get({key!r}, MISSING)"
        if before:
            otherwise = f"{holder} if {holder} is MISSING or {holder} is None else member({holder}, {key!r})"
            read = f"{read} if {holder}.__class__ is dict else {otherwise}"
        name = self._read[keys] = f"value_{len(self.lines)}"
        self.lines.append(f"{name} = {read}")
        return name
