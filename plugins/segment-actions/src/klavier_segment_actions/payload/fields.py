"""One field of an action: its kind, its default and what it must fulfil."""

from typing import Any, Literal

from attrs import frozen

Kind = Literal["string", "number", "boolean", "datetime", "object", "objects"]


@frozen
class Field:
    """A row of an action's table.

    `default` is the mapping that fills it where the settings do not; None for an unmapped field.  Objects have
    `members` that are checked, and pass others where `extra` says so.  `nullable` keeps null, which other fields drop.
    The list of an `audience` is found by the audience's name where no mapping gives it, in documented fidelity.  A time
    that is `as_given` keeps its form where Klaviyo takes it, as deployed always.
    """

    name: str
    kind: Kind
    default: Any = None
    required: bool = False
    email: bool = False
    strict_email: bool = False
    longest: int | None = None
    choices: frozenset[str] | None = None
    nullable: bool = False
    members: tuple["Field", ...] = ()
    extra: bool = True
    identifier: bool = False
    audience: bool = False
    as_given: bool = False
    doc: str = ""
