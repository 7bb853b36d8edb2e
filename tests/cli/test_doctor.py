"""`klavier doctor`: each check says what it found, and what to do."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from importlib.metadata import distributions
from pathlib import Path
from types import SimpleNamespace

import pytest

import klavier
from klavier.cli.doctor.account import _check_reply
from klavier.cli.doctor.calls import outdated_calls
from klavier.config.model import KlaviyoSection
from klavier.klaviyo.response import Response
from klavier.outbox import SqliteOutbox
from klavier.plugins import installed_plugins
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1")) as server:
        write(folder, server.url)
        yield server.url


def write(folder: Path, address: str, private: str = "pk_sandbox", public: str = "SNDBX1") -> None:
    (folder / "klavier.toml").write_text(
        f'vendor = "little"\n[klaviyo]\nbase_url = "{address}"\n'
        f'private_api_key = "{private}"\npublic_api_key = "{public}"'
    )
    (folder / "klavier.toml").chmod(0o600)


def test_all_is_well(run: Run, address: str) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    lines = [line for line in result.stdout.splitlines() if not line[7:].startswith("disk")]
    assert lines[1].startswith(f"ok     versions       klavier {klavier.__version__}, Python 3.")
    assert lines[2:] == [
        "ok     configuration  klavier.toml",
        "ok     vendor         little",
        f"note   address        {address} is not encrypted",
        "                      use http:// for a sandbox only",
        "ok     outbox         klavier.db is created with the first event",
        "ok     key            Klaviyo accepts the private key, of klavier sandbox",
        "ok     public key     it is of the same account",
    ]


def test_the_checks_as_json_lines(run: Run, address: str) -> None:
    assert address
    found = [json.loads(line) for line in run("doctor", "--format", "jsonl").stdout.splitlines()]
    assert found[2] == {"name": "configuration", "state": "ok", "found": "klavier.toml", "remedy": ""}


def test_a_private_key_that_is_not_accepted(run: Run, folder: Path, address: str) -> None:
    write(folder, address, private="pk_wrong")
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  key            Klaviyo does not accept the private key (401)\n" in result.stdout
    assert "pk_wrong" not in result.output


def test_a_public_key_of_another_account(run: Run, folder: Path, address: str) -> None:
    write(folder, address, public="OTHER1")
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  public key     it is of another account\n" in result.stdout


def test_a_server_that_is_not_there(run: Run, folder: Path) -> None:
    write(folder, "http://127.0.0.1:9")
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  key            no reply came: the connection was refused\n" in result.stdout
    assert run("doctor", "--offline").exit_code == 0


def test_no_key(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"')
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  key            no key is configured\n" in result.stdout
    (folder / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\npublic_api_key = "SNDBX1"')
    assert "note   key            only the public key is configured" in run("doctor", "--offline").stdout


def test_every_mistake_of_the_configuration_and_every_broken_plugin(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "litle"\n[klaviyo]\nprivat_api_key = "x"\n')
    (folder / "klavier_plugin.py").write_text("import no_such_module")
    result = run("doctor")
    assert result.exit_code == 1
    assert "wrong  plugins        klavier_plugin.py: ModuleNotFoundError" in result.stdout
    assert "wrong  configuration  klavier.toml: klaviyo.privat_api_key: unknown setting\n" in result.stdout
    assert "                      did you mean 'private_api_key'?\n" in result.stdout
    assert result.stdout.count("wrong  configuration") == 2


@pytest.mark.parametrize(
    ("reply", "state", "found"),
    [
        (Response(403), "note", "the key may not read the account (403)"),
        (Response(429), "note", "Klaviyo got too many requests (429)"),
        (Response(503), "wrong", "the server answered 503"),
        (Response(200, "<html>"), "ok", "Klaviyo accepts the private key"),
        (Response(200, {"data": [3]}), "ok", "Klaviyo accepts the private key"),
    ],
)
def test_odd_replies_are_checked(reply: Response, state: str, found: str) -> None:
    check = _check_reply(reply, "private key")
    assert (check.state, check.found) == (state, found)


def vendor_of(name: str, **settings: str) -> klavier.Vendor:
    account = KlaviyoSection(private_api_key="pk_x", public_api_key="AbC123")
    return klavier.Config(vendor=name, klaviyo=account, vendors={name: settings}).build_vendor()


@pytest.mark.parametrize("name", sorted(installed_plugins().vendors))
def test_the_current_wire_of_a_vendor_is_not_outdated(name: str) -> None:
    assert list(outdated_calls(vendor_of(name), date(2026, 11, 22))) == []


def test_retired_calls_are_reported() -> None:
    if not {"rudderstack", "segment-classic"} <= installed_plugins().vendors.keys():
        pytest.skip("needs two vendors with a native wire")
    day = date(2026, 11, 22)
    assert list(outdated_calls(vendor_of("rudderstack", wire="native"), day)) == [
        ("revision 2023-02-22 was retired on 2025-02-22; Klaviyo answers as the oldest it still serves", False)
    ]
    assert list(outdated_calls(vendor_of("rudderstack", wire="native"), date(2024, 1, 1))) == []
    assert list(outdated_calls(vendor_of("segment-classic", wire="native"), day)) == [
        ("the vendor's native wire uses the legacy API, which Klaviyo shut down on 2024-06-30", True)
    ]


def outbox_checks(run: Run) -> list[tuple[str, str, str]]:
    lines = run("doctor", "--offline", "--format", "json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return [(check["state"], check["found"], check["remedy"]) for check in found if check["name"] == "outbox"]


@pytest.mark.usefixtures("address")
def test_the_outbox_is_opened_where_there_is_one(run: Run, folder: Path) -> None:
    assert outbox_checks(run) == [("ok", "klavier.db is created with the first event", "")]
    assert not (folder / "klavier.db").exists()
    with closing(SqliteOutbox(folder / "klavier.db")) as outbox:
        outbox.append([("m1", "k", b"{}")], 5.0)
    ok, *notes = outbox_checks(run)
    assert ok == ("ok", "klavier.db: 1 event waiting, 0 dead letters", "")
    assert notes[0] == (
        "note",
        "events wait and no process delivers",
        "start klavier run, klavier serve or your program",
    )


@pytest.mark.usefixtures("address")
def test_an_outbox_that_cannot_be_opened_is_wrong(run: Run, folder: Path) -> None:
    (folder / "klavier.db").write_text("no SQLite")
    ((state, found, _),) = outbox_checks(run)
    assert (state, found) == ("wrong", "outbox klavier.db: the file is damaged, or no SQLite file")
    with (folder / "klavier.toml").open("a") as file:
        file.write('\n[delivery]\noutbox = "nowhere/klavier.db"\n')
    assert outbox_checks(run) == [
        (
            "wrong",
            "the folder of nowhere/klavier.db does not exist",
            "create it, owned by the user that runs klavier",
        )
    ]
    assert run("doctor", "--offline").exit_code == 1


def test_an_outbox_that_cannot_be_looked_for_is_one_line_of_the_checks(run: Run, folder: Path) -> None:
    """As in a folder that this user may not read."""
    with (folder / "klavier.toml").open("a") as file:
        file.write(f'\n[delivery]\noutbox = "{"x" * 300}"\n')
    ((state, found, _),) = outbox_checks(run)
    assert state == "wrong"
    assert found.endswith(": File name too long")


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(("free", "state"), [(5 * 10**9, "ok"), (5 * 10**8, "note"), (5 * 10**7, "wrong")])
def test_a_disk_that_is_nearly_full_is_named(run: Run, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free, total=10**12))
    lines = [json.loads(line) for line in run("doctor", "--offline", "--format", "json").stdout.splitlines()]
    assert [check["state"] for check in lines if check["name"] == "disk"] == [state]


@pytest.mark.usefixtures("address")
def test_distributions_of_another_version_and_missing_extras_are_named(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, author, version in (
        ("klavier", "Author: us", "0.1.0"),
        ("klavier-old", "Author: us", "0.0.9"),
        ("klavier-foreign", "Author: them", "7.0"),
        ("klavier-anonymous", "", "8.0"),
    ):
        metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{author}\n")
    monkeypatch.setattr("klavier.cli.doctor.versions.distributions", lambda: distributions(path=[str(folder)]))
    monkeypatch.setattr("klavier.cli.doctor.versions.find_spec", lambda name: None if name == "uvicorn" else object())
    with (folder / "klavier.toml").open("a") as file:
        file.write('\n[gateway.sources.web]\nwrite_key = "wk_0123456789"\n')
    lines = [json.loads(line) for line in run("doctor", "--offline", "--format", "json").stdout.splitlines()]
    wrong = [(check["found"], check["remedy"]) for check in lines if check["state"] == "wrong"]
    assert wrong == [
        ("klavier-old is of version 0.0.9, klavier of 0.1.0", "pip install klavier-old==0.1.0"),
        ("[gateway.sources] needs uvicorn, not installed here", "pip install 'klavier[server]'"),
    ]


def test_delivering_history_is_noted(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text(
        'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_x"\n[delivery]\nbackfill = true\nconsent_import = true\n'
    )
    result = run("doctor", "--offline")
    assert "note   history        no event starts a flow (backfill = true)\n" in result.stdout
    assert "consent_import = true" in result.stdout
