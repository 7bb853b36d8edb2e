"""The README's ten minutes, word for word but for the ports: an event, a page of differences, a verified account."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.servers import free_port
from tests.support.waiting import LONG

PORTS = {"8765": "klavier sandbox", "8080": "klavier serve"}


def blocks() -> list[str]:
    """Return the commands of the section, in the order of the page."""
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.split("## Ten minutes with your own SDK")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


class Shell:
    """A shell with our klavier in its path, and ports of its own in place of the README's."""

    def __init__(self, folder: Path) -> None:
        self.ports = {port: str(free_port()) for port in PORTS}
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KLAVI")}
        environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
        self.folder = folder
        self.process = subprocess.Popen(
            ["bash"],  # noqa: S607 -- whichever bash the reader has
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that what it starts in the background can be ended with it
        )

    def run(self, block: str) -> str:
        """Run the commands of a block, and return what they print."""
        for port, command in PORTS.items():
            block = re.sub(rf"{command}(?= >)", f"{command} --port {self.ports[port]}", block)
            block = block.replace(f"127.0.0.1:{port}", f"127.0.0.1:{self.ports[port]}")
        block = block.replace(". .venv/bin/activate\n", "")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{block}\necho; echo END OF BLOCK\n")
        self.process.stdin.flush()
        printed = []
        while (line := self.process.stdout.readline()) not in ("END OF BLOCK\n", ""):
            printed.append(line)
        return "".join(printed)

    def wait_for(self, port: str, path: str) -> None:
        """Wait until a server answers, as a reader does who types the next command."""
        deadline = time.monotonic() + LONG
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.ports[port]}{path}", timeout=LONG).close()
            except OSError:
                assert time.monotonic() < deadline, f"nothing answers at {path}"
                time.sleep(0.05)
            else:
                return

    def summary(self) -> str:
        url = f"http://127.0.0.1:{self.ports['8765']}/_sandbox/summary"
        with urllib.request.urlopen(url, timeout=LONG) as reply:
            return str(reply.read().decode())


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    found = Shell(tmp_path)
    yield found
    os.killpg(found.process.pid, signal.SIGTERM)
    found.process.kill()
    found.process.communicate()


def test_the_readme_leads_from_nothing_to_a_verified_account(shell: Shell) -> None:
    start, send, look = blocks()
    assert "klavier.toml: written and checked" in shell.run(start)
    shell.wait_for("8765", "/_sandbox/summary")
    shell.wait_for("8080", "/healthz")
    assert '"success":true' in shell.run(send).replace(" ", "")
    deadline = time.monotonic() + LONG
    while "Order Completed  1" not in shell.summary():
        assert time.monotonic() < deadline, shell.summary()
        time.sleep(0.05)
    printed = shell.run(look)
    assert "written to difference.html" in printed
    assert "- 100 % of" in printed, printed
    assert "Placed Order" in (shell.folder / "difference.html").read_text("utf-8")
