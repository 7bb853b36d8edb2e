"""A full disk refuses what is new, and everything that was accepted is delivered from it all the same."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from klavier.errors import OutboxFullError
from klavier.outbox import SqliteOutbox, disk_space
from tests.support import full_disk


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.mark.skipif(not full_disk.can_mount(), reason="this system mounts no disk for a program of its own")
@pytest.mark.parametrize("megabytes", [4, 24])
def test_a_disk_without_a_free_byte_is_emptied(tmp_path: Path, megabytes: int) -> None:
    refused, filled, delivered, recovered = full_disk.run(tmp_path, megabytes)
    assert "the disk is full" in refused["error"]
    assert refused["accepted"] > megabytes * 10
    assert filled["free"] == 0
    assert delivered == {
        "step": "delivered",
        "before": refused["accepted"],
        "refused": delivered["refused"],  # unless writing back the log has made room for one more
        "pending": 0,
        "delivered": refused["accepted"] + (not delivered["refused"]),
    }
    assert recovered["pending"] == 0


def test_the_last_room_is_kept_for_settling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    outbox.append([("m1", "k", b"{}")])
    real = shutil.disk_usage
    room: dict[str, int] = {"free": 400_000}

    def usage(path: Any) -> Usage:
        return Usage(real(path).total, 0, room["free"])

    monkeypatch.setattr(shutil, "disk_usage", usage)
    with pytest.raises(OutboxFullError, match="the disk is full; nothing was changed"):
        outbox.append([("m2", "k", b"x" * 100_000)])
    assert outbox.append([("m3", "k", b"x" * 10)]) == [True]
    room["free"] = 100_000
    with pytest.raises(OutboxFullError):
        outbox.append([("m4", "k", b"x")])
    assert "the disk is full" in outbox.status().problem
    outbox.settle([], [entry.seq for entry in outbox.read(0, 10)])
    room["free"] = 10_000_000
    assert outbox.status().problem == ""
    assert outbox.append([("m2", "k", b"x" * 100_000)]) == [True]
    outbox.close()


def test_a_reserve_that_was_used_is_made_again(tmp_path: Path) -> None:
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    reserve = tmp_path / "klavier.db.reserve"
    assert reserve.stat().st_size == disk_space.SMALL_RESERVE
    outbox._database.space.release()
    assert not reserve.exists()
    outbox.append([("m1", "k", b"x" * 200_000)])
    outbox.append([("m2", "k", b"x")])
    assert reserve.stat().st_size == disk_space.LARGE_RESERVE
    outbox.close()
