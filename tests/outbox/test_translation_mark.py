"""The mark of the entries under translation, and the lock of the lease, as files by themselves."""

import os
import struct
from pathlib import Path

import pytest

from klavier.outbox.file_lock import FileLock
from klavier.outbox.translation_mark import CAPACITY, TranslationMark


def test_the_last_mark_is_read_until_it_is_cleared(tmp_path: Path) -> None:
    path = tmp_path / "mark"
    mark, other = TranslationMark(str(path)), TranslationMark(str(path))
    mark.write(())
    assert not path.exists()
    assert other.read() == []
    assert not path.exists()
    mark.write((5, 6, 7))
    mark.write((9, 2**40))
    assert other.read() == [9, 2**40]
    other.close()
    mark.close()
    mark.close()
    assert TranslationMark(str(path)).read() == [9, 2**40]
    mark.write(())  # a mark that was closed is not opened to be cleared
    assert other.read() == [9, 2**40]
    mark.write((1,))
    mark.write(())
    assert other.read() == []
    mark.close()
    other.close()


def test_no_more_are_marked_than_fit(tmp_path: Path) -> None:
    mark = TranslationMark(str(tmp_path / "mark"))
    mark.write(range(CAPACITY + 1))
    assert mark.read() == list(range(CAPACITY))
    assert (tmp_path / "mark").stat().st_size == 8 * (CAPACITY + 1)
    mark.close()


@pytest.mark.parametrize("count", [-1, 0, CAPACITY + 1])
def test_a_count_that_is_none_is_read_as_no_mark(tmp_path: Path, count: int) -> None:
    path = tmp_path / "mark"
    path.write_bytes(struct.pack("<q", count) + bytes(8 * CAPACITY))
    mark = TranslationMark(str(path))
    assert mark.read() == []
    mark.close()


def test_where_there_can_be_no_file_nothing_is_marked(tmp_path: Path) -> None:
    for mark in (TranslationMark(None), TranslationMark(str(tmp_path / "none" / "mark"))):
        mark.write((1,))
        assert mark.read() == []
        mark.close()
    (tmp_path / "folder").mkdir()
    assert TranslationMark(str(tmp_path / "folder")).read() == []


def test_one_object_holds_the_lock_until_it_releases_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    one, two = FileLock(path), FileLock(path)
    assert one.identity == ""
    assert one.acquire()
    assert one.acquire()
    found = Path(path).stat()
    assert one.identity == f"{found.st_dev}:{found.st_ino}"
    assert not two.acquire()
    assert two.identity == ""
    two.release()
    one.release()
    one.release()
    assert one.identity == ""
    assert two.acquire()
    two.release()


def test_a_lock_is_acquired_on_the_file_that_is_there_now(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    one, two = FileLock(str(path)), FileLock(str(path))
    assert one.acquire()
    before = one.identity
    path.rename(tmp_path / "elsewhere")
    assert two.acquire()
    assert not one.acquire()
    two.release()
    assert one.acquire()
    assert one.identity != before
    one.release()


def test_a_lock_without_a_file_is_never_held(tmp_path: Path) -> None:
    assert not FileLock(None).acquire()
    assert not FileLock(str(tmp_path / "none" / "lock")).acquire()


def test_a_lock_that_is_abandoned_stays_with_the_process_that_shares_it(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    parent, child, other = FileLock(path), FileLock(path), FileLock(path)
    assert parent.acquire()
    assert parent._file is not None
    child._file = os.dup(parent._file)  # as after a fork
    child.abandon()
    assert child.identity == ""
    assert not other.acquire()
    child._file = os.dup(parent._file)
    parent.release()  # though the child has it open
    assert other.acquire()
    child.abandon()
    other.release()
