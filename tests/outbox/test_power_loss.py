"""Power losses between writes and syncs: whatever the disk has kept, no acknowledged event is missing.

`KLAVIER_POWER_LOSSES=100000` looks at so many images of the file.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest
from attrs import define, field

from klavier.outbox import DeadLetter, Entry, Settlement, SqliteOutbox
from tests.support.power import Disk, Platter, Step

IMAGES = int(os.environ.get("KLAVIER_POWER_LOSSES", "1000"))
CALLS = 400


@define
class Known:
    """What the program knew at an instant, by message id."""

    started: list[set[str]] = field(factory=list)
    accepted: set[str] = field(factory=set)
    ending: set[str] = field(factory=set)
    delivered: set[str] = field(factory=set)
    died: set[str] = field(factory=set)

    def take(self, step: Step) -> None:
        if step.what == "put":
            self.started.append(step.data)
        elif step.what in ("accepted", "ending", "delivered", "died"):
            getattr(self, step.what).update(step.data)


def work(disk: Disk, path: Path, rng: random.Random) -> None:
    """Put an outbox to work, and note before and after each call what is known."""
    outbox = SqliteOutbox(path, open_file=disk.connect)
    number = 0
    for _ in range(CALLS):
        if rng.random() < 0.6:
            rows = [
                (f"m{number + n}", f"k{n % 3}", b"x" * rng.choice([20, 300, 6000])) for n in range(rng.randint(1, 4))
            ]
            number += len(rows)
            disk.note("put", {row[0] for row in rows})
            outbox.append(rows, now=1.0)
            disk.note("accepted", {row[0] for row in rows})
            continue
        entries = outbox.read(0, rng.randint(1, 8))
        fates = [(entry, rng.choice(["delivered", "delivered", "died", "later"])) for entry in entries]
        disk.note("ending", {entry.message_id for entry, fate in fates if fate != "later"})
        outbox.settle(settled(entry, fate) for entry, fate in fates)
        for fate in ("delivered", "died"):
            disk.note(fate, {entry.message_id for entry, its in fates if its == fate})
    outbox.close()


def settled(entry: Entry, fate: str) -> Settlement:
    if fate == "later":
        return Settlement(entry, due=9.0, tries=entry.tries + 1, first_try=1.0)
    letter = DeadLetter(entry.seq, entry.message_id, entry.key, entry.payload, 1.0, 2.0, 1, "failed", 400, "bad")
    return Settlement(entry, dead_letter=letter if fate == "died" else None)


def check(folder: Path, files: dict[str, bytes], known: Known) -> None:
    """Open what the power loss left, and compare it with what the program knew."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    outbox = SqliteOutbox(folder / "klavier.db")
    with outbox._database.use() as connection:
        connection.execute("PRAGMA synchronous = OFF")  # the image is looked at once and thrown away
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    waiting = {entry.message_id for entry in outbox.read(0, 10**6)}
    dead = {letter.message_id for letter in outbox.dead_letters(limit=10**6)}
    outbox.close()
    assert known.accepted - known.ending <= waiting
    assert waiting.isdisjoint(known.delivered | known.died)
    assert known.died <= dead
    assert waiting | dead | known.ending >= known.accepted
    for batch in known.started:  # all of a call or none of it
        assert batch <= waiting | dead | known.ending or batch.isdisjoint(waiting | dead | known.ending)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """Return a folder in memory where there is one: thousands of files are made in it, one after the other."""
    memory = Path("/dev/shm")  # noqa: S108 -- a folder of our own is made in it
    folder = Path(mkdtemp(dir=memory if os.access(memory, os.W_OK) else tmp_path))
    yield folder
    shutil.rmtree(folder)


def lose_power(disk: Disk, scratch: Path, rng: random.Random, images: int) -> None:
    """Look at images of the disk at random instants, in the order of time."""
    instants = sorted(rng.choices(range(len(disk.steps)), k=images))
    platter, known, at = Platter(), Known(), 0
    for number, instant in enumerate(instants):
        for step in disk.steps[at:instant]:
            platter.take(step)
            known.take(step)
        at = instant
        check(scratch, platter.image([0.0, 1.0, 0.5, 0.9][number % 4], rng), known)
        for file in scratch.iterdir():
            file.unlink()


def test_no_power_loss_takes_an_acknowledged_event(tmp_path: Path, scratch: Path) -> None:
    rng = random.Random(20261015)  # noqa: S311 -- repeatable, not a secret
    disk = Disk("klavier-test-disk")
    work(disk, tmp_path / "klavier.db", rng)
    assert sum(step.what == "sync" for step in disk.steps) > CALLS  # a commit each, and checkpoints
    lose_power(disk, scratch, rng, IMAGES)


def test_a_weaker_setting_of_the_file_would_be_noticed(tmp_path: Path, scratch: Path) -> None:
    rng = random.Random(1)  # noqa: S311 -- repeatable, not a secret
    disk = Disk("klavier-lax-disk", synchronous="NORMAL")
    work(disk, tmp_path / "klavier.db", rng)
    with pytest.raises(AssertionError):
        lose_power(disk, scratch, rng, 200)
