"""The address of a client, behind the proxies of a configuration."""

import ipaddress
import re
from collections.abc import Sequence

_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d+)?|([\d.]+):\d+")
"""An address as some proxies forward it, such as Azure's: IPv6 in brackets, or followed by a port."""


class Proxies:
    """The proxies whose X-Forwarded-For header is believed."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Believe proxies in these networks, each an address or a network such as `10.0.0.0/8`."""
        self._networks = [ipaddress.ip_network(network) for network in networks]

    def client_address(self, peer: str, forwarded_for: str) -> str:
        """Return the address of the client: the last one that no trusted proxy has, from the right."""
        address = peer
        for hop in reversed([_without_port(part.strip()) for part in forwarded_for.split(",") if part.strip()]):
            if not self._is_trusted(address) or not _is_address(hop):
                break
            address = hop
        return address if _is_address(address) else ""

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._networks)


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop)
    return hop if found is None else found[1] or found[2]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
