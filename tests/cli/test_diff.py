"""`klavier diff`: two sides, three forms, and exit codes that a script can ask."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

import klavier
from klavier.cli.progress import lines_with_progress
from klavier.plugins import installed_plugins
from klavier.streams.lines import read_lines
from tests.cli.conftest import Run
from tests.support.repository import ROOT

SAMPLES = (ROOT / "tests" / "comparison" / "samples" / "segment.jsonl").read_bytes()
EXPECTED = (ROOT / "tests" / "comparison" / "samples" / "classic-to-actions.txt").read_text("utf-8")
VENDORS = sorted(installed_plugins().vendors)
CLASSIC_TO_ACTIONS = ("--from", "segment-classic", "--to", "segment-actions")
SECRET = "pk_secret_one"  # noqa: S105 -- the key of the folder's configuration


@pytest.fixture(autouse=True)
def without_configuration(folder: Path) -> None:
    (folder / "klavier.toml").unlink()
    (folder / "events.jsonl").write_bytes(SAMPLES)


def test_segment_classic_to_segment_actions(run: Run, folder: Path) -> None:
    """The documents' samples: what is known to differ, and nothing that does not."""
    (folder / "classic.toml").write_text('list_id = "XUepkK"\n')
    result = run("diff", "events.jsonl", *CLASSIC_TO_ACTIONS, "--from-settings", "classic.toml")
    assert result.exit_code == 1
    assert result.stdout == EXPECTED


def test_the_same_settings_are_no_difference(run: Run) -> None:
    for vendor in VENDORS:
        result = run("diff", "events.jsonl", "--from", vendor, "--to", vendor)
        assert result.exit_code == 0, result.output
        assert f"6 events with {vendor} (from) and with {vendor} (to)\n- Nothing changes" in result.stdout


@pytest.mark.parametrize("left", VENDORS)
def test_every_pair_runs(run: Run, left: str) -> None:
    for right in VENDORS:
        if left != right:
            result = run("diff", "events.jsonl", "--from", left, "--to", right)
            assert (result.exit_code, result.stderr) == (1, "")
            assert result.stdout.startswith(f"6 events with {left} and with {right}\n")


@pytest.mark.parametrize("vendor", VENDORS)
def test_wires_result_in_the_same_account(run: Run, vendor: str) -> None:
    """Only the ids differ that the current wire adds, so that delivering twice is harmless."""
    result = run(
        "diff", "-", "--from", vendor, "--to", vendor, "--from-wire", "native", "--format", "json", stdin=SAMPLES
    )
    found = json.loads(result.stdout)
    assert (found["left"]["name"], found["right"]["name"]) == (f"{vendor} (native)", f"{vendor} (current)")
    rows = [(row["part"], row["kind"], row["name"]) for row in found["differences"]]
    assert [row for row in rows if row != ("event_fields", "only_right", "unique id")] == []


def test_fidelities_are_compared(run: Run) -> None:
    result = run(
        "diff", "events.jsonl", "--from", "segment-classic", "--to", "segment-classic", "--to-fidelity", "deployed"
    )
    assert "with segment-classic (documented) and with segment-classic (deployed)" in result.stdout


def test_the_configured_vendor_is_either_side(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "segment-classic"\n[vendors.segment-classic]\nlist_id = "XUepkK"\n')
    assert (
        "with segment-classic and with segment-actions\n"
        in run("diff", "-", "--to", "segment-actions", stdin=SAMPLES).stdout
    )
    (folder / "other.toml").write_text('list_id = "AnOther"\n')
    result = run("diff", "-", "--to-settings", "other.toml", stdin=SAMPLES)
    assert "with segment-classic and with segment-classic (other.toml)\n" in result.stdout
    assert "waits for confirmation on XUepkK" in result.stdout


def test_device_mode_compares(run: Run, folder: Path) -> None:
    (folder / "device.toml").write_text('connection_mode = "device"\n')
    vendor = ("--from", "segment-classic", "--to", "segment-classic", "--to-settings", "device.toml")
    result = run("diff", "events.jsonl", *vendor)
    assert "Placed Order → Order Completed" in result.stdout
    assert "POST /client/events" in result.stdout


def test_opt_in_decides_about_lists(run: Run, folder: Path) -> None:
    (folder / "classic.toml").write_text('list_id = "XUepkK"\n')
    asked = ("diff", "-", *CLASSIC_TO_ACTIONS, "--from-settings", "classic.toml")
    assert "List XUepkK: 1 fewer member." in run(*asked, "--opt-in", "single", stdin=SAMPLES).stdout
    assert "waits for confirmation on XUepkK" in run(*asked, stdin=SAMPLES).stdout


def test_profiles_and_values_are_shown_on_demand_only(run: Run) -> None:
    for form in ("table", "html"):
        asked = ("diff", "events.jsonl", *CLASSIC_TO_ACTIONS, "--format", form)
        assert "ada@sports.test" not in run(*asked).stdout
        assert "ada@sports.test" in run(*asked, "--values").stdout
    found = json.loads(run("diff", "events.jsonl", *CLASSIC_TO_ACTIONS, "--format", "json").stdout)
    assert ("email:ada@sports.test", "London", None) in [
        (case["person"], case["left"], case["right"]) for row in found["differences"] for case in row["cases"]
    ]


@pytest.mark.parametrize("form", ["table", "json", "html"])
def test_no_secret_is_shown_even_where_an_event_holds_it(run: Run, folder: Path, form: str) -> None:
    (folder / "klavier.toml").write_text(f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "{SECRET}"\n')
    event = {"type": "track", "userId": "u", "event": f"E {SECRET}", "properties": {SECRET: 1, "key": f"my {SECRET}"}}
    line = json.dumps(event | {"context": {"traits": {"email": "u@shop.test"}}}).encode()
    result = run("diff", "-", "--to", "segment-classic", "--format", form, "--values", stdin=line)
    assert SECRET not in result.output
    assert result.exit_code in (0, 1)


def test_lines_that_are_not_events_are_reported(run: Run) -> None:
    result = run("diff", "-", *CLASSIC_TO_ACTIONS, stdin=b"nonsense\n" + SAMPLES + b"more\n")
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "Lines that are no events, compared nowhere\n          2  not JSON: Expecting value (first: line 1)\n"
    )
    assert "(line 3)" in result.stdout  # the numbers are those of lines
    assert "- 2 lines without an event: not compared, and listed below.\n" in result.stdout
    same = run("diff", "-", "--from", "rudderstack", "--to", "rudderstack", stdin=b"nonsense\n" + SAMPLES)
    assert same.exit_code == 0
    _, headline, second = same.stdout.splitlines()[:3]
    assert headline.startswith("- Nothing changes")
    assert second == "- 1 line without an event: not compared, and listed below."


def test_wrong_use(run: Run, folder: Path) -> None:
    def complaint(*arguments: str, stdin: bytes = SAMPLES) -> str:
        result = run("diff", *arguments, stdin=stdin)
        assert result.exit_code == 2, result.output
        return result.stderr

    assert "no vendor: pass --from NAME" in complaint("-")
    assert "there is no such file" in complaint("nowhere.jsonl", *CLASSIC_TO_ACTIONS)
    assert "did you mean 'segment-actions'?" in complaint("-", "--from", "rudderstack", "--to", "segment-action")
    assert "-: no line of it is an event; line 1: not JSON" in complaint("-", *CLASSIC_TO_ACTIONS, stdin=b"nonsense\n")
    assert "vendors.little" in complaint("-", "--from", "little", "--to", "rudderstack", "--from-wire", "native")
    assert "there is no such folder" in complaint("-", *CLASSIC_TO_ACTIONS, "--output", "no/where.txt")
    (folder / "events.jsonl").write_bytes(SAMPLES)
    same = complaint("events.jsonl", *CLASSIC_TO_ACTIONS, "--output", "./events.jsonl")
    assert "events.jsonl: is an input file as well; pass another name to --output" in same
    assert (folder / "events.jsonl").read_bytes() == SAMPLES
    (folder / "bad.toml").write_text("list_idd = 'x'\n")
    assert "bad.toml: list_idd" in complaint("-", *CLASSIC_TO_ACTIONS, "--from-settings", "bad.toml")


def test_a_file_without_events_is_no_difference(run: Run) -> None:
    assert run("diff", "-", *CLASSIC_TO_ACTIONS, stdin=b"\n").exit_code == 0


@pytest.mark.parametrize("form", ["table", "json", "html"])
def test_output_goes_to_a_file(run: Run, folder: Path, form: str) -> None:
    asked = ("diff", "events.jsonl", *CLASSIC_TO_ACTIONS, "--format", form)
    result = run(*asked, "--output", "found.out")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(" differences, written to found.out\n")
    assert (folder / "found.out").read_text("utf-8") == run(*asked).stdout


def test_transformations_of_plugins_come_first(run: Run, folder: Path) -> None:
    plugin: Any = folder / "klavier_plugin.py"
    plugin.write_text(
        "import klavier\nfrom klavier.outcome import skipped\n@klavier.hookimpl\n"
        "def klavier_transform_event(event, vendor):\n"
        "    return skipped('no pages') if event.type == 'track' and vendor == 'rudderstack' else None\n"
    )
    (folder / "klavier.toml").write_text('vendor = "rudderstack"\n')
    result = run("diff", "events.jsonl", "--to", "segment-classic")
    assert "only segment-classic (skipped: no pages)" in result.stdout


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = list(read_lines(io.BytesIO(SAMPLES), "events.jsonl"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert list(lines_with_progress(lines, len(SAMPLES), "comparing")) == lines
    assert "comparing" in capsys.readouterr().err


def test_the_page_names_what_was_compared(run: Run, folder: Path) -> None:
    (folder / "classic.toml").write_text('list_id = "XUepkK"\nprivate_key = "pk_secret_one"\n')
    words = (*CLASSIC_TO_ACTIONS, "--from-settings", "classic.toml", "--opt-in", "single")
    run("diff", "events.jsonl", *words, "--format", "html", "--output", "page.html")
    text = (folder / "page.html").read_text("utf-8")
    about = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text))
    assert about.pop("made").endswith(f"UTC with klavier {klavier.__version__}")
    assert about == {
        "events": "events.jsonl, of 2024-03-01",
        "segment-classic": f"klavier-segment-classic {klavier.__version__}; list_id = &#34;XUepkK&#34;",
        "segment-actions": f"klavier-segment-actions {klavier.__version__}; default settings",
        "lists": "single opt-in in both accounts",
    }
    assert SECRET not in text


def test_consent_and_revenue_come_first(run: Run) -> None:
    lines = run("diff", "events.jsonl", *CLASSIC_TO_ACTIONS).output.splitlines()
    titles = [line for line in lines if line and not line.startswith((" ", "-"))]
    order = ["Values, times and ids of events", "Events and their metrics", "Event properties"]
    assert [title for title in titles if title in order] == order
    assert "value of Placed Order                      25.00                -" in lines
    assert "another value, which revenue reports add up: 30.00 instead of 47.00" in lines[1]


@pytest.mark.parametrize("form", ["text", "table"])
def test_the_table_is_text(run: Run, form: str) -> None:
    assert run("diff", "events.jsonl", *CLASSIC_TO_ACTIONS, "--format", form).output.startswith("6 events with")
