"""The replies of the console: pages for a visit."""

from collections.abc import Collection
from typing import Any

import orjson
from starlette.responses import HTMLResponse, Response

from klavier.console.guard import Visit
from klavier.console.pages import render
from klavier.redaction import hide_secrets


def page(name: str, visit: Visit, *, status: int = 200, **values: Any) -> Response:
    """Return a page, or a part of one, with what its forms need."""
    return HTMLResponse(render(name, csrf=visit.session.csrf, has_sign_out=visit.can_sign_out, **values), status)


def gone(visit: Visit, text: str) -> Response:
    """Return the page for what is no longer there."""
    return page("gone.html", visit, text=text, status=404)


def read_payload(payload: bytes, secrets: Collection[str] = ()) -> Any:
    """Return a payload as JSON data without secrets; as a text one that is not JSON, or is nested too deeply."""
    try:
        return hide_secrets(orjson.loads(payload), secrets)
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "backslashreplace")
    except RecursionError:
        return "(nested too deeply to be shown)"
