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


def test_one_bad_row_does_not_end_the_file(tmp_path: Path, server: SandboxServer) -> None:
    (tmp_path / "rows.csv").write_text("id,email\n1,a@shop.test\n,guest@shop.test\n3,c@shop.test\n4\n5,e@shop.test\n")
    rejects = tmp_path / "rejects"
    run = send(tmp_path, "rows.csv", "--rows", "--mode", "updated", "--id-column", "id", "--rejects", str(rejects))
    assert run.exit_code == 1
    assert run.stdout.startswith("5 events, 3 requests\n  delivered         3\n  rejected          2\n")
    assert "the column 'id' is empty, and it contains the user id" in run.stdout
    assert emails(server) == {"a@shop.test", "c@shop.test", "e@shop.test"}
    assert rejects.read_text().splitlines() == [",guest@shop.test", "4"]


@pytest.mark.parametrize("header", ["id,email,email", "ID,EMAIL"])
def test_a_wrong_header_is_refused_before_anything_is_sent(tmp_path: Path, server: SandboxServer, header: str) -> None:
    (tmp_path / "rows.csv").write_text(f"{header}\n1,a@b.io\n")
    run = send(tmp_path, "rows.csv", "--rows", "--mode", "updated", "--id-column", "id")
    assert run.exit_code == 2
    assert "column" in run.output
    assert not emails(server)


@pytest.mark.parametrize(
    ("vendor", "mode", "name"),
    [
        ("segment-actions", "added", "new"),
        ("segment-classic", "deleted", "deleted"),
        ("rudderstack", "updated", "updated"),
    ],
)
def test_vendors_that_send_rows_as_events_are_refused(
    tmp_path: Path, server: SandboxServer, vendor: str, mode: str, name: str
) -> None:
    config = CONFIG.format(url=server.url).split("[[")[0].replace("segment-actions", vendor)
    (tmp_path / "klavier.toml").write_text(config.replace("[klaviyo]", '[klaviyo]\npublic_api_key = "SNDBX1"'))
    (tmp_path / "rows.csv").write_text("id,email\n1,a@b.io\n")
    run = send(tmp_path, "rows.csv", "--rows", "--mode", mode, "--id-column", "id")
    assert run.exit_code == 2, run.output
    assert f"{vendor} would send each row as an event named '{name}'" in run.output
    assert server.sandbox.calls == []


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
