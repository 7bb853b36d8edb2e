"""The command on a terminal of its own: a pseudo-terminal that a test types into and looks at."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.support.waiting import LONG

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Runs `klavier ARGUMENTS` in a folder; standard input and error are the terminal, and by default output too."""

    def __init__(
        self, arguments: Sequence[str], folder: Path, *, columns: int = 100, stdin: bytes | None = None
    ) -> None:
        self.raw = ""
        """All that was written, with its control sequences."""
        self._mine, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        environ = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")} | {
            "TERM": "xterm-256color"
        }
        self._process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-m", "klavier", *arguments],
            cwd=folder,
            stdin=theirs if stdin is None else subprocess.PIPE,
            stdout=theirs,
            stderr=theirs,
            env=environ,
            close_fds=True,
            start_new_session=True,
        )
        os.close(theirs)
        if stdin is not None:
            assert self._process.stdin is not None
            self._process.stdin.write(stdin)
            self._process.stdin.close()

    @property
    def text(self) -> str:
        """What was written, without control sequences."""
        return _CONTROL.sub("", self.raw).replace("\r\n", "\n")

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._mine, text.encode())

    def wait_for(self, text: str) -> None:
        """Read until a text was written; fails after a minute, or when the program ends without it."""
        deadline = time.monotonic() + LONG
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.text!r}"
            assert self._read(0.2) or self._process.poll() is None or text in self.text, self.text

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Read to the end; gives the exit code."""
        deadline = time.monotonic() + LONG
        while self._process.poll() is None:
            self._read(0.2)
            assert time.monotonic() < deadline, f"it did not end: {self.text!r}"
        while self._read(0.0):
            pass
        return self._process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._mine], [], [], seconds)
        if not ready:
            return False
        try:
            found = os.read(self._mine, 65536)
        except OSError:  # the other end is closed: the program has ended
            return False
        self.raw += found.decode("utf-8", "replace")
        return bool(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._mine)
