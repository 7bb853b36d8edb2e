"""A Klaviyo account in memory."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlencode

from klavier.errors import TransportError, UsageError
from klavier.forking import ForkAware, register
from klavier.klaviyo.attributes import IDENTIFIERS
from klavier.klaviyo.operations import RateLimit
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.sandbox.account import Account, OptIn
from klavier.sandbox.calls import Call
from klavier.sandbox.clock import Clock, SystemClock
from klavier.sandbox.consent import confirm
from klavier.sandbox.exchange import KLAVIYO, Incoming, Reply, find_repeated
from klavier.sandbox.faults import Fault, Faults
from klavier.sandbox.gateway import Gateway, Legacy, Retired
from klavier.sandbox.profile import Profile
from klavier.sandbox.rates import Windows
from klavier.sandbox.state import comparable, full_profile, state
from klavier.sandbox.summary import summary

if TYPE_CHECKING:
    from klavier.http.in_process import InProcessTransport

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/vnd.api+json"
_BROKEN = {"none": "the connection was closed before a reply came", "half": "the reply broke off"}


class Sandbox(ForkAware):
    """A Klaviyo account that lives in memory and answers as Klaviyo does: for tests, demonstrations and comparisons.

    - `private_api_key`, `public_api_key`: the account's keys; None accepts any key.
    - `access_token`: the OAuth token that is accepted in place of the private key; None accepts any token.
    - `clock`: the source of the time, see `FakeClock`.
    - `rate_limits`: whether Klaviyo's rate limits apply; a mapping applies them with some operations' limits replaced.
    - `legacy`: whether the v1 and v2 calls still work, or answer 410 as they do since 30 June 2024.
    - `retired`: whether a retired revision is judged by its own rules, or falls forward to the oldest one served, as
      Klaviyo does.
    - `opt_in`: the opt-in process of subscriptions without a list, and of new lists.
    - `sms`: whether the account has SMS set up; without it a phone number alone is no identifier.
    - `global_unsubscribe`: whether leaving one list withdraws the consent to e-mail everywhere, as it does in
      Klaviyo unless the account's setting was changed.
    - `own_metrics`: whether consents are also recorded as events of Klaviyo's own metrics ("Subscribed to List", ...).
    - `drops_test_addresses`: whether events of addresses at example.com and test.com are dropped, as Klaviyo does.
    - `unknown_lists`: whether a call that names an unknown list is refused, or creates it.
    - `seed`: the seed of the faults that happen at random.
    - `record_calls`: whether `calls` keeps the requests, with their whole bodies.

    Raises `UsageError` for an unknown value of an option.
    """

    def __init__(  # noqa: PLR0913 -- one keyword for each thing that an account can be set up with
        self,
        private_api_key: str | None = "pk_sandbox",
        public_api_key: str | None = "SNDBX1",
        clock: Clock | None = None,
        *,
        rate_limits: bool | Mapping[str, RateLimit] = False,
        legacy: Legacy = "alive",
        retired: Retired = "own-rules",
        opt_in: OptIn = "double_opt_in",
        sms: bool = True,
        access_token: str | None = "at_sandbox",  # noqa: S107 -- opens nothing but the sandbox
        global_unsubscribe: bool = True,
        own_metrics: bool = False,
        drops_test_addresses: bool = False,
        unknown_lists: Literal["refuse", "create"] = "refuse",
        seed: int = 0,
        record_calls: bool = True,
    ) -> None:
        _check("legacy", legacy, "alive", "gone")
        _check("retired", retired, "own-rules", "fall-forward")
        _check("opt_in", opt_in, "single_opt_in", "double_opt_in")
        _check("unknown_lists", unknown_lists, "refuse", "create")
        self.clock: Clock = SystemClock() if clock is None else clock
        self.account: Account = Account(
            self.clock,
            private_api_key,
            public_api_key,
            access_token,
            opt_in,
            sms,
            global_unsubscribe,
            own_metrics,
            drops_test_addresses,
            unknown_lists,
        )
        self._rate_limits = rate_limits
        self._gateway = Gateway(self.account, legacy, retired, self._windows())
        self._lock = threading.RLock()
        self.faults: Faults = Faults(seed)
        self.calls: list[Call] = []
        """The requests received so far, in order."""
        self._record_calls = record_calls
        register(self)

    def renew_after_fork(self) -> None:
        """Renew the lock: a child of a program under test has a sandbox of its own."""
        self._lock = threading.RLock()

    # As the transport ------------------------------------------------------------------------------------------------

    def send(self, request: Request) -> Response:
        """Answer a request as klavier's transport would, with the right key.

        Raises `TransportError` where a fault breaks the connection.
        """
        return _response(self.respond(self._incoming(request)))

    async def send_async(self, request: Request) -> Response:
        """Answer a request as klavier's asynchronous transport would; see `send`."""
        return _response(await self.respond_async(self._incoming(request)))

    # As a server -----------------------------------------------------------------------------------------------------

    def handle(
        self,
        method: str,
        path: str,
        query: str | Mapping[str, str] = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a raw HTTP request with status, headers (lower-case names) and body.

        `path` is quoted, `query` is the query string as sent, or its unquoted parameters.
        Raises `TransportError` where a fault breaks the connection.
        """
        return _raw(self.respond(_read_raw(method, path, query, headers, body)))

    async def handle_async(
        self,
        method: str,
        path: str,
        query: str | Mapping[str, str] = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer a raw HTTP request without blocking the event loop; see `handle`."""
        return _raw(await self.respond_async(_read_raw(method, path, query, headers, body)))

    def transport(self) -> "InProcessTransport":
        """Return an httpx transport to this sandbox, for `httpx` clients and klavier's `transport=`."""
        from klavier.http.in_process import InProcessTransport  # noqa: PLC0415 -- loads httpx

        return InProcessTransport(self)

    def respond(self, incoming: Incoming) -> Reply:
        """Answer a request, with its fault where one is active."""
        fault = self._next_fault(incoming)
        if fault is not None and fault.delay:
            self.clock.sleep(fault.delay)
        return self._finish(incoming, fault)

    async def respond_async(self, incoming: Incoming) -> Reply:
        """Answer a request, with its fault where one is active, without blocking the event loop."""
        fault = self._next_fault(incoming)
        if fault is not None and fault.delay:
            await self.clock.sleep_async(fault.delay)
        return self._finish(incoming, fault)

    def _windows(self) -> Windows | None:
        if self._rate_limits is False:
            return None
        return Windows({} if self._rate_limits is True else self._rate_limits)

    def _next_fault(self, incoming: Incoming) -> Fault | None:
        if not self.faults:
            return None
        with self._lock:
            return self.faults.next_for(incoming)

    def _finish(self, incoming: Incoming, fault: Fault | None) -> Reply:
        with self._lock:
            if fault is None:
                reply = self._gateway.answer(incoming)
            else:
                reply = fault.apply(self._gateway.answer(incoming) if fault.is_processed else None)
            if self._record_calls:
                self.calls.append(_record(incoming, reply))
            return reply

    def _incoming(self, request: Request) -> Incoming:
        headers: dict[str, str] = {}
        if request.revision is not None:
            headers["revision"] = request.revision
        if not request.path.startswith("/client/"):
            headers["authorization"] = f"Klaviyo-API-Key {self.account.private_api_key or 'pk_any'}"
        body = b""
        if request.form is not None:
            headers["content-type"], body = _FORM, urlencode(request.form).encode()
        elif request.json is not None:
            headers["content-type"], body = _JSON, request.body
        return Incoming(request.method, request.path, request.params or {}, headers, body)

    # Its content -----------------------------------------------------------------------------------------------------

    def add_list(self, name: str, id: str | None = None, opt_in_process: OptIn | None = None) -> str:  # noqa: A002 -- Klaviyo's own word
        """Create a list and return its id; the opt-in process is the account's unless one is given."""
        _check("opt_in_process", opt_in_process, None, "single_opt_in", "double_opt_in")
        with self._lock:
            return self.account.add_list(name, id, opt_in_process or self.account.opt_in).id

    def profile(self, identifier: str) -> dict[str, Any] | None:
        """Return one profile as `state` shows it, by Klaviyo's id or any identifier; None for an unknown one."""
        with self._lock:
            found = self._find(identifier)
            return None if found is None else full_profile(found)

    def confirm(self, identifier: str) -> int:
        """Click every confirmation link that was sent to a subscriber; return the number of consents given."""
        with self._lock:
            found = self._find(identifier)
            return 0 if found is None else confirm(self.account, found)

    def _find(self, identifier: str) -> Profile | None:
        profiles = self.account.profiles
        owners = (profiles.owner(kind, identifier) for kind in IDENTIFIERS)
        return profiles.by_id.get(identifier) or next((owner for owner in owners if owner is not None), None)

    def reset(self) -> None:
        """Delete everything: profiles, events, lists, calls, faults and counted requests."""
        with self._lock:
            self.account.clear()
            self.faults.clear()
            self.calls.clear()
            self._gateway.windows = self._windows()

    def state(self) -> dict[str, Any]:
        """Return the content of the account as plain data: `profiles`, `metrics`, `events`, `lists`, `jobs`."""
        with self._lock:
            return state(self.account)

    def comparable(self) -> dict[str, Any]:
        """Return the state without generated ids, times of arrival and jobs: equal where the data is the same."""
        with self._lock:
            return comparable(self.account)

    def summary(self, most: int = 20) -> str:
        """Return the content of the account as plain text, at most `most` rows a table."""
        with self._lock:
            return summary(self.account, most)

    def __str__(self) -> str:
        """Return the summary; it shows personal data on purpose."""
        return self.summary()

    def __repr__(self) -> str:
        """Show sizes only."""
        account = self.account
        return f"<Sandbox profiles={len(account.profiles)} lists={len(account.lists)} calls={len(self.calls)}>"


def _record(incoming: Incoming, reply: Reply) -> Call:
    headers = incoming.headers
    return Call(
        incoming.method,
        incoming.path,
        incoming.params,
        headers.get("revision"),
        incoming.body,
        reply.status,
        headers.get("content-type", ""),
    )


def _response(reply: Reply) -> Response:
    if reply.broken:
        raise TransportError(_BROKEN[reply.broken])
    return reply.response()


def _check(name: str, value: Any, *allowed: Any) -> None:
    if value not in allowed:
        shown = " or ".join(repr(item) for item in allowed if item is not None)
        raise UsageError(f"{name}: must be {shown}")


def _read_raw(
    method: str, path: str, query: str | Mapping[str, str], headers: Mapping[str, str] | None, body: bytes
) -> Incoming:
    pairs = parse_qsl(query, keep_blank_values=True) if isinstance(query, str) else list(query.items())
    lower_case = {name.lower(): value for name, value in (headers or {}).items()}
    repeated = find_repeated(name for name, _ in pairs)
    return Incoming(method.upper(), path, dict(pairs), lower_case, body, base_url(lower_case.get("host")), repeated)


def base_url(host: str | None, scheme: str | None = None) -> str:
    """Return the URL of the server that a Host header names, Klaviyo's without one.

    Without a `scheme` it is HTTP for a server on this machine, else HTTPS.
    """
    if not host:
        return KLAVIYO
    is_local = host.rsplit(":", 1)[0] in ("localhost", "127.0.0.1", "[::1]", "testserver")
    return f"{scheme or ('http' if is_local else 'https')}://{host}"


def _raw(reply: Reply) -> tuple[int, dict[str, str], bytes]:
    if reply.broken:
        raise TransportError(_BROKEN[reply.broken])
    return reply.status, reply.http_headers(), reply.body
