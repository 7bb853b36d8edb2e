"""`[klaviyo] access_token`: an OAuth token in place of the private key, for every vendor and command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import klavier
from klavier.config.model import KlaviyoSection
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

VENDORS = ("rudderstack", "segment-classic", "segment-actions", "freshpaint")
EVENT = {"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"email": "ann@shop.test"}}
TOKEN = "at_sandbox_0123"  # noqa: S105 -- a sandbox's


@pytest.fixture
def address() -> Iterator[str]:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1", access_token=TOKEN)) as server:
        yield server.url


def write(folder: Path, address: str, vendor: str, token: str = TOKEN, more: str = "") -> None:
    (folder / "klavier.toml").write_text(
        f'vendor = "{vendor}"\n[klaviyo]\nbase_url = "{address}"\npublic_api_key = "SNDBX1"\n'
        f'access_token = "{token}"\n{more}'
    )
    (folder / "klavier.toml").chmod(0o600)
    (folder / "events.jsonl").write_text(json.dumps(EVENT) + "\n")


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_vendor_delivers_with_a_token_alone(run: Run, folder: Path, address: str, vendor: str) -> None:
    write(folder, address, vendor)
    result = run("send", "events.jsonl")
    assert result.exit_code == 0, result.output
    write(folder, address, vendor, token="at_other")  # noqa: S106 -- nobody's
    assert run("send", "events.jsonl").exit_code == 1


def test_a_token_and_a_private_key_are_one_too_many(run: Run, folder: Path, address: str) -> None:
    write(folder, address, "rudderstack", more='private_api_key = "pk_sandbox"\n')
    result = run("send", "events.jsonl")
    assert result.exit_code == 2
    assert "klaviyo.access_token: stands in for private_api_key; remove one of them" in result.output


def test_a_vendors_own_key_has_precedence(folder: Path, address: str) -> None:
    write(folder, address, "rudderstack", more='[vendors.rudderstack]\nprivate_api_key = "pk_own"\n')
    config = klavier.load_config(folder / "klavier.toml")
    keys = config.keys_for(config.build_vendor())
    assert (keys["private_api_key"], keys["access_token"]) == ("pk_own", None)


def test_the_environment_may_hold_the_token(
    run: Run, folder: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, address, "rudderstack")
    (folder / "klavier.toml").unlink()
    monkeypatch.setenv("KLAVIYO_ACCESS_TOKEN", TOKEN)
    result = run("send", "events.jsonl", "--vendor", "rudderstack", "--sandbox", address)
    assert result.exit_code == 0, result.output


def test_doctor_checks_the_token(run: Run, folder: Path, address: str) -> None:
    write(folder, address, "little")
    assert "ok     key            Klaviyo accepts the access token, of klavier sandbox" in run("doctor").stdout
    write(folder, address, "little", token="at_expired")  # noqa: S106 -- nobody's
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  key            Klaviyo does not accept the access token (401)" in result.stdout
    assert "an access token expires: get a new one" in result.stdout
    assert "at_expired" not in result.output


def test_the_token_is_in_no_output(run: Run, folder: Path, address: str) -> None:
    write(folder, address, "rudderstack")
    leaking = {**EVENT, "traits": {"email": "ann@shop.test", "note": f"my token is {TOKEN}"}}
    (folder / "events.jsonl").write_text(json.dumps(leaking) + "\n")
    for command in (
        ("plan",),
        ("plan", "--format", "json"),
        ("send", "--format", "json"),
        ("probe", "--format", "json"),
    ):
        assert TOKEN not in run(*command, "events.jsonl").output
    assert TOKEN not in repr(klavier.load_config(folder / "klavier.toml"))


@pytest.mark.parametrize("command", ["plan", "diff"])
def test_a_token_whose_variable_is_not_set_is_not_needed_to_plan(
    run: Run, folder: Path, address: str, command: str
) -> None:
    write(folder, address, "rudderstack", token="${KLAVIYO_ACCESS_TOKEN}")  # noqa: S106 -- a variable
    options = ("--vendor", "rudderstack") if command == "plan" else ("--from", "rudderstack", "--to", "freshpaint")
    result = run(command, "events.jsonl", *options)
    assert result.exit_code in (0, 1), result.output
    assert "variable" not in result.output


def test_the_section_shows_no_token() -> None:
    assert TOKEN not in repr(KlaviyoSection(access_token=TOKEN))
