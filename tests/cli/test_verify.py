"""`klavier verify`: what it prints and writes, which keys it takes, and that it only reads."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.sandbox import Fault, Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run
from tests.support.verification import KEY, LIST, account, day, drops_property, lines, renames_metric

EVENTS = day(people=6, events=48)
FAITHFUL = ("verify", "events.jsonl", "--sandbox")


@pytest.fixture(scope="module")
def faithful() -> Iterator[SandboxServer]:
    with SandboxServer(account(EVENTS, sandbox=Sandbox(KEY, "SNDBX1"))) as server:
        yield server


@pytest.fixture(scope="module")
def faulty() -> Iterator[SandboxServer]:
    sandbox = account(EVENTS, drops_property, renames_metric, sandbox=Sandbox(KEY, "SNDBX1"))
    with SandboxServer(sandbox) as server:
        yield server


@pytest.fixture(autouse=True)
def settings(folder: Path) -> None:
    (folder / "klavier.toml").write_text(
        f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "{KEY}"\n'
        f'[vendors.rudderstack]\napi_version = "v3"\nlist_id = "{LIST}"\nconsent = ["email"]\n'
    )
    (folder / "klavier_plugin.py").unlink()
    (folder / "events.jsonl").write_text(lines(EVENTS))


def test_a_faithful_account(run: Run, faithful: SandboxServer) -> None:
    faithful.sandbox.calls.clear()
    result = run(*FAITHFUL, faithful.url)
    assert result.exit_code == 0, result.output
    assert "- 100 % of all 48 events match.\n" in result.stdout
    assert {call.method for call in faithful.sandbox.calls} == {"GET"}
    assert "reading 6 profiles with their events" in result.stderr
    assert run(*FAITHFUL, faithful.url, "-q").stderr == ""


def test_faults_are_shown_without_profiles_and_values(run: Run, faulty: SandboxServer) -> None:
    result = run(*FAITHFUL, faulty.url)
    assert result.exit_code == 1
    assert "- The metric Product Viewed is Viewed Product in Klaviyo (12 events)" in result.stdout
    assert "- Event properties: 1 missing (quantity)." in result.stdout
    assert "not in Klaviyo (line " in result.stdout
    assert "shop.test" not in result.output
    assert "p0@shop.test: " in run(*FAITHFUL, faulty.url, "--values").stdout


def test_json_and_page_are_masked_unless_values_are_asked_for(run: Run, folder: Path, faulty: SandboxServer) -> None:
    result = run(*FAITHFUL, faulty.url, "--format", "json", "--output", "page.html")
    found = json.loads(result.stdout)
    page = (folder / "page.html").read_text()
    assert found["verification"]["verdict"]["rest"] == {"under another metric": 12, "with other properties": 12}
    assert {row["kind"] for row in found["differences"]} == {"renamed", "only_left"}
    assert found["differences"][0]["cases"][0]["line"]
    assert "Product Viewed" in page
    assert "klavier verify" in page
    assert "events.jsonl, of 2026-11-20" in page
    assert "shop.test" not in result.stdout + page
    result = run(*FAITHFUL, faulty.url, "--values", "--output", "all.json")
    assert "p0@shop.test" in (folder / "all.json").read_text()
    assert (folder / "all.json").stat().st_mode & 0o777 == 0o600


def test_against_an_earlier_run(run: Run, folder: Path, faithful: SandboxServer, faulty: SandboxServer) -> None:
    run(*FAITHFUL, faulty.url, "--output", "faulty.json")
    run(*FAITHFUL, faithful.url, "--output", "faithful.json")
    same = run(*FAITHFUL, faulty.url, "--against", "faulty.json")
    assert (same.exit_code, "Nothing differs more often than in the earlier run" in same.stdout) == (0, True)
    worse = run(*FAITHFUL, faulty.url, "--against", "faithful.json", "--format", "json")
    assert worse.exit_code == 1
    assert json.loads(worse.stdout)["verification"]["earlier"]["is_worse"] is True
    assert run(*FAITHFUL, faithful.url, "--against", "faulty.json").exit_code == 0
    (folder / "other.json").write_text("{}")
    other = run(*FAITHFUL, faithful.url, "--against", "other.json")
    assert (other.exit_code, "is no result of klavier verify" in other.output) == (2, True)
    assert run(*FAITHFUL, faithful.url, "--against", "no.json").exit_code == 2


def test_a_time_span_and_a_sample(run: Run, faithful: SandboxServer) -> None:
    result = run(*FAITHFUL, faithful.url, "--since", "2026-11-20T08:00:00Z", "--until", "2026-11-20T10:00:00+00:00")
    assert (result.exit_code, "- 100 % of all 8 events match." in result.stdout) == (0, True)
    assert "46  input events before --since or after --until" in result.stdout
    sample = run(*FAITHFUL, faithful.url, "--sample", "10")
    assert "sampled events match (95 % confidence: " in sample.stdout
    assert "sampled" not in run(*FAITHFUL, faithful.url, "--sample", "10", "--all").stdout
    wrong = run(*FAITHFUL, faithful.url, "--since", "November")
    assert (wrong.exit_code, "must be a date such as 2026-11-01" in wrong.output) == (2, True)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("AbC123", "private_api_key: is a public key (site id), which reads nothing"),
        ("2abcdefghijklmnopqrstuvwxy0", "private_api_key: is no private key of Klaviyo, but perhaps the write key"),
        ("${NOT_SET}", "no private key is configured, and reading the account needs one"),
    ],
)
def test_what_is_no_private_key_is_refused(
    run: Run, folder: Path, faithful: SandboxServer, key: str, message: str
) -> None:
    toml = (folder / "klavier.toml").read_text().replace(f'"{KEY}"', f'"{key}"')
    (folder / "klavier.toml").write_text(toml)
    faithful.sandbox.calls.clear()
    result = run(*FAITHFUL, faithful.url)
    assert (result.exit_code, message in result.output) == (2, True), result.output
    assert key not in result.output
    assert faithful.sandbox.calls == []


def test_an_access_token_stands_in_for_the_key(run: Run, folder: Path, faithful: SandboxServer) -> None:
    toml = (folder / "klavier.toml").read_text().replace(f'private_api_key = "{KEY}"', 'access_token = "at_sandbox"')
    (folder / "klavier.toml").write_text(toml)
    assert run(*FAITHFUL, faithful.url).exit_code == 0


def test_a_run_that_ended_is_continued(run: Run, folder: Path, faithful: SandboxServer) -> None:
    sandbox = faithful.sandbox
    sandbox.calls.clear()
    sandbox.faults.add(Fault(403, match="GET /api/lists/*", times=1))
    first = run(*FAITHFUL, faithful.url, "--resume")
    assert (first.exit_code, "may not GET /api/lists/" in first.output) == (2, True)
    journal = folder / "events.jsonl.verify"
    assert journal.stat().st_mode & 0o777 == 0o600
    calls = len(sandbox.calls)
    second = run(*FAITHFUL, faithful.url, "--resume")
    assert (second.exit_code, "of an earlier run are known: continuing" in second.stderr) == (0, True)
    assert [call.path for call in sandbox.calls[calls:]] == [f"/api/lists/{LIST}/relationships/profiles"]
    assert not journal.exists()
    assert run("verify", "-", "--resume", stdin=b"").exit_code == 2


def test_wrong_files_are_refused_before_anything_is_read(run: Run, folder: Path, faithful: SandboxServer) -> None:
    faithful.sandbox.calls.clear()
    assert "there is no such file" in run("verify", "no.jsonl", "--sandbox", faithful.url).output
    assert "there is no such folder" in run(*FAITHFUL, faithful.url, "--output", "no/page.html").output
    before = (folder / FAITHFUL[1]).read_bytes()
    assert "is an input file as well" in run(*FAITHFUL, faithful.url, "--output", FAITHFUL[1]).output
    assert (folder / FAITHFUL[1]).read_bytes() == before
    assert faithful.sandbox.calls == []
    (folder / "none.jsonl").write_text("nothing\n")
    result = run("verify", "none.jsonl", "--sandbox", faithful.url)
    assert (result.exit_code, "no line of it is an event" in result.output) == (2, True)


def test_an_empty_prediction_is_no_good_result(run: Run, faithful: SandboxServer) -> None:
    result = run(*FAITHFUL, faithful.url, "--since", "2027-01-01")
    assert result.exit_code == 2
    assert "rudderstack leaves no profile in Klaviyo for these events: all of them are before --since" in result.stderr


def test_device_mode_is_warned_of(run: Run, folder: Path, faithful: SandboxServer) -> None:
    toml = (folder / "klavier.toml").read_text().replace("[klaviyo]", '[klaviyo]\npublic_api_key = "SNDBX1"')
    (folder / "klavier.toml").write_text(toml + 'connection_mode = "device"\n')
    assert "warning: device mode: what the browser code sends is not predicted" in run(*FAITHFUL, faithful.url).stderr


def test_what_the_vendor_does_not_deliver_is_not_expected(run: Run, folder: Path, faithful: SandboxServer) -> None:
    nobody = {"type": "track", "event": "Nobody's", "messageId": "n1", "timestamp": "2026-11-20T09:00:00Z"}
    (folder / "events.jsonl").write_text(lines([*EVENTS, nobody, {**nobody, "messageId": "n2"}]) + "no event\n")
    result = run(*FAITHFUL, faithful.url)
    assert result.exit_code == 0, result.output
    assert (
        "Input events that rudderstack does not deliver, and that are not expected\n          2  rejected: "
        in result.stdout
    )
    assert "(first: line 55)" in result.stdout
    assert "- 1 line without an event: not compared, and listed below.\n" in result.stdout
    assert "Lines that are no events, compared nowhere\n          1  not JSON" in result.stdout
