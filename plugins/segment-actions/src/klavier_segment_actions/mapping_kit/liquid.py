"""`@liquid`: Liquid templates, with the parts switched off that could run long or reach outside the template."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.filter import liquid_filter

from klavier.jsvalues import to_string

LONGEST = 1000
"""How many characters a template may have."""

OUTPUT = 100_000
"""How many bytes it may write: what Klaviyo takes for one string."""

DISABLED_TAGS = ("block", "call", "case", "extends", "for", "include", "layout", "macro", "render", "tablerow")
DISABLED_FILTERS = (
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
"""Source: what Segment's mapping kit switches off in its own Liquid engine."""


class _SafeEnvironment(Environment):
    output_stream_limit = OUTPUT
    context_depth_limit = 20
    local_namespace_limit = OUTPUT


def compile_liquid(text: str, *, lenient: bool) -> Callable[[Any], str]:
    """Compile a template; raises ValueError that names the fault and its place.

    The result raises ValueError too, for what only an event can show (a filter given a wrong kind of value, say).
    """
    if len(text) > LONGEST:
        raise ValueError(f"must be a template of at most {LONGEST} characters, not {len(text)}")
    try:
        template = _environment(lenient=lenient).from_string(text)
    except LiquidError as error:
        raise ValueError(_fault(error)) from None
    except RecursionError:
        raise ValueError("the template is nested too deep") from None

    def render(event: Any) -> str:
        try:
            return template.render(_shown(event) if isinstance(event, dict) else {})
        except LiquidError as error:
            raise ValueError(_fault(error)) from None
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"the template failed with {type(error).__name__}") from None

    return render


@lru_cache(maxsize=2)
def _environment(*, lenient: bool) -> Environment:
    environment = _SafeEnvironment(strict_filters=not lenient)
    for tag in DISABLED_TAGS:
        environment.tags.pop(tag, None)
    for name, function in environment.filters.items():
        environment.filters[name] = _bounded(name, function)
    for name in DISABLED_FILTERS:
        environment.filters[name] = _disabled(name)
    return environment


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Stop a filter whose text grows past the bound: a short chain of them could fill the memory."""

    @wraps(function)
    def run(*values: Any, **options: Any) -> Any:
        texts = [value for value in values if isinstance(value, str)]
        if name.startswith("replace") and len(texts) > 2 and len(texts[0]) * len(texts[2]) > OUTPUT:  # noqa: PLR2004 -- text, old, new
            raise LiquidError(f"filter {name!r} would write too much", token=None)
        result = function(*values, **options)
        if isinstance(result, str) and len(result) > OUTPUT:
            raise LiquidError(f"filter {name!r} writes more than {OUTPUT} characters", token=None)
        return result

    return run


def _disabled(name: str) -> Callable[..., Any]:
    @liquid_filter
    def refuse(*_: Any, **__: Any) -> Any:
        raise LiquidError(f"filter {name!r} is disabled", token=None)

    return refuse


def _fault(error: LiquidError) -> str:
    """Say what is wrong and where, without the excerpt of the template that the library adds."""
    message = str(error.args[0]).splitlines()[0] if error.args else type(error).__name__
    for tag in DISABLED_TAGS:
        if message == f"unexpected tag {tag!r}":
            message = f"tag {tag!r} is disabled"
    token = error.token
    index = getattr(token, "start_index", -1) if token is not None else -1
    return f"{message} (at character {index + 1})" if index >= 0 else message


class _Object(dict[str, Any]):
    """An object that prints as JavaScript prints one."""

    def __str__(self) -> str:
        return "[object Object]"


def _shown(value: Any) -> Any:
    """Give an event as Liquid should see it: whole floats as integers, objects that print as in JavaScript."""
    if isinstance(value, dict):
        return _Object((key, _shown(item)) for key, item in value.items())
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if isinstance(value, float) and value.is_integer() and "e" not in to_string(value):
        return int(value)
    return value
