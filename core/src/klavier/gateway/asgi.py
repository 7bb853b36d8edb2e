"""The gateway as an ASGI application, with the worker that delivers what it stores."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

from starlette.applications import Starlette
from starlette.middleware import Middleware

from klavier.config.model import Config
from klavier.errors import ConfigError
from klavier.gateway.allowed_origins import AllowedOrigins
from klavier.gateway.endpoints import refuse_unknown_path, routes
from klavier.gateway.service import GatewayService
from klavier.gateway.worker_thread import WorkerThread
from klavier.monitoring.health import Health
from klavier.monitoring.reader import StatusReader
from klavier.relay.factory import make_relay_config
from klavier.shadow.factory import make_shadow
from klavier.worker.factory import make_connect
from klavier.worker.leased_worker import LeasedWorker

_RESTART_SECONDS = 5.0
"""After a mistake in the worker: long enough that one which recurs does not fill the log."""

_log = logging.getLogger("klavier.gateway")


class Gateway:
    """Accepts events over HTTP into an outbox and delivers them; `app` is the ASGI application.

    Use it as an asynchronous context manager: at the end requests under way are stored, and the worker stops.
    """

    def __init__(
        self, config: Config, folder: Path, *, deliver: bool = True, transport: Any = None, has_watchdog: bool = False
    ) -> None:
        """Prepare a gateway for a configuration whose relative paths begin in `folder`.

        With `deliver=False` another process delivers, such as `klavier run`; with `has_watchdog` a translation that
        hangs ends the process. Raises `ConfigError` where no source of events is configured.
        """
        if not any(source.write_key or source.write_keys for source in config.gateway.sources.values()):
            raise ConfigError(
                "gateway.sources: at least one source with a write_key is needed, such as "
                '[gateway.sources.web] with write_key = "${WEB_WRITE_KEY}"'
            )
        self._connect = make_connect(config, transport=transport)
        vendor = config.build_vendor()
        self._shadow = make_shadow(config, vendor)
        self._relay_config = make_relay_config(config, None if self._shadow is None else self._shadow.add)
        self.delivers = deliver
        self.worker = LeasedWorker(self._relay_config, own_loop=True, has_watchdog=has_watchdog)
        self._thread = WorkerThread(self._run_worker)
        self.service = GatewayService(config, self._relay_config, folder, lambda: self._thread.call(self.worker.notify))
        self.worker.reporter.parts["gateway"] = self.service.summarize
        if self._shadow is not None:
            self.worker.reporter.parts["shadow"] = self._shadow.summarize
        self._tasks: list[asyncio.Task[None]] = []
        self.health = Health(StatusReader(self.worker), self._is_running, lambda: dict(self.service.counts.items()))
        self.app = Starlette(
            routes=[*routes(self.service), *self.health.routes(config.gateway.metrics_token)],
            exception_handlers={404: refuse_unknown_path(self.service)},
            lifespan=self._lifespan,
            middleware=[Middleware(AllowedOrigins, config.gateway.allow_origins)],
        )
        self.app.router.redirect_slashes = False  # SDKs count a redirect as a success, or follow it without the body

    async def __aenter__(self) -> Self:
        """Start storing and delivering."""
        self._tasks = [asyncio.create_task(self.service.intake.run(), name="klavier-intake")]
        if self.delivers:
            self._tasks.append(await self._thread.start())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Store what waits, stop the worker, and close the outbox."""
        self.service.intake.close()
        self._thread.call(self.worker.stop)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._shadow is not None:
            await asyncio.to_thread(self._shadow.close)
        self._relay_config.outbox.close()

    def _is_running(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def _run_worker(self) -> None:
        """Deliver until the gateway stops; what ends the worker meanwhile is logged, and it starts again."""
        async with self._connect() as send:
            while True:
                try:
                    await self.worker.run(send)
                except Exception as error:  # noqa: BLE001 -- events that are accepted must not wait for ever
                    name = type(error).__name__  # its message may hold what was being delivered
                    _log.error("delivery ended (%s); it starts again in %g s", name, _RESTART_SECONDS)
                    await asyncio.sleep(_RESTART_SECONDS)
                else:
                    return

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        # A server that is told to end at once cancels this; Starlette would log it with a traceback.
        with contextlib.suppress(asyncio.CancelledError):
            async with self:
                yield
