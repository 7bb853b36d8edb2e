"""One step of a plan: what fills a field of a payload, or a member of an object in it."""

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from klavier_segment_actions.mapping_kit.compiler import Resolver

Take = Callable[[Any], Any]
"""From an event to a field's value, `MISSING` or `Refused`."""


@frozen
class Step:
    """What fills a field: `take` is the whole rule of it; the rest lets plain events be told from others.

    `keys` is the path where the mapping is nothing else, and `resolve` gives the value before it is checked.
    `plain` is a Python expression about a value `{0}`: where it holds, the value is taken as it is.  It is empty where
    only `take` can say.  A value that is missing leaves the field out, and so does null unless it is `nullable`, and an
    empty text where `drop_empty` says so.  An object that is mapped member by member has `members`.
    """

    name: str
    take: Take
    resolve: Resolver | None = None
    keys: tuple[str, ...] | None = None
    plain: str = ""
    nullable: bool = field(default=False, kw_only=True)
    drop_empty: bool = field(default=False, kw_only=True)
    members: tuple["Step", ...] | None = field(default=None, kw_only=True)
