"""An outbox whose file is deleted or replaced while it is open goes on with the file that is at its path."""

import logging
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from klavier.errors import LeaseLostError
from klavier.outbox import Settlement, SqliteOutbox


def entry(name: str) -> tuple[str, str, bytes]:
    return (name, f"user:{name}", b"{}")


def delete(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def waiting(path: Path) -> list[str]:
    with closing(SqliteOutbox(path)) as other:
        return [found.message_id for found in other.read(0, 10)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "klavier.db"


def test_what_is_accepted_after_a_deletion_is_in_the_new_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(SqliteOutbox(path)) as outbox:
        outbox.append([entry("one")])
        delete(path)
        outbox.append([entry("two")])
        assert waiting(path) == ["two"]
        assert [found.message_id for found in outbox.read(0, 10)] == ["two"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", f"outbox {path}: the file was deleted or replaced; what waited in it is not delivered")
    ]


def test_a_file_that_took_its_place_is_read(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "klavier.db"
    other.parent.mkdir()
    with closing(SqliteOutbox(other)) as made:
        made.append([entry("three")])
    with closing(SqliteOutbox(path)) as outbox:
        outbox.append([entry("one")])
        delete(path)
        shutil.copy(other, path)
        assert [found.message_id for found in outbox.read(0, 10)] == ["three"]


def test_a_lease_of_the_file_before_settles_nothing(path: Path) -> None:
    """Whatever its number: the new file counts from the beginning."""
    with closing(SqliteOutbox(path)) as outbox, closing(SqliteOutbox(path)) as accepting:
        lease = outbox.acquire("a", 15.0)
        assert lease is not None
        outbox.append([entry("one")])
        delete(path)
        accepting.append([entry("two")])
        with closing(SqliteOutbox(path)) as other:
            assert other.acquire("b", 15.0) is not None
            (found,) = outbox.read(0, 10)
            with pytest.raises(LeaseLostError):
                lease.settle([Settlement(found)])
            assert not lease.renew(b"")
            lease.release()
            assert other.acquire("c", 15.0) is None  # b still has it
            assert waiting(path) == ["two"]


def test_another_working_directory_is_no_other_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(tmp_path)
    with closing(SqliteOutbox(path.name)) as outbox:
        monkeypatch.chdir(elsewhere)
        outbox.append([entry("one")])
        assert outbox.acquire("a", 15.0) is not None
    assert waiting(path) == ["one"]
    assert not list(elsewhere.iterdir())
    assert not caplog.records
