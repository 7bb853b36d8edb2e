"""What a term is: one thing that a Klaviyo destination does, and what a difference in it means."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

Reading = Mapping[str, Any]
"""What a vendor does under its settings: values of terms, by the name of the term; a missing one is None."""


@frozen
class Term:
    """One thing that vendors do differently.

    `so` is one sentence on what a difference means in Klaviyo; `new` where the old vendor does nothing of the kind,
    `without` where the new one does not. `touches` names the parts of an account that a difference can show in
    (`"*"` is all of them). With `each` the value is a table or list of which each member counts for itself. A `fine`
    term is about corner cases. One that is `within` another is not listed where only one of the vendors does
    that at all. `none` is the text for nothing.
    """

    name: str
    asks: str
    so: str
    touches: tuple[str, ...]
    new: str = ""
    without: str = ""
    each: bool = False
    fine: bool = False
    within: str = ""
    none: str = "nothing"

    def consequence(self, was: Any, becomes: Any) -> str:
        """Return the sentence for a difference."""
        if is_nothing(was) and self.new:
            return self.new
        return self.without if is_nothing(becomes) and self.without else self.so


def is_nothing(value: Any) -> bool:
    """Return whether a value means that nothing of the kind is done."""
    return value is None or value is False or (isinstance(value, (tuple, list, dict, str)) and not value)


def same(was: Any, becomes: Any) -> bool:
    """Return whether two values of a term mean the same; an empty list is a value of its own: none of all."""
    if plain(was) == plain(becomes):
        return True
    return all(is_nothing(value) and not isinstance(value, (tuple, list)) for value in (was, becomes))


def plain(value: Any) -> Any:
    """Return a value with lists for tuples and plain tables, so that equal values are equal."""
    if isinstance(value, Mapping):
        return {name: plain(member) for name, member in value.items()}
    return [plain(item) for item in value] if isinstance(value, (tuple, list)) else value


def parts(was: Any, becomes: Any) -> Iterator[tuple[str, Any, Any]]:
    """Return the members in which two values of an `each` term differ: its name, the old value, the new one."""
    old, new = _members(was), _members(becomes)
    for name in dict.fromkeys([*old, *new]):
        if not same(old.get(name), new.get(name)):
            yield name, old.get(name), new.get(name)


def _members(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    return {str(item): True for item in value or ()}
