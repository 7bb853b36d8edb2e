"""The filters of templates: all that liquidjs has, of which Segment disables some.

Each filter takes the render context, the value and its arguments.  Source: the documentation of liquidjs, and observed
behavior where that is silent.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from liquid.exceptions import LiquidError

from klavier_segment_actions.mapping_kit.liquid.filters.arrays import ARRAY_FILTERS
from klavier_segment_actions.mapping_kit.liquid.filters.dates import DATE_FILTERS
from klavier_segment_actions.mapping_kit.liquid.filters.encodings import ENCODING_FILTERS
from klavier_segment_actions.mapping_kit.liquid.filters.numbers import NUMBER_FILTERS
from klavier_segment_actions.mapping_kit.liquid.filters.strings import STRING_FILTERS

DISABLED_FILTERS: Final = (
    "array_to_sentence_string",
    "concat",
    "find",
    "find_exp",
    "find_index",
    "find_index_exp",
    "group_by",
    "group_by_exp",
    "has",
    "has_exp",
    "map",
    "newline_to_br",
    "reject",
    "reject_exp",
    "reverse",
    "sort",
    "sort_natural",
    "type",
    "uniq",
    "where_exp",
)
"""Source: what Segment's mapping kit disables in its Liquid engine."""

_ENABLED: Mapping[str, Callable[..., Any]] = {
    **NUMBER_FILTERS,
    **STRING_FILTERS,
    **ARRAY_FILTERS,
    **ENCODING_FILTERS,
    **DATE_FILTERS,
}


def _checked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Count what a filter produces, name the filter in errors, and ignore superfluous arguments as JavaScript does."""
    most = _most_arguments(function)

    def run(context: Any, *arguments: Any) -> Any:
        try:
            result = function(context, *arguments[:most])
        except LiquidError:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise LiquidError(f"filter {name!r} cannot be applied: {type(error).__name__}", token=None) from None
        if isinstance(result, (str, list)):
            context.budget.use(len(result))
        return result

    return run


def _most_arguments(function: Callable[..., Any]) -> int | None:
    """Return how many arguments a filter takes besides the context; None for any number."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    return len(parameters) - 1


FILTERS: Final = {
    **{name: _checked(name, function) for name, function in _ENABLED.items()},
    **dict.fromkeys(DISABLED_FILTERS),
}
"""The filters by their names; None for a disabled one."""
