"""An event that kills or stalls whoever translates it becomes a dead letter after three times; all others arrive."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from klavier.outbox import SqliteOutbox
from tests.support.simulation import fill
from tests.support.waiting import LONG

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes as POSIX systems do")

ROOT = Path(__file__).parents[2]
BATCHES = [1, 20]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An outbox of sixty events, of which one is poisonous."""
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    names = ["Poison" if number == 25 else "Event" for number in range(60)]
    fill(outbox, ({"type": "track", "userId": f"u{n}", "event": name} for n, name in enumerate(names)))
    outbox.close()
    return tmp_path / "klavier.db"


def deliver(path: Path, way: str, seconds: float = 30.0, batch: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.poisoned", str(path), way, str(seconds), str(batch)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONG)  # noqa: S603 -- ours


@pytest.mark.parametrize("batch", BATCHES)
def test_an_event_that_killed_three_workers_becomes_a_dead_letter(path: Path, batch: int) -> None:
    for _ in range(3):
        assert deliver(path, "kill", batch=batch).returncode < 0
    last = deliver(path, "kill", batch=batch)
    assert last.returncode == 0, last.stderr
    outbox = SqliteOutbox(path)
    (letter,) = outbox.dead_letters()
    assert (letter.message_id, letter.kind) == ("m25", "failed")
    assert "3 times" in letter.reason
    assert outbox.status().waiting == 0


@pytest.mark.parametrize("way", ["stall", "stall in C"])
def test_a_translation_that_hangs_ends_the_process(path: Path, way: str) -> None:
    began = time.monotonic()
    ended = deliver(path, way, seconds=0.5)
    assert ended.returncode == 1
    assert 1.0 < time.monotonic() - began < 50
    assert "Timeout" in ended.stderr
    assert "poisoned.py" in ended.stderr
    assert "u25" not in ended.stderr
    outbox = SqliteOutbox(path)
    lease = outbox.acquire("test", 1.0)
    assert lease is not None
    assert lease.take_interrupted() == 1
    assert [entry.message_id for entry in outbox.read(0, 100) if entry.interrupted] == ["m25"]
