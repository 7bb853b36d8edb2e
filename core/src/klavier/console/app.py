"""The console as an ASGI application beside the gateway's."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from klavier.console.dead_letter_endpoints import DeadLetterEndpoints
from klavier.console.endpoints import Endpoints
from klavier.console.figures import FigureReader
from klavier.console.guard import HOME, SIGN_IN, STATIC, Guard
from klavier.console.public import PublicEndpoints
from klavier.console.recorder import Recorder

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.worker.leased_worker import LeasedWorker

Asgi = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

_ROOT = HOME.rstrip("/")


class Console:
    """Shows what a worker and a gateway do; `wrap` adds it to the gateway's application."""

    home = HOME

    def __init__(
        self,
        config: "Config",
        worker: "LeasedWorker",
        *,
        delivers: bool = True,
        client_address: Callable[[Request], str] | None = None,
    ) -> None:
        """Watch `worker`, which has not begun to run; `delivers` is False where another process delivers.

        `client_address` returns the address of who signs in, behind proxies; by default that of the connection.
        """
        self.recorder = Recorder()
        worker.watch = self.recorder.on_result
        section = config.console
        guard = Guard(
            [secret for secret in (section.password, section.token) if secret is not None],
            section.hosts,
            client_address or _peer,
        )
        reader = FigureReader(worker, self.recorder, delivers=delivers)
        self._endpoints = Endpoints(config, worker, reader, self.recorder, guard)
        letters = DeadLetterEndpoints(worker.config, reader)
        self.app = Starlette(routes=_routes(self._endpoints, letters, guard))

    def close(self) -> None:
        """End the live updates, so that the server can stop."""
        self._endpoints.live.close()

    def wrap(self, other: Asgi) -> Asgi:
        """Return an application with the console's paths added to those of `other`.

        The console stands beside it and not in it: the other one lets pages of strangers read its replies.
        """

        async def both(scope: Any, receive: Any, send: Any) -> None:
            path = scope.get("path", "")
            is_ours = scope["type"] == "http" and (path == _ROOT or path.startswith(HOME))
            await (self.app if is_ours else other)(scope, receive, send)

        return both


def _routes(endpoints: Endpoints, letters: DeadLetterEndpoints, guard: Guard) -> list[Route]:
    page, public = guard.page, PublicEndpoints(guard)
    return [
        Route(_ROOT, page(endpoints.to_home), methods=["GET"]),
        Route(HOME, page(endpoints.home), methods=["GET"]),
        Route(f"{HOME}live", page(endpoints.stream), methods=["GET"]),
        Route(f"{HOME}figures.json", page(endpoints.figures), methods=["GET"]),
        Route(f"{HOME}events/{{number:int}}", page(endpoints.event), methods=["GET", "POST"]),
        Route(f"{HOME}letters/{{seq:int}}", page(letters.letter), methods=["GET", "POST"]),
        Route(f"{HOME}letters/{{seq:int}}/edit", page(letters.edit), methods=["POST"]),
        Route(f"{HOME}letters/{{action:str}}", page(letters.act), methods=["POST"]),
        Route(f"{HOME}try", page(endpoints.try_event), methods=["POST"]),
        Route(f"{HOME}sign-out", page(endpoints.sign_out), methods=["POST"]),
        Route(SIGN_IN, guard.public(public.sign_in), methods=["GET", "POST"]),
        Route(f"{STATIC}{{name:str}}", guard.public(public.static), methods=["GET"]),
        Route(f"{HOME}{{rest:path}}", guard.public(public.not_found), methods=["GET", "POST"]),
    ]


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""
