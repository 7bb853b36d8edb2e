"""A relay at the end of a process, in a forked one, and while other threads close it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import klavier
from tests.support.waiting import LONG

START = """
import atexit, os, sys, threading, time, warnings
import klavier

sandbox = klavier.Sandbox(private_api_key=None)
delivery = {"outbox": sys.argv[1]}
config = {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_end"}, "delivery": delivery}
relay = klavier.open(config, transport=sandbox.transport())
"""


def run(folder: Path, program: str) -> tuple[str, str]:
    """Run a program to its end; returns what it printed, and what it reported."""
    command = [sys.executable, "-c", START + program, str(folder / "klavier.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONG, check=False)  # noqa: S603 -- our own command
    return done.stdout, done.stderr


def test_a_close_by_atexit_delivers_what_waits(tmp_path: Path) -> None:
    program = """
atexit.register(lambda: print(relay.close(timeout=10).delivered))
relay.track("Signed Up", user_id="u1")
"""
    assert run(tmp_path, program) == ("1\n", "")


@pytest.mark.parametrize("warm", ["", "relay.track('First', user_id='u1'); relay.flush()"])
def test_calls_while_modules_are_torn_down_end_at_once(tmp_path: Path, warm: str) -> None:
    program = f"""
{warm}
class Late:
    relay, clock, write = relay, time.monotonic, os.write

    def __del__(self):
        began = self.clock()
        accepted = self.relay.track("Late", user_id="u1")
        pending = self.relay.close().pending
        self.write(1, f"{{accepted}} {{pending}} {{self.clock() - began < 20}}\\n".encode())

late = Late()
"""
    assert run(tmp_path, program) == ("True 1 True\n", "")


def test_what_sends_is_imported_before_a_thread_or_fork(tmp_path: Path) -> None:
    """A process that is forked while a thread imports a module can never import it: the child delivered nothing."""
    program = """
print("klavier.http.transport" in sys.modules)
with klavier.open({**config, "delivery": {"outbox": "memory"}}):
    print("httpx_aiohttp" in sys.modules)
"""
    assert run(tmp_path, program) == ("True\nTrue\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_process_that_is_forked_right_after_the_first_event_delivers(tmp_path: Path) -> None:
    program = """
warnings.simplefilter("ignore", DeprecationWarning)  # since 3.12 Python warns of any fork beside threads
relay.track("Parent", user_id="u1")
if os.fork():
    os._exit(0)  # the child takes over
relay.track("Child", user_id="u1")
relay.flush(20)
print(relay.close().pending)
"""
    assert run(tmp_path, program) == ("0\n", "")


def test_an_event_is_accepted_where_no_thread_can_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    with klavier.open(config(tmp_path), transport=httpx.MockTransport(lambda _: httpx.Response(202))) as relay:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert relay.track("Late", user_id="u1") is True
        assert relay.close() == klavier.Counts(pending=1)


def test_threads_that_close_together_all_get_the_counts(tmp_path: Path) -> None:
    def answer_late(_: httpx.Request) -> httpx.Response:
        time.sleep(0.05)
        return httpx.Response(202)

    relay = klavier.open(config(tmp_path), transport=httpx.MockTransport(answer_late))
    for number in range(20):
        relay.track("Signed Up", user_id=f"u{number}")
    ended: list[Any] = []

    def flush() -> None:
        try:
            relay.flush(LONG)
        except klavier.KlavierError as error:
            ended.append(type(error))

    def close(timeout: float) -> None:
        try:
            ended.append(relay.close(timeout))
        except klavier.KlavierError as error:
            ended.append(type(error))

    threads = [threading.Thread(target=close, args=(LONG,)), threading.Thread(target=flush)]
    for thread in threads:
        thread.start()
    close(0)
    for thread in threads:
        thread.join()
    counts = relay.close()
    assert ended.count(counts) >= 2
    assert set(ended) <= {counts, klavier.RelayClosedError}


def config(folder: Path) -> dict[str, Any]:
    outbox = {"outbox": str(folder / "klavier.db")}
    return {"vendor": "rudderstack", "klaviyo": {"private_api_key": "pk_end"}, "delivery": outbox}
