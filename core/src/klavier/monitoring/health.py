"""The endpoints for monitors: `/healthz`, `/readyz` and `/metrics`. None of them shows a key or personal data."""

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klavier.errors import OutboxError
from klavier.monitoring.reader import StatusReader
from klavier.worker.alerts import Alerts

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of Prometheus' text format."""
_NO_STORE = {"Cache-Control": "no-store"}


class Health:
    """Answers monitors about one process.

    `is_running` returns whether the process does its work; `accepted` returns how many events its gateway accepted, by
    source and acceptance.
    """

    def __init__(
        self,
        reader: StatusReader,
        is_running: Callable[[], bool],
        accepted: Callable[[], Mapping[tuple[str, str], int]] = dict,
    ) -> None:
        self.reader = reader
        self._is_running = is_running
        self._accepted = accepted
        self._alerts = Alerts(logging.getLogger("klavier.monitoring"), monotonic)

    async def healthz(self, _: Request) -> Response:
        """Answer whether the process works at all: a supervisor starts one again that does not."""
        return _answer(is_good=self._is_running())

    async def readyz(self, _: Request) -> Response:
        """Answer whether events can be accepted: a load balancer sends none to one that cannot."""
        try:
            status = await self.reader.read()
        except OutboxError as error:
            self._alerts.report("ready", f"not ready: {error}")
            return _answer(is_good=False)
        self._alerts.resolve("ready", "the outbox can be read again")
        return _answer(is_good=self._is_running() and not status.problem)

    async def metrics(self, _: Request) -> Response:
        """Answer with the metrics in Prometheus' format; 501 without prometheus-client."""
        try:
            from klavier.monitoring.gauges import show_metrics  # noqa: PLC0415 -- needs an extra
        except ImportError:
            return Response("metrics need prometheus-client: pip install 'klavier[metrics]'\n", 501)
        try:
            status = await self.reader.read()
        except OutboxError as error:
            self._alerts.report("metrics", f"no metrics: {error}")
            return Response("the outbox cannot be read now\n", 503)
        self._alerts.resolve("metrics", "there are metrics again")
        text = await asyncio.to_thread(show_metrics, status, self._accepted())
        return Response(text, headers={**_NO_STORE, "Content-Type": _TEXT})

    def app(self) -> Starlette:
        """Return an application with the three endpoints, for an address of its own."""
        return Starlette(routes=[*self.routes(), Route("/metrics", self.metrics)])

    def routes(self, metrics_token: str | None = None) -> list[Route]:
        """Return the endpoints for an address that others reach too: `/metrics` only for those who send the token."""
        found = [Route("/healthz", self.healthz), Route("/readyz", self.readyz)]
        if metrics_token is not None:
            found.append(Route("/metrics", _guarded(self, metrics_token)))
        return found


def _guarded(health: Health, token: str) -> Callable[[Request], Awaitable[Response]]:
    expected = f"Bearer {token}".encode()

    async def answer(request: Request) -> Response:
        if not hmac.compare_digest(expected, request.headers.get("authorization", "").encode()):
            return Response("send the metrics_token as a bearer token\n", 401, {"WWW-Authenticate": "Bearer"})
        return await health.metrics(request)

    return answer


def _answer(*, is_good: bool) -> Response:
    return JSONResponse({"status": "ok" if is_good else "unavailable"}, 200 if is_good else 503, _NO_STORE)
