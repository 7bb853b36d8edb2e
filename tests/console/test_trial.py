"""What each vendor would send, and the configuration: without a secret."""

from pathlib import Path

import orjson
import pytest

import klavier
from klavier.config.secrets import secret_values
from klavier.console import settings
from klavier.console.trial import try_event
from klavier.errors import EventError
from tests.support.web_console import EVENT, PASSWORD, TOKEN, Shop, Tags

TEXT = orjson.dumps(EVENT).decode()


def test_every_installed_vendor_is_tried(shop: Shop) -> None:
    found = {trial.vendor: trial for trial in try_event(TEXT, shop.config)}
    assert next(iter(found)) == "rudderstack"
    assert {"freshpaint", "segment-actions", "segment-classic"} <= set(found)
    chosen = found["rudderstack"]
    assert (chosen.is_chosen, chosen.outcome and chosen.outcome.kind) == (True, "delivered")
    assert chosen.requests[0]["path"] == "/api/events"
    classic = found["segment-classic"].outcome
    assert classic is not None
    assert classic.reason.startswith('setting "apiKey" is required')
    assert not shop.outbox.status().waiting


class Unusable:
    """A plugin whose vendors cannot be built: one names a setting, one fails by itself."""

    @klavier.hookimpl
    def klavier_vendors(self) -> list[klavier.VendorSpec]:
        def refuse(_: object) -> klavier.Vendor:
            raise klavier.ConfigError("site: required; set it to the name of your site")

        def fail(_: object) -> klavier.Vendor:
            raise ZeroDivisionError

        settings = klavier.load_vendor("rudderstack", {"private_api_key": "pk"}).settings
        return [
            klavier.VendorSpec("unset", "Needs a setting.", type(settings), refuse),
            klavier.VendorSpec("failing", "Fails.", type(settings), fail),
        ]


def test_a_vendor_that_cannot_be_built_says_why(shop: Shop) -> None:
    shop.config.known_plugins().register(Unusable())
    found = {trial.vendor: trial.problem for trial in try_event(TEXT, shop.config) if trial.problem}
    assert found == {
        "failing": "vendor failing: building it raised ZeroDivisionError",
        "unset": "site: required; set it to the name of your site",
    }
    page = shop.visitor()
    page.get()
    shown = Tags(page.post("try", {"event": TEXT}).text).text
    for problem in found.values():
        assert f"Cannot be tried with this configuration: {problem}" in shown


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "not JSON: line 1"),
        ("{", "not JSON: line 1"),
        ("[]", "object"),
        ('{"type": "dance"}', "type"),
        ('{"type": "track", "event": "A", "userId": "u1", "userId": "u2"}', "userId: the same key twice"),
    ],
)
def test_what_is_no_event_is_named(shop: Shop, text: str, problem: str) -> None:
    with pytest.raises(EventError, match=problem):
        try_event(text, shop.config)
    page = shop.visitor()
    page.get()
    reply = page.post("try", {"event": text}, x_fragment="1")
    assert (reply.status_code, problem in Tags(reply.text).text) == (422, True)


def test_a_large_event_is_refused(shop: Shop) -> None:
    with pytest.raises(EventError, match="larger"):
        try_event(f'{{"type": "track", "x": "{"x" * 200_000}"}}', shop.config)


def test_a_fragment_is_no_page(shop: Shop) -> None:
    page = shop.visitor()
    page.get()
    assert "<html" not in page.post("try", {"event": TEXT}, x_fragment="1").text
    assert "<html" in page.post("try", {"event": TEXT}).text


def test_settings_are_shown_without_secrets(tmp_path: Path) -> None:
    more = '[gateway.sources.app]\nwrite_keys = ["wk_other_key_1"]\nwebhook_secret = "whsec_of_the_shop"\n'
    shop = Shop(tmp_path, f'password = "{PASSWORD}"\ntoken = "{TOKEN}"', more)
    found = {section.title: {row.name: row for row in section.rows} for section in settings.sections(shop.config)}
    assert list(found)[:3] == ["[klaviyo]", "[vendors.rudderstack]", "[delivery]"]
    assert found["[klaviyo]"]["private_api_key"].value == "set, hidden"
    assert found["[klaviyo]"]["proxy"].value == "not set"
    assert found["[delivery]"]["outbox"].value == "memory"
    assert (found["[delivery]"]["outbox"].is_own, found["[delivery]"]["share"].is_own) == (True, False)
    assert found["[gateway.sources.app]"]["write_keys"].value == "set, hidden"
    written = repr(found)
    assert not [secret for secret in secret_values(shop.config) if secret in written]
    assert {PASSWORD, TOKEN, "whsec_of_the_shop", "wk_other_key_1", "pk_of_the_shop"} <= secret_values(
        shop.config, shop.worker.config.vendor
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://me:hidden@db/klavier", "postgresql://me:(secret)@db/klavier"),
        ("postgresql://db/klavier", "postgresql://db/klavier"),
        (None, "not set"),
        (True, "yes"),
        (("a", "b"), "a, b"),
        ([{"a": 1}], '[\n  {\n    "a": 1\n  }\n]'),
        (0.5, "0.5"),
    ],
)
def test_values_are_written_as_people_read_them(value: object, shown: str) -> None:
    assert settings._write(value) == shown
