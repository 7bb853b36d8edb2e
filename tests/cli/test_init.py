"""`klavier init`: a first configuration that is checked before it is written, and never overwrites another."""

import json
import os
import stat
from pathlib import Path

import pytest

import klavier
from klavier.config.json_schema import config_schema
from klavier.plugins import installed_plugins
from tests.cli.conftest import Run
from tests.support.repository import VENDORS
from tests.support.terminal import Terminal
from tests.support.waiting import LONG

NAMES = [vendor.name for vendor in VENDORS]
ENVIRON = {"KLAVIYO_PRIVATE_API_KEY": "pk_0123456789"}


@pytest.fixture
def empty(folder: Path) -> Path:
    (folder / "klavier.toml").unlink()
    (folder / "klavier_plugin.py").unlink()
    return folder


@pytest.mark.parametrize("source", ["files", "program", "sdk"])
@pytest.mark.parametrize("vendor", NAMES)
def test_the_file_is_whole_for_each_vendor_and_source(run: Run, empty: Path, vendor: str, source: str) -> None:
    result = run("init", "--vendor", vendor, "--source", source)
    assert result.exit_code == 0, result.output
    config = klavier.load_config(empty / "klavier.toml", environ=ENVIRON)
    assert config.vendor == vendor
    assert config.klaviyo.private_api_key == ENVIRON["KLAVIYO_PRIVATE_API_KEY"]
    assert bool(config.gateway.sources) is (source == "sdk")
    text = (empty / "klavier.toml").read_text("utf-8")
    assert text.startswith("#:schema ./klavier.schema.json\n")
    assert json.loads((empty / "klavier.schema.json").read_text("utf-8")) == config_schema(installed_plugins())
    assert {"files": "klavier send", "program": "klavier.open", "sdk": "klavier serve"}[source] in result.output


def test_each_commented_setting_can_be_uncommented(run: Run, empty: Path) -> None:
    """A default that is shown is a default that is read."""
    run("init", "--vendor", "freshpaint")
    text = (empty / "klavier.toml").read_text("utf-8")
    lines = [line.removeprefix("# ") if " = " in line and "..." not in line else line for line in text.splitlines()]
    assert sum(line.startswith("hipaa_mode = false") for line in lines) == 1
    (empty / "all.toml").write_text("\n".join(lines), "utf-8")
    config = klavier.load_config(empty / "all.toml", environ=ENVIRON)
    assert config.vendors["freshpaint"]["enabled_events"] == ["all"]


def test_a_write_key_is_new_and_for_the_owner_only(run: Run, empty: Path) -> None:
    keys = set()
    for name in ("one.toml", "two.toml"):
        output = run("init", "--vendor", "rudderstack", "--source", "sdk", "--output", name).output
        key = klavier.load_config(empty / name, environ=ENVIRON).gateway.sources["web"].write_key
        assert key is not None
        assert key not in output
        keys.add(key)
        assert os.name != "posix" or stat.S_IMODE((empty / name).stat().st_mode) == 0o600
    assert len(keys) == 2


def test_settings_are_written_as_they_are_set(run: Run, empty: Path) -> None:
    values = ("--set", "list_id=XUepkK", "--set", 'consent=["email", "sms"]')
    run("init", "--vendor", "rudderstack", "--public-key", "AbC123", *values)
    config = klavier.load_config(empty / "klavier.toml", environ=ENVIRON)
    assert config.vendors["rudderstack"] == {"list_id": "XUepkK", "consent": ["email", "sms"]}
    assert config.klaviyo.public_api_key == "AbC123"


def test_nested_settings_are_written(run: Run, empty: Path) -> None:
    values = ("--set", "tokens_by_property.property=shop", "--set", "tokens_by_property.tokens.de=AbC123")
    run("init", "--vendor", "freshpaint", *values)
    config = klavier.load_config(empty / "klavier.toml", environ=ENVIRON)
    assert config.vendors["freshpaint"]["tokens_by_property"] == {"property": "shop", "tokens": {"de": "AbC123"}}


def test_a_sandbox_and_an_archive_are_written(run: Run, empty: Path) -> None:
    sandbox = ("--sandbox", "http://127.0.0.1:8765", "--archive", "archive")
    assert run("init", "--vendor", "rudderstack", "--source", "sdk", *sandbox).exit_code == 0
    config = klavier.load_config(empty / "klavier.toml", environ=ENVIRON)
    assert config.klaviyo.base_url == "http://127.0.0.1:8765"
    assert config.gateway.archive == "archive"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--vendor", "rudderstack", "--sandbox", "127.0.0.1:8765"), "'--sandbox': must be a web address"),
        (("--vendor", "rudderstack", "--archive", "archive"), "--archive: keeps events that come over HTTP"),
        (("--vendor", "rudderstak"), "did you mean 'rudderstack'?"),
        (("--vendor", "rudderstack", "--set", "list=X"), "did you mean 'list_id'?"),
        (("--vendor", "rudderstack", "--set", "consent=fax"), "must be one or more of email"),
        (("--vendor", "rudderstack", "--key-variable", "pk_0123"), "--key-variable: must be the name"),
        (("--vendor", "rudderstack", "--key-variable", "MY KEY"), "--key-variable: must be the name"),
        (("--vendor", "freshpaint", "--public-key", "no key"), "klaviyo.public_api_key: must be a key"),
        ((), "--vendor: required where there is no terminal; one of freshpaint, rudderstack"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    run: Run, empty: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("init", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "pk_0123" not in result.output
    assert list(empty.iterdir()) == []


def test_a_file_is_not_overwritten(run: Run, folder: Path) -> None:
    before = (folder / "klavier.toml").read_bytes()
    result = run("init", "--vendor", "rudderstack")
    assert result.exit_code == 2
    assert "klavier.toml: exists already" in result.stderr
    assert (folder / "klavier.toml").read_bytes() == before


def test_the_variable_that_is_set_is_named(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Klaviyo's examples call it KLAVIYO_API_KEY."""
    monkeypatch.setenv("KLAVIYO_API_KEY", "pk_of_klaviyos_examples")
    monkeypatch.setenv("KLAVIYO_PUBLIC_API_KEY", "AbC123")
    output = run("init", "--vendor", "rudderstack").output
    text = (empty / "klavier.toml").read_text("utf-8")
    assert 'private_api_key = "${KLAVIYO_API_KEY}"' in text
    assert 'public_api_key = "${KLAVIYO_PUBLIC_API_KEY}"' in text
    assert "pk_of" not in text + output
    assert "export" not in output


def test_a_terminal_is_asked(empty: Path) -> None:
    with Terminal(["init"], empty) as terminal:
        terminal.wait_for("Deliver as which vendor: ")
        terminal.type("segment-classic\n")
        terminal.wait_for("Where do events come from [files]: ")
        terminal.type("sdk\n")
        terminal.wait_for("Enter for none): ")
        terminal.type("AbC123\n")
        assert terminal.end() == 0
    config = klavier.load_config(empty / "klavier.toml", environ=ENVIRON)
    assert (config.vendor, config.klaviyo.public_api_key, list(config.gateway.sources)) == (
        "segment-classic",
        "AbC123",
        ["web"],
    )


@pytest.mark.parametrize("vendor", ["rudderstack", "segment-actions"])
def test_a_relay_delivers_with_it(run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch, vendor: str) -> None:
    monkeypatch.setenv("KLAVIYO_PRIVATE_API_KEY", "pk_0123456789")
    assert run("init", "--vendor", vendor, "--source", "program").exit_code == 0
    sandbox = klavier.Sandbox(private_api_key="pk_0123456789")
    with klavier.open(transport=sandbox.transport()) as relay:
        relay.identify("u1", {"email": "ada@shop.test"})
        relay.track("Signed Up", {"plan": "pro"}, user_id="u1")
        counts = relay.flush(LONG)
    assert counts == klavier.Counts(delivered=2)
    assert (empty / "klavier.db").is_file()
