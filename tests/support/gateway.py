"""A gateway on a free port of this machine that delivers into a sandbox in the process."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from klavier.cli.web_server import make_server
from klavier.config.load import load_config
from klavier.gateway.asgi import Gateway
from klavier.listening import listen
from klavier.sandbox import Sandbox
from tests.support.servers import free_port

KEY = "wk_0123456789"
PAGE_PORT = free_port()
"""Where tests serve pages whose SDKs may send."""
CONFIG = f"""
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
[vendors.rudderstack]
api_version = "v2"
[gateway]
allow_origins = ["https://shop.example", "http://127.0.0.1:{PAGE_PORT}"]
[gateway.sources.web]
write_key = "{KEY}"
"""


class Running:
    """A gateway that serves: `url` is where, `sandbox` what it delivers into."""

    def __init__(self, gateway: Gateway, sandbox: Sandbox, url: str, folder: Path) -> None:
        self.gateway = gateway
        self.sandbox = sandbox
        self.url = url
        self.folder = folder

    def events(self) -> list[dict[str, Any]]:
        """Return the events in the sandbox, in the order of their arrival."""
        found: list[dict[str, Any]] = self.sandbox.state()["events"]
        return found

    def wait(self) -> None:
        """Wait until nothing waits in the outbox any more."""
        outbox = self.gateway._relay_config.outbox
        for _ in range(600):
            if not outbox.status().waiting:
                return
            threading.Event().wait(0.05)
        raise AssertionError(f"{outbox.status().waiting} events were not delivered")


@contextlib.contextmanager
def gateway_server(folder: Path, more: str = "", section: str = "") -> Iterator[Running]:
    """Serve a gateway whose configuration is `CONFIG`, with lines of `section` in `[gateway]` and `more` at its end."""
    file = folder / "klavier.toml"
    file.write_text(CONFIG.replace("[gateway]\n", f"[gateway]\n{section}\n") + more, "utf-8")
    sandbox = Sandbox(unknown_lists="create")
    made = Gateway(load_config(file), folder, transport=sandbox.transport())
    server = make_server(made.app, lifespan=True)  # as `klavier serve`
    listener = listen("127.0.0.1", 0)
    serve = server.serve(sockets=[listener])
    thread = threading.Thread(target=lambda: asyncio.run(serve), name="gateway", daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the gateway did not start"
            threading.Event().wait(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield Running(made, sandbox, f"http://127.0.0.1:{port}", folder)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
