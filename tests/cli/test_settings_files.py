"""Files of settings: alone, or in a whole `klavier.toml`, wherever a command takes one."""

import json
from pathlib import Path

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

WHOLE = """
vendor = "rudderstack"

[klaviyo]
private_api_key = "${KEY_THAT_IS_NOT_SET}"

[vendors.rudderstack]
api_version = "v2"

[vendors.freshpaint]
enabled_events = ["Signed Up"]
"""
EVENTS = [
    {"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"email": "ada@shop.test"}},
    {"type": "track", "messageId": "m2", "userId": "u1", "event": "Signed Up", "properties": {"plan": "pro"}},
]


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    (folder / "whole.toml").write_text(WHOLE)
    (folder / "alone.toml").write_text('api_version = "v2"\n')
    (folder / "alone.json").write_text('{"api_version": "v2"}')
    (folder / "events.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in EVENTS))


@pytest.fixture
def bare(folder: Path) -> None:
    """Have no configuration: the file of settings is the only one."""
    (folder / "klavier.toml").unlink()
    (folder / "klavier_plugin.py").unlink()


PLAN = ("plan", "events.jsonl", "--format", "json")


@pytest.mark.parametrize("name", ["whole.toml", "alone.toml", "alone.json"])
def test_plan_reads_either(run: Run, name: str) -> None:
    result = run(*PLAN, "--vendor", "rudderstack", "--settings", name)
    assert result.exit_code == 0, result.output
    first = json.loads(result.output.splitlines()[0])
    assert first["outcome"]["kind"] == "delivered"


def test_the_settings_of_either_are_the_same(run: Run) -> None:
    outputs = {run(*PLAN, "--vendor", "rudderstack", "--settings", n).output for n in ("whole.toml", "alone.toml")}
    other = run(*PLAN, "--vendor", "rudderstack").output
    assert len(outputs) == 1
    assert other not in outputs


@pytest.mark.usefixtures("bare")
def test_a_whole_configuration_brings_its_vendor_and_account(run: Run) -> None:
    result = run("plan", "events.jsonl", "--settings", "whole.toml")
    assert "Planned as rudderstack with a placeholder for each key that is not set" in result.output
    assert "delivered         2" in result.output


@pytest.mark.usefixtures("bare")
def test_send_delivers_to_its_account(run: Run, folder: Path) -> None:
    sandbox = Sandbox()
    with SandboxServer(sandbox) as server:
        text = WHOLE.replace("${KEY_THAT_IS_NOT_SET}", f'pk_sandbox"\nbase_url = "{server.url}')
        (folder / "account.toml").write_text(text)
        assert run("send", "events.jsonl", "--settings", "account.toml").exit_code == 0
    assert len(sandbox.state()["events"]) == 1


def test_the_account_of_the_configuration_comes_first(run: Run, folder: Path) -> None:
    """Neither is its key sent to an address of the file, nor the file's key to its address."""
    sandbox = Sandbox(private_api_key="pk_of_the_configuration")
    with SandboxServer(sandbox) as server:
        account = f'private_api_key = "pk_of_the_configuration"\nbase_url = "{server.url}"'
        (folder / "klavier.toml").write_text(f'vendor = "little"\n[klaviyo]\n{account}\n')
        text = WHOLE.replace("${KEY_THAT_IS_NOT_SET}", 'pk_of_the_file"\nbase_url = "http://127.0.0.1:1')
        (folder / "other.toml").write_text(text)
        assert run("send", "events.jsonl", "--vendor", "rudderstack", "--settings", "other.toml").exit_code == 0
    assert len(sandbox.state()["events"]) == 1


@pytest.mark.usefixtures("bare")
def test_what_migrate_writes_is_compared(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text(WHOLE)
    assert run("migrate", "--to", "segment-actions", "--output", "new.toml").exit_code == 1
    compared = run("diff", "events.jsonl", "--to-settings", "new.toml")
    assert compared.exit_code in (0, 1), compared.output
    assert "segment-actions" in compared.output
    (folder / "klavier.toml").unlink()
    again = run("diff", "events.jsonl", "--from-settings", "whole.toml", "--to-settings", "new.toml")
    assert again.output == compared.output


@pytest.mark.usefixtures("bare")
def test_migrate_reads_a_whole_configuration(run: Run) -> None:
    whole = run("migrate", "--settings", "whole.toml", "--to", "freshpaint", "--output", "-").stdout
    alone = run("migrate", "--from", "rudderstack", "--settings", "alone.toml", "--to", "freshpaint", "--output", "-")
    assert 'vendor = "freshpaint"' in whole
    assert whole.replace("KEY_THAT_IS_NOT_SET", "KLAVIYO_PRIVATE_API_KEY") == alone.stdout


@pytest.mark.usefixtures("bare")
def test_demo_reads_a_whole_configuration(run: Run) -> None:
    output = run("demo", "events.jsonl", "--settings", "whole.toml").output
    assert output.startswith("As rudderstack would send them")


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "events.jsonl", "--vendor", "segment-classic", "--settings", "whole.toml"),
        ("diff", "events.jsonl", "--from", "rudderstack", "--to", "segment-classic", "--to-settings", "whole.toml"),
        ("migrate", "--from", "segment-classic", "--to", "freshpaint", "--settings", "whole.toml"),
    ],
)
def test_a_file_about_another_vendor_is_refused(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "whole.toml: it has no [vendors.segment-classic]; its vendor is rudderstack" in result.stderr


def test_a_section_of_another_vendor_is_read_where_it_is_named(run: Run) -> None:
    result = run("plan", "events.jsonl", "--vendor", "freshpaint", "--settings", "whole.toml", "--summary")
    assert "Planned as freshpaint" in result.output


def test_mistakes_are_named_with_the_file_and_the_place(run: Run, folder: Path) -> None:
    (folder / "wrong.toml").write_text('vendor = "rudderstack"\n[vendors.rudderstack]\nlist = "X"\n')
    result = run("plan", "events.jsonl", "--settings", "wrong.toml")
    assert "wrong.toml: vendors.rudderstack.list: unknown setting; did you mean 'list_id'?" in result.stderr
