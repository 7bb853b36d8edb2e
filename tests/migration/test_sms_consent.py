"""Consent to text messages is never lost in silence: a migration carries the setting over or reports it."""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import pytest

import klavier
from klavier import Plugins, VendorSpec, migrate
from klavier.migration import Chooses, Needs, Table

SETTINGS = {"list_id": "XUepkK", "consent": ["email", "sms"]}
OTHERS = ["segment-classic", "segment-actions", "freshpaint"]


@attrs.frozen
class Settings:
    key: str = klavier.setting("", klaviyo="private_api_key", secret=True, doc="The key.")
    texts: str = klavier.setting("ask", doc="Who is subscribed to text messages.")


class Shop(klavier.Vendor):
    """A vendor that knows the same three choices as RudderStack."""

    name = "shop"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:  # noqa: ARG002 -- it sends none
        return ()


class Plugin:
    @klavier.hookimpl
    def klavier_vendors(self) -> list[VendorSpec]:
        return [VendorSpec("shop", "A shop.", Settings, Shop, portable=lambda: TABLE)]


TABLE = Table(
    Settings,
    (
        Needs("private_api_key"),
        Chooses("texts", "sms_consent", (("ask", None), ("always", "always"), ("never", "never"))),
    ),
)
CHOICES = [(None, "ask"), (True, "always"), (False, "never")]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    found = Plugins.discover()
    found.register(Plugin())
    return found


def reported(migration: Any) -> list[Any]:
    return [each for each in migration.not_carried if each.term == "sms_consent"]


@pytest.mark.parametrize("target", OTHERS)
@pytest.mark.parametrize("value", [False, True])
def test_a_choice_that_the_new_vendor_does_not_know_is_reported(target: str, *, value: bool) -> None:
    migration = migrate("rudderstack", target, {**SETTINGS, "sms_consent": value})
    (found,) = reported(migration)
    assert found.settings == ("sms_consent",)
    assert "sms_consent" not in [each.setting for each in migration.carried]
    assert "text messages" in migration.report()
    assert "text messages" in str(migration.to_dict())


@pytest.mark.parametrize("target", OTHERS)
def test_a_choice_that_was_not_made_is_not_reported(target: str) -> None:
    assert reported(migrate("rudderstack", target, SETTINGS)) == []


@pytest.mark.parametrize(("value", "texts"), CHOICES)
def test_a_choice_that_both_vendors_know_is_carried_over_both_ways(value: Any, texts: str, plugins: Plugins) -> None:
    own = {} if value is None else {"sms_consent": value}
    there = migrate("rudderstack", "shop", {**SETTINGS, **own}, plugins=plugins)
    assert there.settings.get("texts", "ask") == texts
    back = migrate("shop", "rudderstack", {"texts": texts}, plugins=plugins)
    assert back.settings.get("sms_consent") is value
    assert reported(there) == reported(back) == []


@pytest.mark.parametrize("value", [False, True])
def test_a_choice_stays_within_its_vendor(*, value: bool) -> None:
    migration = migrate("rudderstack", "rudderstack", {**SETTINGS, "sms_consent": value})
    assert migration.settings["sms_consent"] is value
    assert reported(migration) == []


@pytest.mark.parametrize("value", [False, True])
def test_fidelities_that_ignore_the_setting_report_nothing_to_each_other(*, value: bool) -> None:
    """As deployed RudderStack ignores the setting, so that a vendor without one does the same."""
    migration = migrate("rudderstack", "freshpaint", {**SETTINGS, "fidelity": "deployed", "sms_consent": value})
    assert reported(migration) == []
