"""Render the templates of the console."""

from typing import Any

from klavier.console import shown
from klavier.console.figures import Figures, Headline
from klavier.console.guard import HOME, STATIC
from klavier.pages.environment import template_environment
from klavier.redaction import redact_text
from klavier.version import VERSION

_GLOBALS = {
    "home": HOME,
    "static": STATIC,
    "version": VERSION,
    "span": shown.span,
    "duration": shown.duration,
    "clock": shown.clock,
    "moment": shown.moment,
    "number": shown.number,
    "size": shown.size,
    "draw_json": shown.draw_json,
    "pretty": shown.pretty,
    "redact": redact_text,
}

PANELS = ("headline", "cards", "activity", "limits", "events", "letters", "shadow")
"""The parts of the page that change by themselves: each is a template and the id of an element."""


def render(name: str, **values: Any) -> str:
    """Return a page, or a part of one."""
    return template_environment("klavier.console").get_template(name).render(**_GLOBALS, **values)


def render_panels(figures: Figures | None, headline: Headline | None) -> dict[str, str]:
    """Return the panels of some figures; without figures the headline alone."""
    if figures is None:
        return {"headline": render("panels/headline.html", headline=headline)}
    return {
        name: render(f"panels/{name}.html", figures=figures, status=figures.status, headline=figures.headline)
        for name in PANELS
    }
