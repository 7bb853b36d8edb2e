"""Nothing is sent unprotected or by a plugin that is broken, and files with personal data are private."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import klavier
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import ANNOUNCED, Run

TRACK = b'{"type": "track", "userId": "u1", "event": "Sang", "messageId": "m"}\n'
SCRUBBER = "import klavier\n1 / 0\n"
CONFIG = 'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\nbase_url = "{url}"\n{more}'


@pytest.fixture
def sandbox(folder: Path) -> Iterator[SandboxServer]:
    with SandboxServer(klavier.Sandbox("pk_sandbox")) as server:
        (folder / "klavier.toml").write_text(CONFIG.format(url=server.url, more=""))
        yield server


FAULT = "plugins: klavier_plugin.py cannot be loaded: ZeroDivisionError: division by zero"
REMEDY = '[plugins] optional = ["klavier_plugin.py"]'


@pytest.mark.parametrize("words", [["send", "-"], ["run"], ["probe", "-"], ["serve"]])
def test_a_broken_plugin_stops_every_command_that_sends(
    words: list[str], run: Run, folder: Path, sandbox: SandboxServer
) -> None:
    (folder / "klavier_plugin.py").write_text(SCRUBBER)
    result = run(*words, stdin=TRACK)
    assert result.exit_code == 2
    assert FAULT in result.stderr
    assert REMEDY in result.stderr
    assert sandbox.sandbox.calls == []


@pytest.mark.usefixtures("sandbox")
def test_a_broken_plugin_stops_a_relay(folder: Path) -> None:
    (folder / "klavier_plugin.py").write_text(SCRUBBER)
    with pytest.raises(klavier.ConfigError) as error:
        klavier.open("klavier.toml")
    assert FAULT in str(error.value)
    assert not (folder / "klavier.db").exists()


def test_an_optional_plugin_may_be_broken(run: Run, folder: Path, sandbox: SandboxServer) -> None:
    (folder / "klavier_plugin.py").write_text(SCRUBBER)
    more = '[plugins]\noptional = ["klavier_plugin.py"]\n'
    (folder / "klavier.toml").write_text(CONFIG.format(url=sandbox.url, more=more))
    result = run("send", "-", stdin=TRACK)
    assert result.exit_code == 0
    assert "warning: plugin klavier_plugin.py was not loaded" in result.stderr
    klavier.open("klavier.toml").close()


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("words", [["vendors"], ["plan", "-"], ["doctor"]])
def test_a_broken_plugin_is_shown_where_nothing_is_sent(words: list[str], run: Run, folder: Path) -> None:
    (folder / "klavier_plugin.py").write_text(SCRUBBER)
    result = run(*words, stdin=TRACK)
    assert result.exit_code == (1 if words == ["doctor"] else 0)
    assert "ZeroDivisionError" in result.output


def mark(folder: Path) -> Path:
    """Write a plugin file that leaves a mark when it is run."""
    (folder / "klavier_plugin.py").write_text(
        "from pathlib import Path\nPath('ran').touch()\nimport klavier\n@klavier.hookimpl\n"
        "def klavier_commands(group):\n    import click\n    group.add_command(click.Command('greet'))\n"
    )
    return folder / "ran"


@pytest.mark.usefixtures("sandbox")
def test_a_plugin_file_is_announced(run: Run, folder: Path) -> None:
    ran = mark(folder)
    result = run("plan", "-", stdin=TRACK)
    assert ran.exists()
    assert result.stderr_bytes is not None
    assert b"loading the plugin file" in ANNOUNCED


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("words", [["demo"], ["frobnicate"], ["grete"], ["completion", "bash"]])
def test_a_plugin_file_is_not_run_where_it_is_not_needed(words: list[str], run: Run, folder: Path) -> None:
    ran = mark(folder)
    run(*words)
    assert not ran.exists()
    run("greet")
    assert ran.exists()


@pytest.mark.parametrize("by", ["configuration", "environment"])
def test_plugin_files_may_be_forbidden(
    by: str, run: Run, folder: Path, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = mark(folder)
    if by == "environment":
        monkeypatch.setenv("KLAVIER_NO_LOCAL_PLUGIN", "1")
    else:
        more = "[plugins]\nlocal = false\n"
        (folder / "klavier.toml").write_text(CONFIG.format(url=sandbox.url, more=more))
    assert run("send", "-", stdin=TRACK).exit_code == 0
    assert run("greet").exit_code == 2
    run("vendors")
    klavier.open("klavier.toml").close()
    assert not ran.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_files_with_personal_data_are_private_whatever_the_umask(
    umask: int, run: Run, folder: Path, sandbox: SandboxServer
) -> None:
    assert sandbox
    (folder / "old.jsonl").write_bytes(b"")
    (folder / "old.jsonl").chmod(0o644)
    before = os.umask(umask)
    try:
        for name in ("new.jsonl", "old.jsonl"):
            run("send", "-", "--rejects", name, "--progress", f"{name}.progress", stdin=b"nonsense\n")
    finally:
        os.umask(before)
    for name in ("new.jsonl", "old.jsonl", "new.jsonl.progress"):
        assert mode(folder / name) == 0o600, name
    assert (folder / "new.jsonl").read_bytes() == b"nonsense\n"


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
@pytest.mark.parametrize("umask", [0o000, 0o777])
@pytest.mark.parametrize(
    "options",
    [
        ("diff", "events.jsonl", "--from", "rudderstack", "--to", "freshpaint", "--values", "--format", "html"),
        ("diff", "events.jsonl", "--from", "rudderstack", "--to", "freshpaint", "--format", "json"),
        ("migrate", "--from", "rudderstack", "--to", "freshpaint", "--force", "--sample", "events.jsonl"),
    ],
)
def test_reports_with_values_are_private_whatever_the_umask(
    options: tuple[str, ...], umask: int, run: Run, folder: Path, sandbox: SandboxServer
) -> None:
    assert sandbox
    (folder / "events.jsonl").write_bytes(TRACK)
    (folder / "old").write_bytes(b"an older and longer report\n" * 10_000)
    (folder / "old").chmod(0o644)
    before = os.umask(umask)
    try:
        results = [run(*options, "--output", name) for name in ("new", "old")]
    finally:
        os.umask(before)
    assert [result.exit_code for result in results] != [2, 2], results[0].output
    for name in ("new", "old"):
        assert mode(folder / name) == 0o600, name
        assert b"older and longer" not in (folder / name).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such modes")
def test_doctor_warns_of_files_that_others_can_read(run: Run, folder: Path, sandbox: SandboxServer) -> None:
    (folder / "klavier.toml").chmod(0o600)
    with klavier.open("klavier.toml") as relay:
        relay.track("Sang", user_id="u1")
    assert sandbox.sandbox.calls
    assert "can be read by other users" not in run("doctor").stdout
    (folder / "klavier.db").chmod(0o640)
    (folder / "klavier.toml").chmod(0o644)
    found = [json.loads(line) for line in run("doctor", "--format", "json").stdout.splitlines()]
    notes = [check for check in found if check["name"] == "files"]
    assert [(check["state"], check["remedy"]) for check in notes] == [
        ("note", "chmod 600 klavier.db"),
        ("note", "chmod 600 klavier.toml"),
    ]
    (folder / "klavier.toml").write_text(
        CONFIG.format(url=sandbox.url, more="").replace('"pk_sandbox"', '"${KLAVIYO_PRIVATE_API_KEY}"')
    )
    os.environ["KLAVIYO_PRIVATE_API_KEY"] = "pk_sandbox"
    try:
        assert "chmod 600 klavier.toml" not in run("doctor").stdout
    finally:
        del os.environ["KLAVIYO_PRIVATE_API_KEY"]


@pytest.mark.parametrize("command", [["send", "-"], ["run", "--until-empty"]])
@pytest.mark.parametrize(
    ("setting", "warning"),
    [
        ('base_url = "http://klaviyo.test"', "klaviyo.base_url: http://klaviyo.test is not encrypted: use https://"),
        ('base_url = "https://127.0.0.1:9"\nverify = false', "klaviyo.verify = false: the server's certificate"),
    ],
)
def test_what_is_not_protected_on_the_way_is_warned_of(
    command: list[str], setting: str, warning: str, run: Run, folder: Path
) -> None:
    (folder / "klavier_plugin.py").unlink()
    (folder / "klavier.toml").write_text(
        f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_sandbox"\n{setting}\n'
    )
    result = run(*command, stdin=b"")
    assert f"warning: {warning}" in result.stderr
    assert ("certificates are not checked" in run("doctor", "--offline").stdout) == ("verify" in setting)


@pytest.mark.parametrize("command", [["send", "-"], ["plan", "-"], ["run"]])
def test_the_address_holds_no_variable(
    command: list[str], run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHERE", "https://elsewhere.test")
    (folder / "klavier.toml").write_text(CONFIG.format(url="${WHERE}", more=""))
    result = run(*command, stdin=TRACK)
    assert result.exit_code == 2
    assert "klaviyo.base_url: must not contain a variable; write the address" in result.stderr
