"""Whether `klavier serve` shows its console."""

from typing import TYPE_CHECKING

from klavier.cli.messages import note
from klavier.gateway.with_console import add_console
from klavier.http.encoding import is_loopback

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.console.app import Console
    from klavier.gateway.asgi import Gateway


def make_console(config: "Config", gateway: "Gateway", host: str) -> "Console | None":
    """Add the console to a gateway that listens on `host`; None, with a note, where nobody would have to sign in."""
    missing = _find_exposure(config, host)
    if missing:
        note(f"no console: {missing}")
        return None
    return add_console(config, gateway)


def _find_exposure(config: "Config", host: str) -> str:
    """Return why a console without a password would be open to other machines, with the remedy; empty where not."""
    if config.console.password or config.console.token:
        return ""
    remedy = "set password under [console]"
    if not is_loopback(f"http://[{host}]" if ":" in host else f"http://{host}"):
        return f"{host} is reached from other machines; {remedy}"
    if config.gateway.trusted_proxies:
        return f"other machines reach it through gateway.trusted_proxies; {remedy}"
    return ""
