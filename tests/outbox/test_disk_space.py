"""The room that an outbox keeps on its disk, against a disk whose free bytes a test sets."""

import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from klavier.outbox import disk_space
from klavier.outbox.disk_space import GROWTH, LARGE_RESERVE, SMALL_RESERVE, DiskSpace
from klavier.outbox.private_file import open_private

GIGABYTE = 10**9


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Disk:
    """What `shutil.disk_usage` returns."""

    def __init__(self) -> None:
        self.total, self.free = GIGABYTE, GIGABYTE

    def usage(self, _: object) -> Usage:
        if self.total < 0:
            raise OSError("no such disk")
        return Usage(self.total, self.total - self.free, self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(shutil, "disk_usage", found.usage)
    return found


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    (tmp_path / "out.db").write_bytes(bytes(1000))
    return tmp_path / "out.db"


def reserve(outbox: Path) -> int:
    path = outbox.with_name("out.db.reserve")
    return path.stat().st_size if path.exists() else 0


def write_log(outbox: Path, size: int) -> None:
    outbox.with_name("out.db-wal").write_bytes(bytes(size))


def test_an_outbox_in_memory_has_room_and_no_files() -> None:
    space = DiskSpace(None)
    space.prepare()
    assert space.has_room(10**15)
    assert space.measure() == (0, None)
    assert not space.release()


@pytest.mark.usefixtures("disk")
def test_the_reserve_is_small_until_there_is_a_log(outbox: Path) -> None:
    space = DiskSpace(outbox)
    space.prepare()
    assert reserve(outbox) == SMALL_RESERVE
    write_log(outbox, SMALL_RESERVE // 2)
    assert space.has_room(1)
    assert reserve(outbox) == SMALL_RESERVE
    write_log(outbox, SMALL_RESERVE // 2 + 1)
    assert space.has_room(1)
    assert reserve(outbox) == LARGE_RESERVE
    write_log(outbox, 0)
    assert space.has_room(1)
    assert reserve(outbox) == LARGE_RESERVE


def test_a_small_disk_has_a_small_reserve(disk: Disk, outbox: Path) -> None:
    disk.total = 20_000
    DiskSpace(outbox).prepare()
    assert reserve(outbox) == 1000


def test_there_is_room_for_what_can_be_written_back_and_settled(disk: Disk, outbox: Path) -> None:
    space = DiskSpace(outbox)
    write_log(outbox, 5000)
    disk.free = 5000 + GROWTH * 100 + SMALL_RESERVE
    assert space.has_room(100)
    assert not space.has_room(101)
    disk.free -= 1
    assert not space.has_room(100)
    disk.total = -1
    assert not space.has_room(0)


@pytest.mark.usefixtures("disk")
def test_a_reserve_that_was_used_is_made_again(outbox: Path) -> None:
    space = DiskSpace(outbox)
    space.prepare()
    assert space.release()
    assert reserve(outbox) == 0
    assert not space.release()
    assert space.has_room(1)
    assert reserve(outbox) == SMALL_RESERVE
    outbox.with_name("out.db.reserve").unlink()  # by a stranger
    assert space.has_room(1)
    assert reserve(outbox) == SMALL_RESERVE


@pytest.mark.usefixtures("disk")
def test_a_reserve_of_another_user_is_replaced(outbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root makes one that is missing when it looks at the outbox: nothing was accepted from then on."""

    def open_own(path: str) -> int:
        if Path(path).exists():
            raise PermissionError("Permission denied")
        return open_private(path)

    outbox.with_name("out.db.reserve").touch()
    monkeypatch.setattr(disk_space, "open_private", open_own)
    assert DiskSpace(outbox).has_room(1)
    assert reserve(outbox) == SMALL_RESERVE


def test_a_reserve_for_which_there_is_no_room_leaves_no_file(
    disk: Disk, outbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    space = DiskSpace(outbox)
    monkeypatch.setattr(os, "posix_fallocate", fail)
    space.prepare()
    assert not outbox.with_name("out.db.reserve").exists()
    assert not space.has_room(1)
    assert disk.free == GIGABYTE


def test_all_files_are_measured(disk: Disk, outbox: Path) -> None:
    space = DiskSpace(outbox)
    assert space.measure() == (1000, GIGABYTE)
    write_log(outbox, 50)
    space.prepare()
    assert space.measure() == (1050 + SMALL_RESERVE, GIGABYTE)
    disk.total = -1
    assert space.measure() == (1050 + SMALL_RESERVE, None)
