"""A lock that the operating system takes back when its process ends, however it ends."""

import contextlib
import os
import sys


class FileLock:
    """A lock on a file of its own; held by one opener at a time, on one machine.

    Where the system or the file system knows no such locks it is never held: callers need another way besides.
    """

    def __init__(self, path: str | None) -> None:
        """Lock the file at `path`, which is made when it is missing; None for a lock that nobody can hold."""
        self._path = path
        self._file: int | None = None

    def acquire(self) -> bool:
        """Take the lock if it is free; gives whether it is held by this object now."""
        if self._file is None and self._path is not None:
            self._file = _locked(self._path)
        return self._file is not None

    def release(self) -> None:
        """Give the lock back; does nothing where it is not held."""
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
    """Open and lock a file; None where somebody else holds it, or it cannot be locked."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 -- not on every system

    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return None
    return file
