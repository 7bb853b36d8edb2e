"""The pages of the console."""

import asyncio
import logging
from typing import TYPE_CHECKING

from starlette.responses import (
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)

from klavier.config.secrets import secret_values
from klavier.console import settings
from klavier.console.figures import FigureReader, no_figures
from klavier.console.guard import HOME, Guard, Visit
from klavier.console.live import Live, Panels
from klavier.console.pages import render_panels
from klavier.console.recorder import Recorder
from klavier.console.replies import gone, page, read_payload
from klavier.console.trial import try_event
from klavier.errors import EventError, OutboxError
from klavier.klaviyo.request_json import request_object
from klavier.redaction import hide_secrets

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.worker.leased_worker import LeasedWorker

_log = logging.getLogger("klavier.console")


class Endpoints:
    """Answers the requests that the guard lets through."""

    def __init__(
        self, config: "Config", worker: "LeasedWorker", reader: FigureReader, recorder: Recorder, guard: Guard
    ) -> None:
        self._config = config
        self._reader = reader
        self._recorder = recorder
        self._guard = guard
        self._secrets = secret_values(config, worker.config.vendor)
        self.live = Live(self._panels)

    async def to_home(self, _: Visit) -> Response:
        """Lead to the page from its address without the slash."""
        return RedirectResponse(HOME, 308)

    async def home(self, visit: Visit) -> Response:
        """Show the page."""
        message, visit.session.message = visit.session.message, ""
        return page(
            "index.html",
            visit,
            panels=await self._panels(),
            message=message,
            sections=settings.sections(self._config),
            vendors=settings.vendors(self._config),
            broken=self._config.known_plugins().broken,
        )

    async def stream(self, visit: Visit) -> Response:
        """Send the panels that change, until the page is left."""
        if visit.request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if not self.live.has_room:
            return PlainTextResponse("too many pages are open\n", 503, {"Retry-After": "10"})
        return StreamingResponse(
            self.live.stream(lambda: self._guard.is_valid(visit)),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def figures(self, _: Visit) -> Response:
        """Return the status as JSON, for programs."""
        try:
            return JSONResponse((await self._reader.read()).status.to_json())
        except OutboxError as error:
            return JSONResponse({"problem": str(error)}, 503)

    async def event(self, visit: Visit) -> Response:
        """Show one of the last events: masked, and with its personal data where the form asks for it."""
        recorded = self._recorder.find(visit.request.path_params["number"])
        if recorded is None:
            return gone(visit, "This event is no longer kept: the page shows the last ones only.")
        masked = visit.request.method != "POST"
        if not masked:
            _log.info("the console showed the personal data of an event to a signed-in user")
        exchanges = [
            {
                "request": request_object(request, self._secrets),
                "status": reply.status,
                "problem": reply.problem,
                "reply": hide_secrets(reply.json, self._secrets),
            }
            for request, reply in recorded.sent
        ]
        payload = None if recorded.payload is None else read_payload(recorded.payload, self._secrets)
        return page("event.html", visit, event=recorded, payload=payload, exchanges=exchanges, masked=masked)

    async def try_event(self, visit: Visit) -> Response:
        """Show what each installed vendor would send for a pasted event."""
        text, problem, trials = visit.value("event"), "", []
        try:
            trials = await asyncio.to_thread(try_event, text, self._config)
        except EventError as error:
            problem = str(error)
        is_fragment = visit.request.headers.get("x-fragment") == "1"
        name = "trials.html" if is_fragment else "trial.html"
        return page(name, visit, text=text, problem=problem, trials=trials, status=422 if problem else 200)

    async def sign_out(self, visit: Visit) -> Response:
        """End the session."""
        return self._guard.sign_out(visit.request)

    async def _panels(self) -> Panels:
        try:
            return render_panels(await self._reader.read(), None)
        except OutboxError as error:
            return render_panels(None, no_figures(error))
