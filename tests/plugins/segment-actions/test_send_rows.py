"""`klavier send --rows`: warehouse rows, delivered in one command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from klavier.cli.app import app
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer

CONFIG = """
vendor = "segment-actions"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{url}"
[[vendors.segment-actions.mappings]]
action = "upsertProfile"
trigger = 'event = "updated"'
fields.email."@path" = "$.properties.email"
fields.external_id."@path" = "$.userId"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox("pk_sandbox", "SNDBX1")) as found:
        (tmp_path / "klavier.toml").write_text(CONFIG.format(url=found.url))
        yield found


def send(folder: Path, name: str, *options: str) -> Result:
    return CliRunner().invoke(app, ["send", "--config", str(folder / "klavier.toml"), *options, str(folder / name)])


def emails(server: SandboxServer) -> set[str]:
    return {profile["identifiers"]["email"] for profile in server.sandbox.state()["profiles"]}


@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_rows_are_delivered(tmp_path: Path, server: SandboxServer, name: str) -> None:
    (tmp_path / "rows.csv").write_text("id,email,__mode\n1,a@b.io,updated\n2,c@d.io,updated\n3,e@f.io,deleted\n")
    (tmp_path / "rows.jsonl").write_text(
        '{"id": 1, "email": "a@b.io"}\n{"id": 2, "email": "c@d.io"}\n{"id": 3, "__mode": "added"}\n'
    )
    run = send(tmp_path, name, "--rows", "--mode", "updated", "--id-column", "id")
    assert run.exit_code == 0, run.output
    assert run.stdout.startswith("3 events, 2 requests\n  delivered         2\n  skipped           1\n")
    assert emails(server) == {"a@b.io", "c@d.io"}


def test_a_file_with_an_invalid_last_row(tmp_path: Path, server: SandboxServer) -> None:
    (tmp_path / "rows.csv").write_text("id,email\n1,a@b.io\n2\n")
    run = send(tmp_path, "rows.csv", "--rows", "--mode", "updated", "--id-column", "id")
    assert run.exit_code == 1
    assert run.stdout.startswith("2 events, 1 request\n  delivered         1\n  rejected          1\n")
    assert "has more or fewer cells than the header has columns; nothing after it was read (line 3)" in run.stdout
    assert emails(server) == {"a@b.io"}


def test_rows_need_a_file(tmp_path: Path, server: SandboxServer) -> None:
    run = send(tmp_path, "klavier.toml", "--rows", "-")
    assert run.exit_code == 2
    assert "--rows: pass the name of a file of rows" in run.output
    assert not emails(server)


@pytest.mark.parametrize("option", [("--mode", "updated"), ("--id-column", "id")])
def test_options_of_rows_need_rows(tmp_path: Path, server: SandboxServer, option: tuple[str, str]) -> None:
    (tmp_path / "rows.csv").write_text("id,email\n1,a@b.io\n")
    run = send(tmp_path, "rows.csv", *option)
    assert run.exit_code == 2
    assert "pass --rows too" in run.output
    assert not emails(server)
