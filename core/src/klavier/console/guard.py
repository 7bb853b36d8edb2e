"""What stands before every page of the console: host, origin, session, form token, and the headers of each reply."""

import asyncio
import hmac
import ipaddress
import time
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from klavier.console.sessions import SESSION_SECONDS, Session, Sessions, SignIn

COOKIE = "klavier_console"
HOME = "/console/"
SIGN_IN = "/console/sign-in"
STATIC = "/console/static/"

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_LARGEST_FORM = 6_000_000
"""Bytes of a form: an event of 5 MB, the largest that is accepted, and what encoding adds to a usual one."""
_LARGEST_SIGN_IN = 10_000
_FORM_SECONDS = 30.0
"""How long a form may take to arrive."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers would not name the origin of a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}

Form = dict[str, list[str]]


@define(eq=False)
class Visit:
    """One request that was let through: its session, whether that can be ended, and the form that it sent."""

    request: Request
    session: Session
    can_sign_out: bool = False
    form: Form = field(factory=dict, repr=False)

    def value(self, name: str) -> str:
        """Return the first value of a field; empty where there is none."""
        return next(iter(self.form.get(name, ())), "")


Page = Callable[[Visit], Awaitable[Response]]


class Guard:
    """Lets requests through to pages; `secrets` are the passwords and tokens, none for a console that is open."""

    def __init__(
        self,
        secrets: Sequence[str],
        hosts: Sequence[str],
        client_address: Callable[[Request], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hosts` are names beside localhost; `client_address` returns the address that signs in."""
        self._is_open = not secrets
        self._hosts = frozenset({"localhost", *(host.lower() for host in hosts)})
        self._client_address = client_address
        self._sessions = Sessions(clock)
        self._sign_in = SignIn(secrets, clock)

    def page(self, answer: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that answers with a page, for who is signed in."""

        async def endpoint(request: Request) -> Response:
            refused = self._refuse(request)
            if refused is not None:
                return with_headers(refused)
            session, cookie = self._find_session(request)
            if session is None:
                is_page = request.method != "POST" and "text/html" in request.headers.get("accept", "")
                wanted = RedirectResponse(SIGN_IN, 303) if is_page else PlainTextResponse("sign in first\n", 401)
                return with_headers(wanted)
            form = await _read_form(request, _LARGEST_FORM)
            if isinstance(form, Response):
                return with_headers(form)
            if request.method == "POST" and session.csrf and not _has_csrf(request, session, form):
                return with_headers(PlainTextResponse("the form is too old: load the page again, and repeat it\n", 403))
            reply = with_headers(await answer(Visit(request, session, not self._is_open, form)))
            if cookie is not None:
                self._set_cookie(request, reply, cookie)
            return reply

        return endpoint

    def public(
        self, answer: Callable[[Request, Form], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that anybody may call who reaches the console: the form to sign in, and its style."""

        async def endpoint(request: Request) -> Response:
            refused = self._refuse(request)
            if refused is not None:
                return with_headers(refused)
            form = await _read_form(request, _LARGEST_SIGN_IN)
            if isinstance(form, Response):
                return with_headers(form)
            return with_headers(await answer(request, form))

        return endpoint

    def sign_in(self, request: Request, given: str) -> Response | float | None:
        """Sign in; return the way to the page, the seconds to wait after many failures, or None for a wrong secret."""
        address = self._client_address(request)
        wait = self._sign_in.wait(address)
        if wait > 0:
            return wait
        if not self._sign_in.check(given, address):
            return None
        value, _ = self._sessions.begin()
        reply = RedirectResponse(HOME, 303)
        self._set_cookie(request, reply, value)
        return reply

    def sign_out(self, request: Request) -> Response:
        """End the session, and return the way to the form."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        reply = RedirectResponse(HOME if self._is_open else SIGN_IN, 303)
        reply.delete_cookie(COOKIE, path="/console")
        return reply

    def is_valid(self, visit: Visit) -> bool:
        """Return whether the session of a visit still lasts."""
        return not visit.session.csrf or self._sessions.find(visit.request.cookies.get(COOKIE, "")) is visit.session

    @property
    def is_open(self) -> bool:
        """Whether nobody has to sign in."""
        return self._is_open

    def _refuse(self, request: Request) -> Response | None:
        """Return the reply to a request under a foreign name, by a proxy to an open console, or from a foreign page."""
        if not self._is_known(request.headers.get("host", "")):
            return PlainTextResponse("this host name is not known: list it under [console] hosts\n", 421)
        if self._is_open and _is_forwarded(request):
            return PlainTextResponse("set [console] password to open the console behind a proxy\n", 403)
        if request.method == "POST" and not _is_own_origin(request):
            return PlainTextResponse("forms of other pages are refused\n", 403)
        return None

    def _is_known(self, host: str) -> bool:
        """Return whether a Host header names this server: an IP address, or a name that no stranger's DNS can give."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._hosts or _is_address(name)

    def _find_session(self, request: Request) -> tuple[Session | None, str | None]:
        """Return the session, and the value of a cookie to set where it is new."""
        if self._has_token(request):
            return Session("", 0.0), None  # no page can make a browser send the token: its forms need no other one
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        if session is not None or not self._is_open:
            return session, None
        if request.method == "POST":
            return None, None
        value, session = self._sessions.begin()
        return session, value

    def _has_token(self, request: Request) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._is_open:
            return False
        address = self._client_address(request)
        return self._sign_in.wait(address) <= 0 and self._sign_in.check(value.strip(), address)

    @staticmethod
    def _set_cookie(request: Request, reply: Response, value: str) -> None:
        is_secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
        reply.set_cookie(
            COOKIE,
            value,
            max_age=int(SESSION_SECONDS),
            path="/console",
            secure=is_secure,
            httponly=True,
            samesite="strict",
        )


def with_headers(reply: Response) -> Response:
    """Add the headers that every reply of the console has."""
    headers = MutableHeaders(raw=reply.raw_headers)
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    return reply


async def _read_form(request: Request, limit: int) -> Form | Response:
    """Return the fields of a form, none where none is sent; a reply where it is too large, too slow or no form."""
    if request.method != "POST":
        return {}
    body = bytearray()
    try:
        async with asyncio.timeout(_FORM_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > limit:
                    return PlainTextResponse("the form is too large\n", 413)
    except TimeoutError:
        return PlainTextResponse("the form took too long to arrive\n", 408)
    form: Form = {}
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20_000)
    except ValueError:
        return PlainTextResponse("the body is no form\n", 400)
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return form


def _has_csrf(request: Request, session: Session, form: Form) -> bool:
    given = request.headers.get("x-csrf-token") or next(iter(form.get("csrf", ())), "")
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "replace"))


def _is_own_origin(request: Request) -> bool:
    """Return whether a browser says that a form is of a page of this server; programs send neither header."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")


def _is_forwarded(request: Request) -> bool:
    """Return whether a proxy sent the request: it adds a header, or uses HTTP/1.0 as no browser does."""
    return any(name in request.headers for name in _FORWARDED) or request.scope.get("http_version") == "1.0"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
