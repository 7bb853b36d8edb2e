"""`@liquid`: Liquid templates as Segment runs them, with liquidjs.

python-liquid lexes templates and renders their nodes; expressions, filters and numbers follow JavaScript.  What could
run long or reach outside the template is disabled or bounded.
"""

from collections.abc import Callable
from functools import cache
from io import StringIO
from typing import Any, Final

from liquid import BoundTemplate, Environment, Tag
from liquid.builtin.tags.comment_tag import CommentTag
from liquid.builtin.tags.inline_comment_tag import InlineCommentTag
from liquid.builtin.tags.liquid_tag import LiquidTag
from liquid.exceptions import LiquidError
from liquid.output import LimitedStringIO

from klavier_segment_actions.mapping_kit.liquid.expressions import Context
from klavier_segment_actions.mapping_kit.liquid.filters import FILTERS
from klavier_segment_actions.mapping_kit.liquid.outputs import adapt_template
from klavier_segment_actions.mapping_kit.liquid.tags import TAGS

LONGEST: Final = 1000
"""Characters that a template may have. Source: Segment's mapping kit."""

OUTPUT: Final = 100_000
"""Bytes that a template may write: what Klaviyo accepts for one string."""

DISABLED_TAGS: Final = ("block", "call", "case", "extends", "for", "include", "layout", "macro", "render", "tablerow")
"""Source: what Segment's mapping kit disables in its Liquid engine."""


class _Template(BoundTemplate):
    context_class = Context

    def _get_buffer(self) -> StringIO:
        """Return a buffer that keeps carriage returns, which the library's default removes."""
        return LimitedStringIO(OUTPUT, newline="")


class _Environment(Environment):
    context_depth_limit = 20
    suppress_blank_control_flow_blocks = False
    template_class = _Template


def compile_liquid(text: str) -> Callable[[Any], str]:
    """Compile a template; raises ValueError with the mistake and its place, also for an unknown or disabled filter.

    The result raises ValueError where the template cannot be rendered for an event, or writes too much.
    """
    if len(text) > LONGEST:
        raise ValueError(f"must be a template of at most {LONGEST} characters, not {len(text)}")
    try:
        template = _environment().from_string(adapt_template(text))
    except LiquidError as error:
        raise ValueError(_message(error)) from None
    except RecursionError:
        raise ValueError("the template is nested too deep") from None

    def render(event: Any) -> str:
        try:
            return template.render(event if isinstance(event, dict) else {})
        except LiquidError as error:
            raise ValueError(_message(error)) from None
        except RecursionError:
            raise ValueError("the event is nested too deep for the template") from None

    return render


@cache
def _environment() -> Environment:
    environment = _Environment()
    basics = {name: environment.tags[name] for name in ("content", "illegal")}
    environment.tags.clear()
    environment.tags.update(basics)
    tags: tuple[type[Tag], ...] = (*TAGS, CommentTag, InlineCommentTag, LiquidTag)
    for tag in tags:
        environment.add_tag(tag)
    environment.filters = dict(FILTERS)  # type: ignore[arg-type]  # only tags of this package read it
    return environment


def _message(error: LiquidError) -> str:
    """Return the mistake and its place, without the excerpt of the template that the library adds."""
    message = str(error.args[0]).splitlines()[0] if error.args else type(error).__name__
    for tag in DISABLED_TAGS:
        if message == f"unexpected tag {tag!r}":
            message = f"tag {tag!r} is disabled"
    token = error.token
    index = getattr(token, "start_index", -1) if token is not None else -1
    return f"{message} (at character {index + 1})" if index >= 0 else message
