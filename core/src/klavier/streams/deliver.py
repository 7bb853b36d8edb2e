"""`klavier.deliver`: rows of any source in, their outcomes out, in order and in bounded memory."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from klavier.config.load import Source, load_config
from klavier.errors import ConfigError, EventError, LeaseLostError
from klavier.flows.drivers import AsyncSend, Connect
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, rejected
from klavier.streams.lines import LONGEST, Line
from klavier.streams.run import StreamRun
from klavier.strictjson import copy_with_text, kind_of
from klavier.worker.factory import make_connect, make_options

if TYPE_CHECKING:
    from klavier.http.transport import HttpTransport

RowId = TypeVar("RowId")
Payload = Mapping[str, Any] | bytes | str | Line
"""The payload of an event: a mapping, its JSON, or a line that another part of klavier has read."""

_NOT_OURS = 409
"""The status of a call that was not made since another process makes it."""


def deliver(  # noqa: PLR0913 -- the rows, and keywords that few need
    rows: Iterable[tuple[RowId, Payload]],
    config: Source = None,
    *,
    share: float | None = None,
    environ: Mapping[str, str] | None = None,
    transport: "HttpTransport | None" = None,
    may_send: Callable[[], bool] | None = None,
) -> Iterator[tuple[RowId, Outcome]]:
    """Deliver rows; yields each row's id and its outcome, in the order of the rows.

    A row is an id, which is only passed back, and the payload of an event: a mapping, or its JSON.  Rows are read as
    outcomes are taken, so that memory stays flat; the events of one profile are delivered in the order of the rows.  A
    row that is no event is `rejected`, and one that Klaviyo refuses or does not answer after some tries is `failed`:
    no row raises, and none stops the others.  Nothing is stored: deliver again the rows whose outcome you did not see.

    `config` is what `klavier.open` takes.  `share` is the part of Klaviyo's rate limits that this call may use, above 0
    and up to 1; by default the configuration's.  `environ` and `transport` are those of `klavier.open`.

    `may_send` is asked before each call to Klaviyo, in a thread, whether this process still delivers these rows, and
    not another one that took over: a fence for engines that repeat work.  Once it returns False nothing is sent.

    Raises `ConfigError` for what is wrong in the configuration, what reading `rows` raises, after the outcomes of the
    rows before, and `LeaseLostError` once `may_send` returned False.
    """
    found = load_config(config, environ=environ)
    if share is not None:
        try:
            found = evolve(found, delivery=evolve(found.delivery, share=share))
        except ValueError as error:
            raise ConfigError([f"share: {error}"]) from None
    vendor = found.build_vendor()
    guard = _Guard(may_send)
    run = StreamRun(
        vendor,
        guard.connecting(make_connect(found, vendor, transport)),
        plugins=found.known_plugins(),
        options=make_options(found, vendor),
    )
    outcomes = _outcomes(run, rows, guard)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return outcomes
    return _in_a_thread(outcomes)  # a notebook runs a loop, and a thread runs one at a time


def _outcomes(
    run: StreamRun, rows: Iterable[tuple[RowId, Payload]], guard: "_Guard"
) -> Iterator[tuple[RowId, Outcome]]:
    ids: deque[RowId] = deque()

    def lines() -> Iterator[Line]:
        for number, (row_id, payload) in enumerate(rows, 1):
            ids.append(row_id)
            yield _line(number, payload)

    for result in run.run(lines()):
        guard.check()
        yield ids.popleft(), result.outcome if result.event is not None else rejected(result.reason)


class _Guard:
    """Lets calls pass as long as this process may send."""

    def __init__(self, may_send: Callable[[], bool] | None) -> None:
        self._may_send = may_send
        self._is_lost = False

    def check(self) -> None:
        """Raise `LeaseLostError` once a call did not pass."""
        if self._is_lost:
            raise LeaseLostError("another process delivers these rows now; nothing more was sent")

    def connecting(self, connect: Connect) -> Connect:
        """Return what opens the same connection, guarded."""
        if self._may_send is None:
            return connect

        @asynccontextmanager
        async def connect_guarded() -> AsyncIterator[AsyncSend]:
            async with connect() as send:
                yield partial(self._send, send)

        return connect_guarded

    async def _send(self, send: AsyncSend, request: Request) -> Response:
        if not self._is_lost and self._may_send is not None:
            self._is_lost = not await asyncio.to_thread(self._may_send)
        # A refusal, which is not tried again: outcomes end at once, and the first of them raises.
        return Response(status=_NOT_OURS) if self._is_lost else await send(request)


def _line(number: int, payload: object) -> Line:
    """Return a row as a line of JSON, or with the problem that it has."""
    if isinstance(payload, Line):  # read by another part of klavier
        return evolve(payload, number=number)
    text, problem = b"", ""
    if isinstance(payload, Mapping):
        try:
            text = copy_with_text(dict(payload))[1]
        except EventError as error:
            problem = str(error)
    elif isinstance(payload, bytes | str):
        text = payload.encode(errors="surrogatepass") if isinstance(payload, str) else payload
    else:
        problem = f"a payload is a mapping or JSON text, not {kind_of(payload)}"
    if len(text) > LONGEST:
        text, problem = b"", f"longer than {LONGEST} bytes; send smaller events"
    return Line("rows", number, text, problem=problem, unit="row")


def _in_a_thread(outcomes: Iterator[tuple[RowId, Outcome]]) -> Iterator[tuple[RowId, Outcome]]:
    """Yield the same from a thread of its own; the caller waits for each as it would without."""
    with ThreadPoolExecutor(1, "klavier-deliver") as thread:
        try:
            while (found := thread.submit(next, outcomes, None).result()) is not None:
                yield found
        finally:
            thread.submit(outcomes.close).result()  # type: ignore[attr-defined] # a generator
