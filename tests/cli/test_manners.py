"""How the command behaves whatever it is asked: help, unknown commands, pipes that close, interrupts, odd terminals."""

import signal
import sys
from pathlib import Path

import klavier
from tests.cli.conftest import Run, Start

EVENT = b'{"type": "track", "userId": "u1", "event": "Checked Out", "messageId": "m"}\n'


def test_help_lists_every_command_and_those_of_plugins(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("plan", "vendors", "hello"):
        assert f"\n  {name} " in result.stdout
    assert run("-h").stdout == result.stdout


def test_a_command_of_a_plugin_runs(run: Run) -> None:
    assert run("hello").stdout == "hello from a plugin\n"


def test_the_version(run: Run) -> None:
    assert run("--version").stdout == f"klavier {klavier.__version__}\n"


def test_an_unknown_command_is_wrong_use(run: Run) -> None:
    result = run("pln")
    assert result.exit_code == 2
    assert "No such command 'pln'." in result.stderr


def test_a_broken_plugin_is_warned_of_and_the_rest_works(run: Run, folder: Path) -> None:
    (folder / "klavier_plugin.py").write_text("1 / 0")
    (folder / "klavier.toml").write_text("")
    assert "plugin klavier_plugin.py: ZeroDivisionError: division by zero" in run("vendors").stdout
    assert run("--help").exit_code == 0
    planned = run("plan", "-", "--vendor", "nobody", stdin=EVENT)
    assert planned.exit_code == 2
    assert "warning: plugin klavier_plugin.py is set aside: plugin klavier_plugin.py: ZeroDivision" in planned.stderr


def test_a_reader_that_goes_away_ends_it_quietly(start: Start, folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(EVENT * 5000)
    for format_ in ("jsonl", "table"):
        process = start("plan", "events.jsonl", "--format", format_)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""


def test_an_interrupt_ends_it_without_a_traceback(start: Start) -> None:
    process = start("plan", "-", "--format", "jsonl")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(EVENT)
    process.stdin.flush()
    assert process.stdout.readline().startswith(b'{"source":"standard input","line":1,')
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr is not None
    assert process.stderr.read().decode().split() == ["stopped"]


def test_a_terminal_that_cannot_show_a_character_gets_its_escape(start: Start) -> None:
    line = '{"type": "track", "userId": "u1", "event": "Kauf → \\u001b[31m", "messageId": "m"}'.encode()
    process = start("plan", "-", env={"PYTHONIOENCODING": "latin-1", "PATH": str(Path(sys.executable).parent)})
    output, problems = process.communicate(line, timeout=60)
    assert b"track Kauf \\u2192 \\x1b[31m" in output
    assert problems == b""
