"""The JSON Schema of `klavier.toml` accepts the kinds of values that klavier reads, and no others, in each setting."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

import klavier
from klavier.config.json_schema import config_schema
from klavier.config.load import SECTIONS
from klavier.plugins import installed_plugins
from klavier.settings import describe
from tests.support.repository import VENDORS, name, pages

VALIDATOR = jsonschema_rs.validator_for(config_schema(installed_plugins()))
NAMES = [vendor.name for vendor in VENDORS]
ENVIRON = {"KLAVIYO_PRIVATE_API_KEY": "pk_0123456789", "KLAVIYO_PUBLIC_API_KEY": "AbC123"}
KEYS = {"private_api_key": "pk_0123456789", "public_api_key": "AbC123"}
TABLES = SECTIONS | {f"vendors.{vendor}": installed_plugins().vendor(vendor).settings for vendor in NAMES}

VALUES: tuple[Any, ...] = ("text", True, 7, 1.5, ["text"], [7], {"a": 1}, [{"a": 1}])
"""Values of every kind that TOML has; each setting reads some and refuses the others by their kind."""

WRONG_KIND = re.compile(r", not (a|an|true) |: must be one of '|: unknown setting|: unknown key")


def samples() -> Iterator[tuple[str, str]]:
    """List the configurations that the pages show."""
    for page in pages():
        for number, text in enumerate(
            re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        ):
            if text.startswith("# klavier.toml"):
                yield f"{name(page)}-{number}", text


def with_setting(table: str, setting: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"vendor": "rudderstack", "klaviyo": dict(KEYS)}
    place = data
    for step in table.split("."):
        place = place.setdefault(step, {})
    place[setting] = value
    return data


def problems(data: dict[str, Any]) -> tuple[str, ...]:
    try:
        klavier.load_config(data, environ=ENVIRON)
    except klavier.ConfigError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("text", [pytest.param(text, id=place) for place, text in samples()])
def test_the_configurations_of_the_pages_are_valid(text: str) -> None:
    data = tomllib.loads(text)
    if {data["vendor"], *data.get("vendors", {})} <= set(NAMES):  # the others bring a vendor of their own
        assert [f"{list(e.instance_path)}: {e.message}" for e in VALIDATOR.iter_errors(data)] == []


@pytest.mark.parametrize("table", TABLES)
def test_a_setting_has_the_kind_that_klavier_reads(table: str) -> None:
    for info in describe(TABLES[table]):
        for value in VALUES:
            data = with_setting(table, info.name, value)
            is_refused = any(WRONG_KIND.search(problem) for problem in problems(data))
            assert VALIDATOR.is_valid(data) is not is_refused, (info.name, value, problems(data))


@pytest.mark.parametrize("table", TABLES)
def test_a_setting_that_is_not_known_is_refused(table: str) -> None:
    data = with_setting(table, "no_such_setting", "text")
    assert any(WRONG_KIND.search(problem) for problem in problems(data))
    assert not VALIDATOR.is_valid(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"vendor": "nobody"},
        {"vendor": "rudderstack", "vendors": {"nobody": {}}},
        {"vendor": "segment-actions", "vendors": {"segment-actions": {"mappings": [{}]}}},
    ],
)
def test_what_is_missing_or_not_installed_is_refused(data: dict[str, Any]) -> None:
    assert problems(data)
    assert not VALIDATOR.is_valid(data)


def test_variables_stand_for_any_text() -> None:
    variables = {"vendor": "${VENDOR}", "vendors": {"rudderstack": {"wire": "${WIRE}", "list_id": "${LIST}"}}}
    assert VALIDATOR.is_valid(variables)
    assert not VALIDATOR.is_valid({"vendor": "rudderstack", "vendors": {"rudderstack": {"wire": "WIRE"}}})


def test_each_setting_says_what_it_is_for() -> None:
    """Editors show it."""
    properties = config_schema(installed_plugins())["properties"]["vendors"]["properties"]["rudderstack"]["properties"]
    assert properties["list_id"]["description"].startswith("List that identified profiles join")
    assert properties["wire"]["default"] == "current"
    assert "default" not in properties["private_api_key"]
