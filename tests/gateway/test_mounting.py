"""The gateway as a part of another application, and with the console in any ASGI server."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import klavier
from klavier.gateway import app
from tests.support.gateway import KEY

TRACK = {"type": "track", "event": "E", "userId": "u1", "writeKey": KEY}
SIGN_IN = 'password = "correct horse"'


@pytest.fixture
def configure(tmp_path: Path) -> Callable[[str], Path]:
    def write(console: str) -> Path:
        file = tmp_path / "klavier.toml"
        file.write_text(
            f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_x"\n[console]\n{console}\n'
            f'[gateway.sources.web]\nwrite_key = "{KEY}"\n'
        )
        return file

    return write


def ask(served: Starlette, made: Starlette, *requests: tuple[str, str, Any]) -> list[httpx.Response]:
    """Send requests to an application, while the gateway `made` in it runs."""

    async def send() -> list[httpx.Response]:
        async with (
            made.router.lifespan_context(made),
            httpx.AsyncClient(transport=httpx.ASGITransport(served), base_url="http://127.0.0.1") as client,
        ):
            return [await client.request(method, path, json=body) for method, path, body in requests]

    return asyncio.run(send())


def test_it_may_be_mounted_below_a_path(configure: Callable[[str], Path]) -> None:
    made = app(configure(""), deliver=False)
    outer = Starlette(routes=[Mount("/collect", made)])
    stored, named, settings = ask(
        outer,
        made,
        ("POST", "/collect/v1/batch", {"batch": [TRACK], "writeKey": KEY}),
        ("POST", "/collect/v1/track", {name: value for name, value in TRACK.items() if name != "type"}),
        ("GET", f"/collect/v1/projects/{KEY}/settings", None),
    )
    assert (stored.status_code, named.status_code) == (200, 200)
    assert settings.json()["integrations"]["Segment.io"]["apiHost"] == "127.0.0.1/collect/v1"


def test_it_has_the_console_on_request(configure: Callable[[str], Path]) -> None:
    made = app(configure(SIGN_IN), deliver=False, console=True)
    stored, page, sign_in = ask(
        made, made, ("POST", "/v1/track", TRACK), ("GET", "/console/", None), ("GET", "/console/sign-in", None)
    )
    assert stored.status_code == 200
    assert page.status_code == 401
    assert "Password" in sign_in.text
    assert "access-control-allow-origin" not in sign_in.headers
    without = app(configure(SIGN_IN), deliver=False)
    assert ask(without, without, ("GET", "/console/sign-in", None))[0].status_code == 404


def test_a_console_that_everybody_could_open_is_refused(configure: Callable[[str], Path]) -> None:
    with pytest.raises(klavier.ConfigError, match=r"console\.password: set one"):
        app(configure(""), console=True)
