"""What anybody may ask for who reaches the console: the form to sign in, and files without data."""

from functools import cache
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from klavier.console.guard import HOME, SIGN_IN, Form, Guard
from klavier.console.pages import render
from klavier.pages.environment import shared_style

_STATIC = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "logo.svg": "image/svg+xml",
    "look.css": "text/css",
}


class PublicEndpoints:
    """Answers requests without a session."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def sign_in(self, request: Request, form: Form) -> Response:
        """Show the form to sign in, or sign in."""
        if self._guard.is_open:
            return RedirectResponse(HOME, 303)
        problem, status, headers = "", 200, {}
        if request.method == "POST":
            found = self._guard.sign_in(request, next(iter(form.get("password", ())), ""))
            if isinstance(found, Response):
                return found
            problem, status = "This is not the password.", 403
            if found is not None:
                problem, status = "Too many tries: wait a minute, then try again.", 429
                headers = {"Retry-After": str(int(found) + 1)}
        return HTMLResponse(render("sign_in.html", problem=problem, sign_in=SIGN_IN), status, headers)

    async def static(self, request: Request, _: Form) -> Response:
        """Return the style sheets, the script and the logo."""
        name = request.path_params["name"]
        if name not in _STATIC:
            return PlainTextResponse("there is no such file\n", 404)
        return Response(_read_static(name), media_type=_STATIC[name], headers={"Cache-Control": "no-cache"})

    async def not_found(self, _: Request, __: Form) -> Response:
        """Answer for any other path."""
        return PlainTextResponse("there is no such page\n", 404)


@cache
def _read_static(name: str) -> bytes:
    if name == "look.css":
        return shared_style().encode()
    return (files("klavier.console") / "static" / name).read_bytes()
