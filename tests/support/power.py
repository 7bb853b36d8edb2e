"""A disk that remembers in which order it was written and synced, to see what a power loss may leave of it."""

import random
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import apsw

SECTOR = 512
KEPT = ("-wal", "-journal", ".db")
"""The files that matter, the journal while a new file is made: the shared-memory index is made anew after a crash."""


class Step(NamedTuple):
    """One thing that happened: to a file (`write`, `truncate`, `sync`, `delete`), or in the program (others)."""

    what: str
    name: str = ""
    place: int = 0
    data: Any = b""


class Disk(apsw.VFS):
    """SQLite's own file system, with every write and sync noted in `steps`."""

    def __init__(self, name: str, *, synchronous: str = "FULL") -> None:
        super().__init__(name, "")
        self.name = name
        self._synchronous = synchronous
        self.steps: list[Step] = []

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802 -- SQLite's name for it
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: FBT001, N802 -- SQLite's name and arguments
        self.steps.append(Step("delete", Path(filename).name))
        super().xDelete(filename, syncdir)

    def connect(self, path: str, _timeout: float) -> sqlite3.Connection:
        """Open a file of this disk for an outbox; what it asks of `synchronous` is replaced by the disk's own."""
        bridge = _Bridge(apsw.Connection(path, vfs=self.name), self._synchronous)
        return cast("sqlite3.Connection", bridge)

    def note(self, what: str, data: object) -> None:
        """Note what the program knows at this moment."""
        self.steps.append(Step(what, data=data))


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._steps = disk.steps
        self._name = Path(name.filename() if isinstance(name, apsw.URIFilename) else name or "temporary").name
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802 -- SQLite's name for it
        self._steps.append(Step("write", self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802 -- SQLite's name for it
        self._steps.append(Step("truncate", self._name, size))
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802 -- SQLite's name for it
        super().xSync(flags)
        self._steps.append(Step("sync", self._name))


class _Bridge:
    """As much of Python's own connection as an outbox uses, over one of apsw's."""

    def __init__(self, connection: apsw.Connection, synchronous: str) -> None:
        self._connection = connection
        self._synchronous = synchronous
        connection.execute("PRAGMA wal_autocheckpoint = 25")  # often, so that power is lost in checkpoints too

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, sql: str, values: Any = ()) -> "_Cursor":
        sql = sql.replace("synchronous = FULL", f"synchronous = {self._synchronous}")
        before = self._connection.total_changes()
        rows = list(self._connection.execute(sql, values))
        return _Cursor(rows, self._connection.total_changes() - before)

    def executemany(self, sql: str, values: Iterable[tuple[Any, ...]]) -> "_Cursor":
        before = self._connection.total_changes()
        self._connection.executemany(sql, values)
        return _Cursor([], self._connection.total_changes() - before)

    def close(self) -> None:
        self._connection.close()


class _Cursor:
    def __init__(self, rows: list[tuple[Any, ...]], changed: int) -> None:
        self._rows = iter(rows)
        self.rowcount = changed

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(self._rows, None)

    def close(self) -> None:
        self._rows = iter(())

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows


class Platter:
    """What is on the disk for certain, and what may or may not have reached it."""

    def __init__(self) -> None:
        self.safe: dict[str, bytearray] = {}
        self.unsafe: dict[str, list[Step]] = defaultdict(list)

    def take(self, step: Step) -> None:
        """Go one step on."""
        if step.what == "sync":
            self._apply(self.safe.setdefault(step.name, bytearray()), self.unsafe.pop(step.name, []))
        elif step.what == "delete":
            self.safe.pop(step.name, None)
            self.unsafe.pop(step.name, None)
        elif step.name.endswith(KEPT):
            self.unsafe[step.name].append(step)

    def image(self, chance: float, rng: random.Random) -> dict[str, bytes]:
        """Return the files after the power is lost now; each write that was not synced is there with this chance.

        With a chance between 0 and 1 one that is there may be torn: only some of its sectors are.
        """
        files = {name: bytearray(content) for name, content in self.safe.items()}
        for name, steps in self.unsafe.items():
            kept = [_torn(step, chance, rng) for step in steps if rng.random() < chance]
            if kept or name in files:
                self._apply(files.setdefault(name, bytearray()), [step for part in kept for step in part])
        return {name: bytes(content) for name, content in files.items()}

    @staticmethod
    def _apply(content: bytearray, steps: list[Step]) -> None:
        for step in steps:
            if step.what == "truncate":
                del content[step.place :]
                continue
            content.extend(bytes(max(0, step.place - len(content))))
            content[step.place : step.place + len(step.data)] = step.data


def _torn(step: Step, chance: float, rng: random.Random) -> list[Step]:
    if step.what != "write" or chance in (0.0, 1.0) or rng.random() < 0.7:
        return [step]
    pieces = [(at, step.data[at : at + SECTOR]) for at in range(0, len(step.data), SECTOR)]
    return [Step("write", step.name, step.place + at, piece) for at, piece in pieces if rng.random() < 0.5]
