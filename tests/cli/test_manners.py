"""How the command behaves whatever it is asked: help, unknown commands, pipes that close, interrupts, odd terminals."""

import re
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

import klavier
from klavier.cli.app import app
from klavier.cli.extras import find_command, listed_commands
from tests.cli.conftest import ANNOUNCED, Run, Start
from tests.support.waiting import LONG

EVENT = b'{"type": "track", "userId": "u1", "event": "Checked Out", "messageId": "m"}\n'


def test_help_lists_every_command_and_those_of_plugins(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in ("plan", "vendors", "hello"):
        assert f"\n  {name} " in result.stdout
    assert run("-h").stdout == result.stdout


def test_help_imports_little(tmp_path: Path) -> None:
    """What it must not wait for: terminal output, HTTP, settings, and plugins that add no command."""
    heavy = ("rich", "httpx", "aiohttp", "cattrs", "pluggy", "orjson", "klavier_rudderstack", "klavier.cli.plan")
    code = (
        "import sys; from klavier.cli import app, extras; found = extras.entry_points; "
        "extras.entry_points = lambda **_: [point for point in found(**_) if point.name == 'rudderstack']; "
        "app.app(['--help'], standalone_mode=False); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 -- our own code
    assert run.stdout.splitlines()[-1] == "[]"


def test_help_does_not_wait_for_the_vendors_of_plugins_that_add_commands(tmp_path: Path) -> None:
    heavy = ("rich", "httpx", "aiohttp", "attr", "cattrs", "orjson", "liquid", "phonenumbers", "klavier.config.load")
    vendors = ("klavier_rudderstack", "klavier_segment_actions.vendor", "klavier_segment_actions.rows")
    code = (
        "import sys; from klavier.cli import app; app.app(['--help'], standalone_mode=False); "
        f"print([name for name in {(*heavy, *vendors)!r} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)  # noqa: S603 -- our own code
    assert "\n  rows " in run.stdout
    assert run.stdout.splitlines()[-1] == "[]"


def test_commands_of_installed_plugins_are_listed_without_importing_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "with_command.py").write_text(
        "import click, klavier\n@klavier.hookimpl\ndef klavier_commands(group):\n"
        "    group.add_command(click.Command('greet', help='Greet.'))\n"
    )
    (package / "without.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    points = [
        EntryPoint(name, f"some_package.{name}" if name != "gone" else "no_such_package.x", "klavier")
        for name in ("with_command", "without", "gone")
    ]
    monkeypatch.setattr("klavier.cli.extras.entry_points", lambda **_: points)
    monkeypatch.setattr("klavier.plugins.entry_points", lambda **_: points)
    context = click.Context(app)
    assert list(listed_commands(context)) == ["greet"]
    assert find_command(context, "greet") is not None
    assert find_command(context, "without") is None


def test_a_command_of_a_plugin_runs(run: Run) -> None:
    assert run("hello").stdout == "hello from a plugin\n"


def test_the_version(run: Run) -> None:
    assert run("--version").stdout == f"klavier {klavier.__version__}\n"


def test_warnings_and_errors_of_the_log_are_printed_and_all_of_it_if_wanted(start: Start) -> None:
    event = b'{"type": "track", "userId": "u1", "event": "Explode"}\n'
    for before, after, words in (
        ([], [], b"error: a flow raised RuntimeError at "),
        (["--verbose"], [], b"ERROR klavier.flows: a flow raised RuntimeError at "),
        ([], ["-v"], b"ERROR klavier.flows: a flow raised RuntimeError at "),
    ):
        output, log = start(*before, "plan", "-", *after).communicate(event * 3, timeout=LONG)
        assert b"because the vendor raised RuntimeError" in output
        assert words in log
        assert b"someone@example.com" not in output + log
        # What comes again and again is printed once, unless everything is wanted.
        assert log.count(b"a flow raised RuntimeError") == (3 if [*before, *after] else 1)


def test_an_unknown_command_or_option_is_wrong_use_and_the_closest_is_named(run: Run) -> None:
    result = run("pln")
    assert result.exit_code == 2
    assert "No such command 'pln'. Did you mean 'plan'?" in result.stderr
    result = run("plan", "--formt", "json")
    assert result.exit_code == 2
    assert re.search(r"Did you mean '?--format'?\?", result.stderr)  # with quotes since click 8.4


def test_a_broken_plugin_is_warned_of_and_the_rest_works(run: Run, folder: Path) -> None:
    (folder / "klavier_plugin.py").write_text("1 / 0")
    (folder / "klavier.toml").write_text("")
    assert "broken  klavier_plugin.py: ZeroDivisionError: division by zero" in run("vendors").stdout
    assert run("--help").exit_code == 0
    planned = run("plan", "-", "--vendor", "nobody", stdin=EVENT)
    assert planned.exit_code == 2
    assert "warning: plugin klavier_plugin.py was not loaded: ZeroDivision" in planned.stderr


def test_a_closed_pipe_ends_it_without_an_error(start: Start, folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(EVENT * 5000)
    for format_ in ("jsonl", "table"):
        process = start("plan", "events.jsonl", "--format", format_)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == ANNOUNCED


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
    assert process.stderr.read().replace(ANNOUNCED, b"").split() == [b"stopped"]


def test_a_terminal_that_cannot_show_a_character_gets_its_escape(start: Start) -> None:
    line = '{"type": "track", "userId": "u1", "event": "Kauf → \\u001b[31m", "messageId": "m"}'.encode()
    process = start("plan", "-", env={"PYTHONIOENCODING": "latin-1", "PATH": str(Path(sys.executable).parent)})
    output, problems = process.communicate(line, timeout=LONG)
    assert b"track Kauf \\u2192 \\x1b[31m" in output
    assert problems == ANNOUNCED
