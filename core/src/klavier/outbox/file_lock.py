"""A file lock that the operating system releases when its process ends, however it ends."""

import contextlib
import os
import sys
from pathlib import Path

from klavier.outbox.private_file import open_private


class FileLock:
    """A lock on a file of its own; held by one object at a time, on one machine.

    Where the system or the file system has no such locks, or the file cannot be made, it is never held: callers need
    another way besides.
    """

    def __init__(self, path: str | None) -> None:
        """Lock the file at `path`, which is made when it is missing; None for a lock that nobody can hold."""
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Acquire the lock if it is free; returns whether this object holds it now.

        A lock on a file that was deleted since protects nothing: it is given up, and acquired on the file that is
        there now.
        """
        if self._file is not None and not _is_same(self._file, self._path):
            self.release()
        if self._file is None and self._path is not None:
            self._file = _locked(self._path)
        return self._file is not None

    @property
    def identity(self) -> str:
        """Which file is locked, by device and inode, however its name changes; empty while nothing is held."""
        if self._file is None:
            return ""
        found = os.fstat(self._file)
        return f"{found.st_dev}:{found.st_ino}"

    def release(self) -> None:
        """Release the lock; does nothing where it is not held."""
        if self._file is not None and sys.platform != "win32":
            import fcntl  # noqa: PLC0415 -- not on every system

            with contextlib.suppress(OSError):  # unlocked and not only closed: a forked child may have it open too
                fcntl.flock(self._file, fcntl.LOCK_UN)
        self.abandon()

    def abandon(self) -> None:
        """Close this process's end only: what a forked child does with a lock that its parent holds."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(path: str) -> int | None:
    """Open and lock a file; None where another process has it, or it cannot be locked."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 -- not on every system

    try:
        file = open_private(path)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    if not _is_same(file, path):  # deleted between opening and locking: another process may lock a new one
        os.close(file)
        return None
    return file


def _is_same(file: int, path: str | None) -> bool:
    """Return whether an open file is the one that has this path."""
    try:
        return path is not None and os.path.samestat(os.fstat(file), Path(path).stat())
    except OSError:
        return False
