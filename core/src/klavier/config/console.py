"""`[console]`: who may look at the page of `klavier serve`."""

from attrs import frozen

from klavier.settings import setting

_SHORTEST_PASSWORD, _SHORTEST_TOKEN = 8, 16
"""Characters: a person types a password, at most a few times a minute; a program may try tokens faster."""


def _password(value: str | None) -> None:
    if value is not None and len(value) < _SHORTEST_PASSWORD:
        raise ValueError(f"must have at least {_SHORTEST_PASSWORD} characters")


def _token(value: str | None) -> None:
    if value is not None and not (len(value) >= _SHORTEST_TOKEN and value.isascii() and value.isprintable()):
        raise ValueError(f"must have at least {_SHORTEST_TOKEN} plain characters")


def _hosts(value: tuple[str, ...]) -> None:
    for host in value:
        if not host or set(host) & set("/:@ *") or not host.isascii():
            raise ValueError("each must be a host name without port and scheme, such as klavier.shop.example")


@frozen
class ConsoleSection:
    """`[console]`: who may look at the page of `klavier serve`, and under which names it answers."""

    password: str | None = setting(
        None,
        secret=True,
        validator=_password,
        doc="What people sign in with; required on addresses that are not loopback.",
    )
    token: str | None = setting(
        None,
        secret=True,
        validator=_token,
        doc="What programs send as `Authorization: Bearer`; signs people in as well.",
    )
    hosts: tuple[str, ...] = setting(
        (), validator=_hosts, doc="Host names under which the console is reached, besides localhost and IP addresses."
    )
