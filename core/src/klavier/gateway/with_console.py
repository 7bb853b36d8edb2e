"""The console beside a gateway's endpoints."""

from typing import TYPE_CHECKING

from starlette.requests import Request

from klavier.console.app import Console

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.gateway.asgi import Gateway


def add_console(config: "Config", gateway: "Gateway") -> Console:
    """Serve the console at /console/ of a gateway that has not begun to run.

    Its pages keep their connections open: close it before the server stops.
    """
    proxies = gateway.service.proxies

    def client_address(request: Request) -> str:
        peer = request.client.host if request.client else ""
        return proxies.client_address(peer, ",".join(request.headers.getlist("x-forwarded-for")))

    console = Console(config, gateway.worker, delivers=gateway.delivers, client_address=client_address)
    gateway.service.watch = console.recorder.on_accepted
    gateway.app.add_middleware(console.wrap)
    return console
