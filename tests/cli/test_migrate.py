"""`klavier migrate`, as a person types it."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from klavier import load_config
from tests.cli.conftest import Run

CLASSIC = """
vendor = "segment-classic"

[klaviyo]
private_api_key = "pk_secret_one"
public_api_key = "AbC123"

[vendors.segment-classic]
list_id = "XUepkK"
confirm_optin = false
"""
ORDER: dict[str, Any] = {
    "type": "track",
    "userId": "u1",
    "messageId": "m1",
    "timestamp": "2024-03-01T10:00:00Z",
    "event": "Order Completed",
    "properties": {"orderId": "o-1", "revenue": 30, "products": [{"productId": "p1", "name": "Uno", "price": 30}]},
}


@pytest.fixture
def classic(folder: Path) -> Path:
    (folder / "klavier.toml").write_text(CLASSIC)
    (folder / "events.jsonl").write_text(json.dumps(ORDER) + "\n")
    return folder


def test_a_configuration_with_its_lists_as_comments(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--to", "segment-actions")
    assert result.exit_code == 1
    found = tomllib.loads(result.stdout)
    assert found["vendor"] == "segment-actions"
    assert found["klaviyo"] == {"private_api_key": "${KLAVIYO_PRIVATE_API_KEY}"}
    upsert, track, order, *engage = found["vendors"]["segment-actions"]["mappings"]
    assert (upsert["action"], track["action"], order["action"]) == ("upsertProfile", "trackEvent", "orderCompleted")
    assert (order["fields"]["event_name"], order.get("enabled", True)) == ("Placed Order", True)
    assert engage == [
        {"action": "addProfileToList", "enabled": False},
        {"action": "removeProfileFromList", "enabled": False},
    ]
    assert "# Carried over (2)\n#   - list_id\n#   - confirm_optin" in result.stdout
    assert "# decide: this mapping" in result.stdout
    assert (
        "KLAVIYO_PRIVATE_API_KEY: Klaviyo's private API key; the old settings contain it in plain text" in result.stdout
    )
    assert "pk_secret_one" not in result.output


def test_the_file_can_be_used_at_once(run: Run, classic: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("migrate", "--to", "rudderstack", "--output", "new.toml")
    assert result.exit_code == 1
    assert "Cannot be carried over" in result.stdout
    assert result.stdout.endswith("new.toml: written\n")
    monkeypatch.setenv("KLAVIYO_PRIVATE_API_KEY", "pk_1")
    settings = load_config(classic / "new.toml").build_vendor().settings
    assert (settings.list_id, settings.api_version, settings.public_api_key) == ("XUepkK", "v3", "AbC123")
    planned = run("plan", "events.jsonl", "--config", "new.toml")
    assert planned.exit_code == 0


def test_no_file_is_overwritten_unasked(run: Run, classic: Path) -> None:
    (classic / "new.toml").write_text("mine")
    refused = run("migrate", "--to", "rudderstack", "--output", "new.toml")
    assert (refused.exit_code, (classic / "new.toml").read_text()) == (2, "mine")
    assert "exists already" in refused.stderr
    assert run("migrate", "--to", "rudderstack", "--output", "new.toml", "--force").exit_code == 1
    assert tomllib.loads((classic / "new.toml").read_text())["vendor"] == "rudderstack"


@pytest.mark.parametrize(
    "outputs",
    [
        ["--sample", "events.jsonl", "--output", "events.jsonl", "--force"],
        ["--sample", "events.jsonl", "--page", "events.jsonl"],
        ["--page", "klavier.toml"],
        ["--from", "segment-classic", "--settings", "old.toml", "--page", "./old.toml"],
    ],
)
def test_no_file_is_overwritten_that_is_read(run: Run, classic: Path, outputs: list[str]) -> None:
    (classic / "old.toml").write_text('list_id = "XUepkK"\n')
    before = {file.name: file.read_text() for file in classic.iterdir() if file.is_file()}
    result = run("migrate", "--to", "rudderstack", *outputs)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is an input file as well; pass another name to --" in result.stderr
    assert {file.name: file.read_text() for file in classic.iterdir() if file.is_file()} == before


def test_the_configuration_and_the_page_are_two_files(run: Run, classic: Path) -> None:
    result = run("migrate", "--to", "rudderstack", "--output", "new", "--page", "./new")
    assert (result.exit_code, (classic / "new").exists()) == (2, False)
    assert "--page: names the file of --output; pass another name" in result.stderr


def test_the_configuration_alone_for_a_pipe(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--to", "freshpaint", "--output", "-")
    assert tomllib.loads(result.stdout)["vendor"] == "freshpaint"
    assert "Cannot be carried over" in result.stderr
    assert "Cannot be carried over" not in result.stdout


def test_one_setting_of_the_same_vendor(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text(
        'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "${MY_KEY}"\n'
        '[vendors.rudderstack]\nlist_id = "XUepkK"\napi_version = "v1"\n'
    )
    result = run("migrate", "--set", "api_version=v3", "--set", "consent=['email', 'sms']")
    found = tomllib.loads(result.stdout)
    assert found["klaviyo"] == {"private_api_key": "${MY_KEY}"}
    assert found["vendors"]["rudderstack"] == {"list_id": "XUepkK", "api_version": "v3", "consent": ["email", "sms"]}
    assert "Product Added: was Added to Cart, becomes its own name" in result.stdout
    assert "MY_KEY: Klaviyo's private API key" in result.stdout
    assert result.exit_code == 1


def test_nothing_changes_within_one_vendor(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--to", "segment-classic")
    assert result.exit_code == 0
    assert "All was carried over." in result.stdout


def test_a_sample_shows_what_differs(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--to", "rudderstack", "--sample", "events.jsonl")
    assert result.exit_code == 1
    tomllib.loads(result.stdout)
    assert "1 event with segment-classic and with rudderstack" in result.stdout
    assert "Placed Order" in result.stdout
    assert "Ordered Product" in result.stdout


def test_json_for_other_programs(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--to", "rudderstack", "--format", "json", "--sample", "events.jsonl")
    found = json.loads(result.stdout)
    assert (found["from"], found["to"]) == ("segment-classic", "rudderstack")
    assert found["settings"]["list_id"] == "XUepkK"
    assert {"setting": "list_id", "is_idle": False} in found["carried"]
    assert {each["term"] for each in found["not_carried"]} >= {"order_name", "product_events"}
    assert [each["place"] for each in found["decisions"]] == ["api_version"]
    assert found["comparison"]["differs"] is True
    assert "pk_secret_one" not in result.stdout


def test_settings_of_a_file_without_a_configuration(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").unlink()
    (folder / "old.json").write_text('{"enabled_events": ["Signed Up"], "private_api_key": "pk_secret_one"}')
    result = run("migrate", "--from", "freshpaint", "--to", "segment-actions", "--settings", "old.json")
    track = tomllib.loads(result.stdout)["vendors"]["segment-actions"]["mappings"][1]
    assert track["trigger"] == 'type = "track" and event = "Signed Up"'
    assert "pk_secret_one" not in result.output


def test_a_vendor_without_migration_terms(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\n')
    result = run("migrate", "--to", "rudderstack")
    assert result.exit_code == 1
    assert tomllib.loads(result.stdout) == {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "${KLAVIYO_PRIVATE_API_KEY}"},
    }
    assert "the plugin of little does not support migrations: only the keys are carried over" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "nobody", "--to", "rudderstack"], "'nobody' is not known"),
        (["--to", "rudderstak"], "did you mean 'rudderstack'?"),
        ([], "--to: required"),
        (["--to", "rudderstack", "--set", "api_version"], "--set: write NAME=VALUE"),
        (["--to", "rudderstack", "--set", "api_versoin=v3"], "did you mean 'api_version'?"),
        (["--to", "rudderstack", "--set", "api_version=v9"], "api_version: Unsupported"),
        (["--to", "rudderstack", "--set", "a=1", "--set", "a.b=1"], "set twice"),
        (["--to", "rudderstack", "--set", "a.b=1", "--set", "a=1"], "set twice"),
        (["--to", "rudderstack", "--sample", "missing.jsonl"], "there is no such file"),
        (["--to", "rudderstack", "--settings", "missing.toml"], "there is no such file"),
    ],
)
def test_wrong_use(run: Run, classic: Path, arguments: list[str], complaint: str) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert complaint in result.stderr


def test_defaults_are_not_mistaken_for_settings(run: Run, classic: Path) -> None:  # noqa: ARG001 -- it stands there
    result = run("migrate", "--from", "freshpaint", "--to", "rudderstack")
    assert result.stderr == "note: no settings of freshpaint were found, so its defaults are migrated\n"
    assert run("migrate", "--to", "rudderstack").stderr == ""


def test_no_vendor_is_known(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").unlink()
    result = run("migrate", "--to", "rudderstack")
    assert result.exit_code == 2
    assert "--from: required" in result.stderr


def test_the_lists_are_written_as_a_page(run: Run, folder: Path) -> None:
    (folder / "old.toml").write_text('list_id = "XUepkK"\nconsent = ["email"]\n')
    words = ("--from", "rudderstack", "--settings", "old.toml", "--to", "segment-actions")
    result = run("migrate", *words, "--output", "new.toml", "--page", "page.html")
    assert "page.html: written" in result.stderr
    text = (folder / "page.html").read_text("utf-8")
    assert all(word in text for word in ("rudderstack, old.toml", "segment-actions, new.toml", "with klavier"))
