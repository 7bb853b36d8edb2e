"""One field of an action: its kind, its default and its rules."""

from typing import Any, Literal

from attrs import frozen

Kind = Literal["string", "number", "boolean", "datetime", "object", "objects"]


@frozen
class Field:
    """A row of an action's table.

    `default` is the mapping used where the settings have none; None for an unmapped field.  An event without a value
    for a `required` field is rejected.  So is one with a text of more than `longest` UTF-16 units; in deployed fidelity
    only an `identifier` is held to its length.  In documented fidelity an empty `identifier` of an event's profile is
    left out.  The `members` of an object are checked; `extra` lets other members pass.  `nullable` keeps null, which
    other fields drop.  A field `audience` is the list of an Engage audience: in documented fidelity it is looked up by
    the audience's name where the mapping resolves to nothing.  A time that is `as_given` keeps its form: always in
    deployed fidelity, else where Klaviyo accepts it.
    """

    name: str
    kind: Kind
    default: Any = None
    required: bool = False
    email: bool = False
    strict_email: bool = False
    longest: int | None = None
    country: bool = False
    nullable: bool = False
    members: tuple["Field", ...] = ()
    extra: bool = True
    identifier: bool = False
    audience: bool = False
    as_given: bool = False
    doc: str = ""


@frozen
class Partly:
    """A checked value that lacks something of the mapped one, and the notes about that."""

    value: Any
    notes: tuple[str, ...]
