"""Templates whose values are always escaped, and the style sheet that all pages begin with."""

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


@cache
def template_environment(package: str) -> Environment:
    """Return the environment for the templates of a package, and for those that all pages share.

    Every value is escaped, none is left out silently.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("klavier.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["multiline"] = escape  # a text of several lines stays as it is, but for markup
    return environment


@cache
def shared_style() -> str:
    """Return the style sheet that all pages begin with: colors, text, tables, badges."""
    return (files("klavier.pages") / "static" / "look.css").read_text("utf-8")


def visible(value: Any) -> Any:
    """Show the characters of a text that cannot be seen, or that change the direction of text, as their escapes."""
    if isinstance(value, Markup) or not isinstance(value, str) or value.isprintable():
        return value
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
