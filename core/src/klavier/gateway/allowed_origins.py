"""Which pages may send events: those of the origins that a configuration allows."""

import logging
import re
from collections.abc import Sequence
from time import monotonic

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from klavier.worker.alerts import Alerts

_PREFLIGHT_SECONDS = 86_400
"""How long browsers remember a preflight's reply: the longest that any of them allows."""

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
"""What a browser sends as an origin; anything else is not shown."""


class AllowedOrigins(CORSMiddleware):
    """Answers browsers whether a page may send events, and logs pages that may not: nobody else would notice."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        """Allow pages of these `origins`, or of all where one is `*`."""
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["*"],  # SDKs ask for headers of their own; none of them changes who may send
            max_age=_PREFLIGHT_SECONDS,
        )
        self._alerts = Alerts(logging.getLogger("klavier.gateway"), monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        origin = headers.get("origin")
        is_own = origin is not None and origin.partition("://")[2] == headers.get("host")
        if origin is not None and not is_own and not self.is_allowed_origin(origin):
            shown = origin if _ORIGIN.fullmatch(origin) else "an unusual origin"
            self._alerts.report("origin", f"pages of {shown} may not send events: add it to gateway.allow_origins")
        await super().__call__(scope, receive, send)
