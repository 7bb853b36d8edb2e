"""What all commands have in common: formats, verbosity, colors, completion, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from klavier.cli.app import COMMANDS, app
from klavier.cli.json_output import escape_controls
from klavier.streams import run as stream_run
from tests.cli.conftest import Run, Start
from tests.support.waiting import LONG

EVENT = b'{"type": "track", "userId": "u1", "event": "Checked Out", "messageId": "m"}\n'
PAGE = b'{"type": "page", "userId": "u1"}\n'


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_takes_quiet_and_verbose_after_its_name(name: str, run: Run) -> None:
    assert run(name, "-q", "-v", "--help").exit_code == 0
    text = run(name, "--help").stdout
    assert "-q, --quiet" in text
    assert "-v, --verbose" in text


@pytest.mark.parametrize("words", [["plan", "-"], ["doctor", "--offline"], ["vendors"], ["vendors", "little"]])
def test_data_is_printed_as_text_or_json(words: list[str], run: Run) -> None:
    assert run(*words, "--format", "text", stdin=EVENT).stdout == run(*words, stdin=EVENT).stdout
    found = run(*words, "--format", "json", stdin=EVENT).stdout
    values = [json.loads(found)] if words[0] == "vendors" else [json.loads(line) for line in found.splitlines()]
    assert values
    assert all(isinstance(value, dict) for value in values)
    # The names of before go on working.
    for name in ("jsonl", "table"):
        assert run(*words, "--format", name, stdin=EVENT).exit_code == 0


@pytest.mark.parametrize("words", [["diff", "-", "--from", "little", "--to", "little"], ["schema"]])
def test_a_hyphen_as_output_is_standard_output(words: list[str], run: Run, folder: Path) -> None:
    assert run(*words, "--output", "-", stdin=EVENT).stdout == run(*words, stdin=EVENT).stdout != ""
    assert not (folder / "-").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["send", "-", "--rejects", "-"],
        ["init", "--vendor", "little", "--output", "-"],
        ["migrate", "--from", "little", "--to", "rudderstack", "--output", "new.toml", "--page", "-"],
    ],
    ids=lambda words: words[0],
)
def test_no_file_gets_the_name_of_a_hyphen(words: list[str], run: Run, folder: Path) -> None:
    result = run(*words, stdin=EVENT)
    assert (result.exit_code, (folder / "-").exists()) == (2, False)
    assert "pass the name of a file" in result.stderr


def test_quiet_prints_no_notes(run: Run) -> None:
    for words in (["-q", "plan", "-"], ["plan", "-", "--quiet"]):
        assert run(*words, stdin=EVENT).stderr_bytes == b""


@pytest.mark.parametrize("arguments", [["send", "--dry-run"], ["plan"]])
def test_a_dry_run_of_send_is_a_plan(arguments: list[str], run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"')  # no key is needed
    (folder / "events.jsonl").write_bytes(EVENT + b"nonsense\n")
    result = run(*arguments, "events.jsonl")
    assert result.exit_code == 1
    assert "          POST /api/events\n" in result.stdout
    assert result.stdout.endswith("nothing was sent.\n")
    found = run(*arguments, "events.jsonl", "--format", "json").stdout.splitlines()
    assert json.loads(found[0])["requests"][0]["path"] == "/api/events"


def test_plan_may_show_only_the_counts_or_the_first_events(run: Run) -> None:
    content = EVENT * 5 + b"nonsense\n"
    result = run("plan", "-", "--summary", stdin=content)
    assert result.stdout.startswith("6 events, 5 requests\n  delivered         5\n")
    data = json.loads(run("plan", "-", "--summary", "--format", "json", stdin=content).stdout)
    assert (data["events"], data["requests"], data["outcomes"]["delivered"]) == (6, 5, 5)
    assert data["causes"]["rejected"][0]["first"] == "standard input line 6"
    result = run("plan", "-", "--limit", "2", stdin=content)
    assert (result.exit_code, "2 events, 2 requests\n" in result.stdout) == (0, True)


@pytest.mark.parametrize("words", [["plan", "-"], ["plan", "-", "--format", "json"], ["send", "-"], ["probe", "-"]])
def test_a_run_in_which_everything_was_skipped_says_why_and_exits_with_1(words: list[str], run: Run) -> None:
    result = run(*words, stdin=PAGE if words[0] == "probe" else PAGE * 3)
    assert result.exit_code == 1
    if words[0] == "probe":
        assert result.stdout.splitlines()[-1] == "skipped: page calls have no meaning here"
    elif "json" not in words:
        assert result.output.splitlines()[-1] == (
            "nothing was delivered: all 3 events skipped, most of them since page calls have no meaning here"
        )


def test_no_events_are_no_failure(run: Run) -> None:
    assert run("plan", "-", stdin=b"").exit_code == 0


@pytest.mark.parametrize(
    ("variables", "colored"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colors_may_be_forced_and_forbidden(variables: dict[str, str], *, colored: bool, start: Start) -> None:
    environ = {**os.environ, **variables}
    output, _ = start("plan", "-", env=environ).communicate(EVENT, timeout=LONG)
    assert (b"\x1b[32mdelivered" in output) == colored
    output, _ = start("doctor", "--offline", env=environ).communicate(timeout=LONG)
    assert (b"\x1b[32mok" in output) == colored


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str, run: Run) -> None:
    script = run("completion", shell).stdout
    assert "_KLAVIER_COMPLETE" in script
    assert f"{shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("klavier pl", "plain,plan"),
        ("klavier plan --form", "plain,--format"),
        ("klavier plan --vendor rudd", "plain,rudderstack"),
        ("klavier plan eve", "file,eve"),
        ("klavier dead ex", "plain,export"),
    ],
)
def test_commands_options_vendors_and_files_are_completed(words: str, wanted: str) -> None:
    environ = {**os.environ, "_KLAVIER_COMPLETE": "bash_complete", "COMP_WORDS": words}
    environ["COMP_CWORD"] = str(len(words.split()) - 1)
    run = subprocess.run([sys.executable, "-m", "klavier"], env=environ, capture_output=True, text=True, check=False)
    assert wanted in run.stdout.splitlines()


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="there is no bash here")
def test_bash_reads_the_script(run: Run, folder: Path) -> None:
    (folder / "script").write_text(run("completion", "bash").stdout)
    subprocess.run(["/bin/bash", "-n", "script"], cwd=folder, check=True)


HOSTILE = "Buy\x1b[31m\x07 \u202eevil\u2066\x9b2J"
CONTROLS = "\x1b\x07\x9b\u202e\u2066"


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "-"],
        ["plan", "-", "--bodies"],
        ["plan", "-", "--format", "json"],
        ["send", "-", "--format", "json"],
        ["demo", "events.jsonl"],
        ["probe", "-"],
        ["plan", "-", "--config", "hostile.toml"],
        ["doctor", "--config", "hostile.toml"],
        ["plan", "-", "--vendor", HOSTILE],
        [f"plan{HOSTILE}"],
        ["plan", f"{HOSTILE}.jsonl"],
    ],
    ids=lambda words: " ".join(words).encode("unicode_escape").decode(),
)
def test_text_from_outside_never_controls_the_terminal(
    words: list[str], run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_run, "FIRST_DELAY", 0.001)  # nothing listens at the address
    event = json.dumps({"type": "track", "userId": HOSTILE, "event": HOSTILE, "properties": {HOSTILE: HOSTILE}})
    (folder / "events.jsonl").write_text(event)
    (folder / "hostile.toml").write_text(f'vendor = "little"\n{json.dumps(HOSTILE)} = 1\n[klaviyo]\nbase_url = "x"\n')
    (folder / "klavier.toml").write_text(
        'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\nbase_url = "http://127.0.0.1:9"\n'
    )
    result = run(*words, stdin=event.encode())
    assert not set(CONTROLS) & set(result.output)
    assert HOSTILE not in result.output


def test_escaped_json_is_the_same_json() -> None:
    text = json.dumps({"a": HOSTILE + "é\x7f\u2028"}, ensure_ascii=False).encode()
    escaped = escape_controls(text)
    assert json.loads(escaped) == json.loads(text)
    assert escape_controls(b'{"a": "b"}') == b'{"a": "b"}'


def test_the_group_has_no_command_without_a_line() -> None:
    assert all(COMMANDS.values())
    assert app.name == "app"
