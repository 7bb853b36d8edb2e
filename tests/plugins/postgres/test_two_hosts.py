"""Two hosts share an outbox in PostgreSQL: killed, stopped, cut off, with a server that restarts, they lose nothing.

`KLAVIER_HOST_ROUNDS=20` goes through as many rounds; each prints how long the other host took to take over.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import klavier
from klavier.sandbox.server import SandboxServer
from klavier_postgres.outbox import PostgresOutbox
from tests.support.postgres import Server
from tests.support.repository import ROOT
from tests.support.waiting import LONG

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("KLAVIER_HOST_ROUNDS", "1"))
CONFIG = """
vendor = "rudderstack"
[klaviyo]
private_api_key = "pk_sandbox"
base_url = "{sandbox}"
[delivery]
outbox = "{outbox}"
[vendors.rudderstack]
api_version = "v2"
"""


class Network:
    """A way to the server that can be cut: bytes in both directions are then held back, and no connection ends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_open = threading.Event()
        self._is_open.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._is_open.clear()

    def mend(self) -> None:
        self._is_open.set()

    def close(self) -> None:
        self.mend()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._port))
                except OSError:  # the server restarts
                    client.close()
                    continue
                threading.Thread(target=self._connect, args=(client, server), daemon=True).start()

    def _connect(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
            back.start()
            self._copy(client, server)
            back.join()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._is_open.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Host:
    """One host: the numbers that it acknowledged, over all lives of its process."""

    def __init__(self, name: str, config: Path, network: Network) -> None:
        self.name = name
        self.network = network
        self.acknowledged: set[str] = set()
        self._config = config
        self._life = 0
        self.start()

    def start(self) -> None:
        """Begin a life, with profiles of its own."""
        self._life += 1
        name = f"{self.name}{self._life}"
        command = [sys.executable, "-m", "tests.support.host", str(self._config), name]
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 -- our own program
        self._reader = threading.Thread(target=self._read, args=(self.process, name), daemon=True)
        self._reader.start()

    def end(self) -> None:
        """Let the host flush and end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(LONG) == 0
        self._reader.join(LONG)

    def kill(self) -> None:
        self.process.kill()
        self._reader.join(LONG)
        with self.process:
            pass

    def _read(self, process: "subprocess.Popen[bytes]", name: str) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"ok "):
                self.acknowledged.add(f"{name}-{int(line[3:])}")


@pytest.fixture
def outbox(server: Server, schema: str) -> Iterator[PostgresOutbox]:
    opened = PostgresOutbox(server.url, "test", schema)
    yield opened
    opened.close()


@pytest.fixture
def sandbox() -> klavier.Sandbox:
    return klavier.Sandbox()


@pytest.fixture
def hosts(server: Server, schema: str, sandbox: klavier.Sandbox, tmp_path: Path) -> Iterator[list[Host]]:
    """Run two hosts, each with a network of its own to the database."""
    started: list[Host] = []
    with SandboxServer(sandbox) as running:
        for name in "ab":
            network = Network(server.port)
            config = tmp_path / f"{name}.toml"
            address = f"postgresql://postgres@127.0.0.1:{network.port}/postgres?schema={schema}"
            config.write_text(CONFIG.format(sandbox=running.url, outbox=address))
            started.append(Host(name, config, network))
        yield started
        for host in started:
            host.kill()
            host.network.close()


def wait_for(is_true: Callable[[], bool], what: str) -> float:
    """Return the seconds until something is true."""
    began = time.monotonic()
    while not is_true():
        assert time.monotonic() - began < LONG, what
        time.sleep(0.01)
    return time.monotonic() - began


def holder(outbox: PostgresOutbox, hosts: list[Host]) -> Host | None:
    """Return the host that delivers."""
    with suppress(klavier.OutboxError):
        found = outbox._leases.holder()
        name = found.name if found else ""
        return next((host for host in hosts if f"-{host.process.pid}-" in name), None)
    return None


def take_over(outbox: PostgresOutbox, hosts: list[Host], how: str, server: Server) -> float:
    """Take the delivering host away; returns how long it takes until the other one delivers."""
    wait_for(lambda: holder(outbox, hosts) is not None, "nobody delivers")
    lost = holder(outbox, hosts)
    assert lost is not None
    other = next(host for host in hosts if host is not lost)
    match how:
        case "kill":
            lost.kill()
        case "stop":
            lost.process.send_signal(signal.SIGSTOP)
        case "cut":
            lost.network.cut()
        case "restart":
            server.stop(signal.SIGQUIT)
            server.start()
            return wait_for(lambda: holder(outbox, hosts) is not None, "nobody delivers after the restart")
    seconds = wait_for(lambda: holder(outbox, hosts) is other, f"nobody took over after {how}")
    if how == "kill":
        lost.start()
    lost.process.send_signal(signal.SIGCONT)
    lost.network.mend()
    return seconds


def check(sandbox: klavier.Sandbox, acknowledged: set[str]) -> None:
    """Check that every acknowledged event arrived, none twice, and each profile's in their order."""
    events = sandbox.state()["events"]
    ids = [event["unique_id"] for event in events]
    assert acknowledged <= set(ids)
    assert len(ids) == len(set(ids))
    numbers: dict[str, list[int]] = defaultdict(list)
    for event in events:
        numbers[event["profile"]].append(event["properties"]["n"])
    assert all(found == sorted(found) for found in numbers.values())


def test_nothing_is_lost_doubled_or_out_of_order(
    server: Server, outbox: PostgresOutbox, hosts: list[Host], sandbox: klavier.Sandbox
) -> None:
    rng = random.Random(20)  # noqa: S311 -- repeatable
    for _ in range(ROUNDS):
        for how in rng.sample(["kill", "stop", "cut", "restart"], 4):
            counts = [len(host.acknowledged) for host in hosts]
            wait_for(lambda: all(len(h.acknowledged) > n for h, n in zip(hosts, counts, strict=True)), "a host is idle")  # noqa: B023 -- called at once
            print(f"{how}: taken over in {take_over(outbox, hosts, how, server):.2f} s", flush=True)  # noqa: T201 -- shown with -s
    for host in hosts:
        host.end()
    check(sandbox, hosts[0].acknowledged | hosts[1].acknowledged)
    assert outbox.status().waiting == 0
