"""Arguments of another kind: an error at the call that names them, and no event that is lost later."""

import asyncio
from typing import Any

import pytest

import klavier

CONFIG: dict[str, Any] = {
    "vendor": "rudderstack",
    "klaviyo": {"private_api_key": "pk_kinds"},
    "delivery": {"outbox": "memory"},
}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"transport": "https://proxy.test"}, "transport: must be an httpx.AsyncBaseTransport"),
        ({"on_error": "raise"}, "on_error: must be a function of an error and its events, or 'log', not a string"),
        ({"on_outcome": []}, "on_outcome: must be a function of an event and its outcome, not an array"),
    ],
)
def test_open_refuses_what_it_cannot_use(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(klavier.ConfigError, match=f"^{problem}"):
        klavier.open(CONFIG, **options)
    with pytest.raises(klavier.ConfigError, match=f"^{problem}"):
        asyncio.run(klavier.aopen(CONFIG, **options).__aenter__())


@pytest.mark.parametrize("source", [b"klavier.toml", 7, [], dict])
def test_a_configuration_of_another_kind_is_refused(source: Any) -> None:
    with pytest.raises(klavier.ConfigError, match=r"^config: must be the path of a file"):
        klavier.load_config(source)


@pytest.mark.parametrize("member", ["properties", "context", "integrations"])
def test_content_that_is_no_mapping_is_refused(member: str) -> None:
    wrong: dict[str, Any] = {member: "ada@shop.test"}
    relay = klavier.open(CONFIG)
    with pytest.raises(klavier.EventError, match=f"^{member}: must be a mapping, not a string$") as raised:
        relay.track("Signed Up", user_id="u1", **wrong)
    assert "ada" not in str(raised.value)
    with pytest.raises(klavier.EventError, match=r"^traits: must be a mapping, not an array$"):
        relay.identify("u1", [("plan", "pro")])  # type: ignore[arg-type]  # what is refused
    assert relay.close().pending == 0


def test_a_close_may_wait_without_end() -> None:
    relay = klavier.open(CONFIG, transport=klavier.Sandbox(private_api_key=None).transport())
    relay.track("Signed Up", user_id="u1")
    assert relay.close(float("inf")) == klavier.Counts(delivered=1)
