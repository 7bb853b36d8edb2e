"""Show each request and its reply to the plugins that observe them."""

import logging
import time
from typing import TYPE_CHECKING

from klavier.errors import PluginError
from klavier.flows.drivers import AsyncSend, no_reply
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.alerts import Alerts
from klavier.worker.circuits import endpoint_name

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_log = logging.getLogger("klavier.worker")


def observed_send(send: AsyncSend, plugins: "Plugins | None") -> AsyncSend:
    """Return a `send` that shows each reply to the plugins; `send` itself where no plugin asks for replies."""
    if plugins is None or not plugins.answers("klavier_reply"):
        return send
    alerts = Alerts(_log, time.monotonic)

    def show(request: Request, reply: Response, started: float) -> None:
        seconds = time.perf_counter() - started
        try:
            plugins.observe_reply(request, reply, endpoint_name(request.method, request.path), seconds)
        except PluginError as error:
            alerts.report(str(error), f"{error}; delivery goes on")

    async def send_observed(request: Request) -> Response:
        started = time.perf_counter()
        try:
            reply = await send(request)
        except Exception as error:
            show(request, no_reply(error), started)
            raise
        show(request, reply, started)
        return reply

    return send_observed
