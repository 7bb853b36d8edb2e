"""A folder with a configuration, a plugin file and some events, and ways to run the command in it."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from klavier.cli.app import app
from tests.support import little_vendor

Run = Callable[..., Result]
Start = Callable[..., "subprocess.Popen[bytes]"]


ANNOUNCED = b"note: loading the plugin file klavier_plugin.py\n"


def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run the command in this process; that the vendor's plugin file is loaded goes without saying."""
    result = CliRunner().invoke(app, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    result.stderr_bytes = result.stderr_bytes.replace(ANNOUNCED, b"")
    result.output_bytes = result.output_bytes.replace(ANNOUNCED, b"")
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with the little vendor as its plugin file and nothing in the environment."""
    source = Path(str(little_vendor.__file__)).read_text("utf-8")
    (tmp_path / "klavier_plugin.py").write_text(source, "utf-8")
    (tmp_path / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\n')
    monkeypatch.chdir(tmp_path)
    keys = ("KLAVIYO_PRIVATE_API_KEY", "KLAVIYO_PUBLIC_API_KEY", "KLAVIYO_ACCESS_TOKEN")
    for name in (*keys, "KLAVIER_CONFIG", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:  # noqa: ARG001 -- it runs in that folder
    """Run the command in this process: `run("plan", "events.jsonl").output`."""

    return invoke


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start the command as its own process, as a user does; it is ended with the test."""
    started: list[subprocess.Popen[bytes]] = []
    # A shell lets what it runs in the background ignore Ctrl-C, and that is inherited; a user's terminal does not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def begin(*arguments: str, **options: Any) -> "subprocess.Popen[bytes]":
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        process = subprocess.Popen([sys.executable, "-m", "klavier", *arguments], cwd=folder, **pipes)  # noqa: S603 -- our own command
        started.append(process)
        return process

    yield begin
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.communicate()
