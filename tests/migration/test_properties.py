"""Whatever is set, and from whichever vendor to whichever: nothing is lost in silence, and what is written loads."""

import tomllib
from collections.abc import Mapping
from typing import Any

import attrs
import hypothesis
import pytest
from hypothesis import strategies as st

import klavier
from klavier import ConfigError, Migration, load_vendor, migrate
from klavier.migration.terms import plain
from klavier.plugins import installed_plugins
from klavier.settings import describe

SECRET = "pk_0123456789abcdef"  # noqa: S105 -- a key of no account
PUBLIC = "SNDBX1"
NAMES = st.sampled_from(["Signed Up", "Order Completed", "Product Viewed", 'It\'s "new"', "$page", "$screen", "all"])
LISTS = st.sampled_from(["", "XUepkK"])
MODES = {"fidelity": st.sampled_from(["documented", "deployed"]), "wire": st.sampled_from(["current", "native"])}
PLACES = st.sampled_from(["$.userId", "$.traits.email", "$.context.traits.email", "$.properties.total", "$.event"])
NODES = st.one_of(
    PLACES.map(lambda place: {"@path": place}),
    st.just({"@template": "{{event}}!"}),
    st.just(
        {"@if": {"exists": {"@path": "$.userId"}, "then": {"@path": "$.userId"}, "else": {"@path": "$.anonymousId"}}}
    ),
    st.sampled_from(["", "XUepkK", True]),
)
TRIGGERS = st.sampled_from(
    [
        'type = "track"',
        'type = "identify"',
        'type = "page"',
        'event = "Signed Up"',
        'type = "track" and event != "Signed Up"',
        'type = "track" and (event = "Order Completed" or event = "Completed Order")',
        'type = "identify" and traits.properties.subscribe = true',
        'contains(event, "Order")',
        "",
    ]
)
MAPPINGS = st.one_of(
    st.fixed_dictionaries(
        {"action": st.just("trackEvent")},
        optional={
            "trigger": TRIGGERS,
            "enabled": st.booleans(),
            "fields": st.dictionaries(st.sampled_from(["value", "unique_id", "properties", "profile", "time"]), NODES),
        },
    ),
    st.fixed_dictionaries(
        {"action": st.sampled_from(["upsertProfile", "addProfileToList", "subscribeProfile", "removeProfile"])},
        optional={
            "trigger": TRIGGERS,
            "fields": st.dictionaries(st.sampled_from(["email", "external_id", "list_id", "country_code"]), NODES),
        },
    ),
    st.fixed_dictionaries(
        {"action": st.just("orderCompleted")},
        optional={
            "trigger": TRIGGERS,
            "fields": st.dictionaries(st.sampled_from(["event_name", "products", "properties"]), NODES),
        },
    ),
)
SETTINGS: dict[str, dict[str, Any]] = {
    "rudderstack": {
        "list_id": LISTS,
        "consent": st.sampled_from([None, "", "email", "sms", [], ["email", "sms"], ["web"]]),
        "sms_consent": st.sampled_from([None, True, False]),
        "send_page_as_track": st.booleans(),
        "additional_page_info": st.booleans(),
        "enforce_email_as_primary": st.booleans(),
        "flatten_properties": st.booleans(),
        "api_version": st.sampled_from(["v1", "v2", "v3"]),
        "bulk_upload": st.booleans(),
        "connection_mode": st.sampled_from(["cloud", "device"]),
        **MODES,
    },
    "segment-classic": {
        "list_id": LISTS,
        "confirm_optin": st.sampled_from([None, True, False]),
        "enforce_email": st.booleans(),
        "send_anonymous": st.booleans(),
        "use_segment_spec": st.booleans(),
        "connection_mode": st.sampled_from(["cloud", "device"]),
        **MODES,
    },
    "segment-actions": {
        "mappings": st.lists(MAPPINGS, max_size=4),
        "preset": st.sampled_from(["default", "classic-migration", "none"]),
        "list_id": st.sampled_from([None, "XUepkK"]),
        **MODES,
    },
    "freshpaint": {
        "use_email_as_identifier": st.booleans(),
        "connection_mode": st.sampled_from(["cloud", "device"]),
        "enabled_events": st.lists(NAMES, max_size=4, unique=True),
        "hipaa_mode": st.booleans(),
        "allowed_properties": st.lists(st.sampled_from(["email", "plan", "a b", "revenue"]), max_size=3, unique=True),
        "mask_ids": st.booleans(),
        "mask_secret": st.sampled_from(["", SECRET]),
        "tokens_by_property": st.sampled_from([None, {"property": "brand", "tokens": {"north": "NorTh1"}}]),
        **MODES,
    },
}
KEYS = {
    "rudderstack": {"private_api_key": SECRET, "public_api_key": PUBLIC},
    "segment-classic": {"private_key": SECRET, "api_key": PUBLIC},
    "segment-actions": {"api_key": SECRET},
    "freshpaint": {"private_api_key": SECRET, "public_api_key": PUBLIC},
}
VENDORS = sorted(SETTINGS)
FROM_EACH = pytest.mark.parametrize("source", VENDORS)


def settings_of(vendor: str, data: st.DataObject) -> dict[str, Any]:
    """Draw settings that the vendor takes."""
    found = data.draw(st.fixed_dictionaries({}, optional=SETTINGS[vendor]))
    try:
        load_vendor(vendor, {**found, **KEYS[vendor]})
    except ConfigError:
        hypothesis.reject()
    return found


def changed(vendor: str, settings: Mapping[str, Any]) -> set[str]:
    """Name the settings that are not the default."""
    given = load_vendor(vendor, {**settings, **KEYS[vendor]}).settings
    infos = [info for info in describe(type(given)) if not info.klaviyo]
    return {info.name for info in infos if plain(getattr(given, info.name)) != plain(info.default)}


@FROM_EACH
@hypothesis.settings(max_examples=25)
@hypothesis.given(target=st.sampled_from(VENDORS), data=st.data())
def test_nothing_is_lost_in_silence(source: str, target: str, data: st.DataObject) -> None:
    settings = settings_of(source, data)
    migration = migrate(source, target, {**settings, **KEYS[source]})
    told = {each.setting for each in migration.carried} | {name for e in migration.not_carried for name in e.settings}
    assert changed(source, settings) == told & changed(source, settings)
    assert load_vendor(target, migration.filled("pk_1", PUBLIC)).name == target
    assert_hides_the_key(migration)


@FROM_EACH
@hypothesis.settings(max_examples=25)
@hypothesis.given(target=st.sampled_from(VENDORS), data=st.data())
def test_the_file_says_what_the_settings_say(
    source: str, target: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    settings = settings_of(source, data)
    migration = migrate(source, target, {**settings, **KEYS[source]})
    text = migration.to_toml()
    section = tomllib.loads(text).get("vendors", {}).get(target, {})
    assert section == {name: value for name, value in plain(migration.settings).items() if value is not None}
    file = tmp_path_factory.mktemp("migrated") / "klavier.toml"
    file.write_text(text, "utf-8")
    environ = {line.partition(":")[0]: "SNDBX1" for line in migration.to_set}
    found = klavier.load_config(file, environ=environ, plugins=installed_plugins()).build_vendor()
    expected = load_vendor(target, migration.filled("SNDBX1", PUBLIC))
    keys = {info.name for info in describe(type(found.settings)) if info.secret or info.klaviyo}
    said, wanted = (
        {name: value for name, value in attrs.asdict(vendor.settings).items() if name not in keys}
        for vendor in (found, expected)
    )
    assert said == wanted


@pytest.mark.parametrize("vendor", VENDORS)
@hypothesis.settings(max_examples=20)
@hypothesis.given(data=st.data())
def test_a_vendor_stays_as_it_is(vendor: str, data: st.DataObject) -> None:
    settings = settings_of(vendor, data)
    migration = migrate(vendor, vendor, {**settings, **KEYS[vendor]})
    assert migration.is_complete
    again = migration.filled(SECRET, PUBLIC)
    references = {name: settings[name] for name, value in again.items() if isinstance(value, str) and "${" in value}
    assert (
        load_vendor(vendor, {**again, **references}).settings
        == load_vendor(vendor, {**settings, **KEYS[vendor]}).settings
    )


@pytest.mark.parametrize("vendor", [name for name in VENDORS if name != "segment-actions"])
@hypothesis.settings(max_examples=25)
@hypothesis.given(data=st.data())
def test_what_is_read_is_written_again(vendor: str, data: st.DataObject) -> None:
    """Without the short cut of one vendor: settings to words and back give the same words."""
    spec = installed_plugins().vendor(vendor)
    assert spec.portable is not None
    terms = spec.portable()
    given = settings_of(vendor, data)
    if given.get("api_version") == "v2":  # v3 is written in its place
        given["api_version"] = "v3"
    settings = load_vendor(vendor, {**given, **KEYS[vendor]}).settings
    wanted = terms.read(settings)
    written = dict(terms.write(wanted).settings)
    if wanted.get("masks"):  # the secret is no word
        written |= {"hipaa_mode": True, "mask_secret": SECRET}
    if wanted.get("allowed") is not None:
        written |= {"hipaa_mode": True, "mask_ids": bool(wanted.get("masks"))}
        written["allowed_properties"] = list(wanted["allowed"])
    again = terms.read(load_vendor(vendor, {**written, **KEYS[vendor]}).settings)
    assert plain(again) == plain(wanted)


def assert_hides_the_key(migration: Migration) -> None:
    shown = [migration.to_toml(), migration.report(), str(migration.to_dict()), repr(migration)]
    assert not any(SECRET in text for text in shown)


def test_every_vendor_is_drawn() -> None:
    assert sorted(installed_plugins().vendors) == VENDORS
    for vendor, settings in SETTINGS.items():
        infos = describe(installed_plugins().vendor(vendor).settings)
        assert {info.name for info in infos if not info.klaviyo} == set(settings)
