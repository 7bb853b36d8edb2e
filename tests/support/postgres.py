"""A PostgreSQL server of its own on a free port of this machine, for tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FOLDERS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def find_binaries() -> Path | None:
    """Return the folder with `initdb` and `postgres`; None where PostgreSQL is not installed."""
    found = shutil.which("initdb")
    folders = ([Path(found).resolve().parent] if found else []) + _FOLDERS
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Server:
    """A running server; `url` is the address of its database."""

    def __init__(self, binaries: Path, folder: Path, port: int) -> None:
        self._binaries = binaries
        self._folder = folder
        self.port = port
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._process: subprocess.Popen[Any] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        command: list[str | Path] = [
            self._binaries / "postgres",
            "-D",
            self._folder / "data",
            "-p",
            str(self.port),
            "-k",
            self._folder,
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- a fixed command
                [*command, "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=200"],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **_as_user(),
            )
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0 and self._is_ready():
                    return
            time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop the server with a signal: SIGINT ends connections, SIGQUIT does so without a checkpoint."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)

    def _is_ready(self) -> bool:
        command: list[str | Path] = [self._binaries / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603 -- a fixed command


@contextmanager
def postgres_server() -> Iterator[Server]:
    """Run a server of its own, in a temporary folder; it refuses to run as root, so root runs it as `postgres`."""
    binaries = find_binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="klavier-postgres-"))
    try:
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        subprocess.run(  # noqa: S603 -- a fixed command
            [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
            check=True,
            capture_output=True,
            **_as_user(),
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = Server(binaries, folder, port)
        server.start()
        try:
            yield server
        finally:
            server.stop(signal.SIGQUIT)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid}
