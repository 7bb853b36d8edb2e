"""Some of the members that an object may have, drawn at the cost of one choice and of their values."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

_WAYS = 4


def some_of(members: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[dict[str, Any]]:
    """Return objects with any of these members, in several orders; one in four has them all.

    The same as the optional members of `fixed_dictionaries`, which asks for each member and for its place in the order:
    most of the time of our searches went there.
    """
    names = tuple(members)
    choices = st.integers(0, (_WAYS * len(names) << len(names)) - 1)

    @st.composite
    def chosen(draw: DrawFn) -> dict[str, Any]:
        rest, subset = divmod(draw(choices), 1 << len(names))
        first, way = divmod(rest, _WAYS)
        has_all = way == _WAYS - 1
        order = range(first - len(names), first)  # negative numbers count from the end, so that each comes once
        return {names[i]: draw(members[names[i]]) for i in order if has_all or subset >> i % len(names) & 1}

    return chosen()
