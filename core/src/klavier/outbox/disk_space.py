"""Keep room on the disk for an SQLite outbox, so that one on a full disk can still be emptied.

To remove an entry SQLite has to write: the changed pages to its log, later the log back into the file.  So nothing is
appended that would leave too little room for that, and a reserve file, which is deleted when it is needed, keeps room
where other programs fill the disk.
"""

import contextlib
import os
import shutil
from pathlib import Path

from klavier.outbox.private_file import open_private

SMALL_RESERVE = 256 * 1024
"""Bytes of the reserve while there is no log to speak of.

Enough to settle thirty entries at once, each of which changes a page of the table and one of its index.
"""

LARGE_RESERVE = 6 * 1024 * 1024
"""Bytes of the reserve once there is a log to write back.

SQLite writes it back when it has about 4 MB (1,000 pages), and the file may grow by as much; the rest is for settling.
"""

LARGEST_PART = 20
"""The reserve takes at most one twentieth of a small disk."""

GROWTH = 3
"""Bytes on disk for each byte of payload: one in the log, one in the file, and the pages of the indexes."""


class DiskSpace:
    """The room that one outbox keeps; for an outbox in memory there is always room."""

    def __init__(self, path: Path | None) -> None:
        """Watch the disk of the outbox at `path`; None for one in memory."""
        self._path = path
        self._log = None if path is None else path.with_name(f"{path.name}-wal")
        self._reserve = None if path is None else path.with_name(f"{path.name}.reserve")
        self._kept = 0

    def prepare(self) -> None:
        """Make the reserve where it is missing and there is room for it."""
        with contextlib.suppress(OSError):
            self._keep(SMALL_RESERVE)

    def has_room(self, size: int) -> bool:
        """Return whether payloads of `size` bytes can be appended, and everything can be settled afterwards.

        Makes the reserve again where it was used and there is room for it now.
        """
        if self._log is None:
            return True
        log = _size(self._log)
        try:
            self._keep(LARGE_RESERVE if log > SMALL_RESERVE // 2 else SMALL_RESERVE)
            free = shutil.disk_usage(self._log.parent).free
        except OSError:
            return False
        return free >= log + GROWTH * size + SMALL_RESERVE

    def measure(self) -> tuple[int, int | None]:
        """Return the bytes of the file, its log and its reserve, and those that are free on the disk, None for none."""
        if self._path is None or self._log is None or self._reserve is None:
            return 0, None
        used = _size(self._path) + _size(self._log) + _size(self._reserve)
        try:
            return used, shutil.disk_usage(self._path.parent).free
        except OSError:
            return used, None

    def release(self) -> bool:
        """Delete the reserve, so that its room can be used; returns whether there was one."""
        self._kept = 0
        try:
            if self._reserve is not None:
                self._reserve.unlink()
        except OSError:
            return False
        return self._reserve is not None

    def _keep(self, wanted: int) -> None:
        """Make the reserve so large; raises `OSError` where there is no room for it."""
        reserve = self._reserve
        if reserve is None or (self._kept >= wanted and reserve.exists()):
            return
        size = min(wanted, shutil.disk_usage(reserve.parent).total // LARGEST_PART)
        if _size(reserve) < size:
            _allocate(reserve, size)
        self._kept = wanted


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _allocate(path: Path, size: int) -> None:
    """Allocate disk space for a whole file; leaves no file where there is no room."""
    try:
        file = open_private(str(path))
    except PermissionError:  # of another user, such as root, who ran `klavier status` while there was none
        path.unlink()
        file = open_private(str(path))
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        else:
            os.write(file, bytes(size))
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(file)
