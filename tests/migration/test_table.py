"""A vendor's words as a table, and what becomes of vendors without any."""

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import pytest

import klavier
from klavier import ConfigError, PluginError, Plugins, VendorSpec, migrate
from klavier.migration import TERMS, Asks, Chooses, Does, Names, Needs, Sets, Table
from klavier.plugins import installed_plugins
from klavier.settings import describe


@attrs.frozen
class Settings:
    key: str = klavier.setting("", klaviyo="private_api_key", secret=True, doc="The key.")
    newsletter: str = klavier.setting("", doc="A list.")
    by_mail: bool = klavier.setting(default=False, doc="Who people are.")
    events: tuple[str, ...] = klavier.setting(("all",), doc="Which events.")
    salt: str = klavier.setting("", secret=True, doc="A secret of its own.")
    odd: int = klavier.setting(0, doc="What no word stands for.")


TABLE = Table(
    Settings,
    (
        Needs("private_api_key"),
        Sets("newsletter", "list_id"),
        Chooses(
            "by_mail",
            "user_id",
            ((False, "external id"), (True, "external id without an e-mail address")),
            nearest=(("custom property id", True, "look at this"),),
        ),
        Asks("newsletter", "XUepkK", "is it the right list?"),
        Sets("events", "tracks", without=("$page",)),
        Names("events", "page_name", "$page", "$page"),
        Does("joins", {"otherwise": "adds"}),
        Does("masks", value=True, when={"by_mail": True}, by=("salt",)),
        Does("identifies", value=True),
    ),
)


class Shop(klavier.Vendor):
    name = "shop"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:  # noqa: ARG002 -- it sends none
        return ()


class Plugin:
    def __init__(self, portable: Any) -> None:
        self.portable = portable

    @klavier.hookimpl
    def klavier_vendors(self) -> list[VendorSpec]:
        return [VendorSpec("shop", "A shop.", Settings, Shop, portable=self.portable)]


def plugins(portable: Any = lambda: TABLE) -> Plugins:
    found = Plugins.discover()
    found.register(Plugin(portable))
    return found


def test_a_third_vendor_takes_part() -> None:
    settings = {"list_id": "XUepkK", "enforce_email": True}
    migration = migrate("segment-classic", "shop", settings, plugins=plugins())
    assert migration.settings == {"newsletter": "XUepkK", "by_mail": True}
    assert [(each.place, each.text) for each in migration.decisions] == [
        ("by_mail", "look at this"),
        ("newsletter", "is it the right list?"),
    ]
    assert [each.setting for each in migration.carried] == ["list_id"]
    back = migrate("shop", "freshpaint", {"events": ["Paid", "$page"], "by_mail": True}, plugins=plugins())
    assert back.settings == {"enabled_events": ["Paid", "$page"]}


def test_settings_without_a_word_are_listed() -> None:
    migration = migrate("shop", "rudderstack", {"odd": 7, "salt": "pepper"}, plugins=plugins())
    (alone,) = [each for each in migration.not_carried if each.settings == ("odd",)]
    assert alone.consequence == "What it did is not done any more."
    assert [(each.setting, each.is_idle) for each in migration.carried] == [("salt", True)]
    assert "pepper" not in migration.report() + migration.to_toml() + str(migration.to_dict())


def test_secrets_become_variables() -> None:
    given = {"key": "pk_12345", "salt": "pepper", "newsletter": "XUepkK"}
    migration = migrate("shop", "shop", given, plugins=plugins())
    assert migration.settings == {"salt": "${SHOP_SALT}", "newsletter": "XUepkK"}
    assert migration.klaviyo == {"private_api_key": "${KLAVIYO_PRIVATE_API_KEY}"}
    assert migration.to_set == (
        "KLAVIYO_PRIVATE_API_KEY: Klaviyo's private API key; the old settings contain it in plain text",
        "SHOP_SALT: the value of the setting salt",
    )


def test_a_vendor_without_words() -> None:
    migration = migrate("shop", "rudderstack", {"newsletter": "XUepkK"}, plugins=plugins(None))
    assert migration.settings == {}
    assert [each.term for each in migration.not_carried] == ["newsletter", "portable"]
    assert "the plugin of shop does not support migrations" in migration.report()


def test_broken_words_name_their_plugin() -> None:
    def broken() -> Any:
        raise ZeroDivisionError

    with pytest.raises(PluginError, match="vendor shop: its migration code raised ZeroDivisionError"):
        migrate("shop", "rudderstack", plugins=plugins(broken))

    def refuses() -> Any:
        raise ConfigError("newsletter: is no list of ours")

    with pytest.raises(ConfigError, match="newsletter: is no list of ours"):
        migrate("shop", "rudderstack", plugins=plugins(refuses))
    with pytest.raises(PluginError, match="portable"):
        plugins("words")


def test_null_inside_a_mapping_is_to_be_decided_since_toml_has_none() -> None:
    fields = {"properties": {"plan": "pro", "tags": ["a", None]}}
    mappings = [{"action": "upsertProfile", "trigger": None}, {"action": "trackEvent", "fields": fields}]
    given = {"preset": "classic-migration", "mappings": mappings}
    migration = migrate("segment-actions", "segment-actions", given)
    assert [each.place for each in migration.decisions] == ["mappings[1].fields"]
    assert not migration.is_complete
    assert migration.settings["mappings"] == mappings
    lines = migration.to_toml().splitlines()
    place = lines.index('fields.properties.plan = "pro"')
    assert lines[place - 1].startswith("# ")
    assert lines[place + 1] == 'fields.properties.tags = ["a"]'
    assert "# decide: null inside it is left out here" in migration.to_toml()


def test_wrong_settings_are_named() -> None:
    with pytest.raises(ConfigError, match="list_idd: unknown setting; did you mean 'list_id'"):
        migrate("rudderstack", "freshpaint", {"list_idd": "x"})
    with pytest.raises(ConfigError, match="must be a table"):
        migrate("rudderstack", "freshpaint", ["list_id"])  # type: ignore[arg-type]  # what is tested


def test_terms_have_names_of_their_own() -> None:
    names = [term.name for term in TERMS]
    assert len(set(names)) == len(names)
    assert {term.within for term in TERMS} - {""} <= set(names)


@pytest.mark.parametrize("vendor", sorted(installed_plugins().vendors))
def test_every_setting_has_its_word(vendor: str) -> None:
    spec = installed_plugins().vendor(vendor)
    assert spec.portable is not None
    terms = spec.portable()
    keys = {info.name: "PUBLIC" for info in describe(spec.settings) if info.klaviyo}
    settings = klavier.load_vendor(vendor, keys).settings
    others = [info.name for info in describe(spec.settings) if not info.klaviyo]
    assert [name for name in others if terms.decides(settings, name) is None] == []
    assert set(terms.read(settings)) <= {term.name for term in TERMS}
