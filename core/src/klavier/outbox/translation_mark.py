"""A mark in a file: which entries a worker is translating, so that an event which crashes it is detected.

The file is mapped into memory, so that marking costs a microsecond, and what is marked survives the end of the process,
however it ends.  It need not survive a power loss: an event that crashes a worker does so again.
"""

import contextlib
import mmap
import os
import struct
from collections.abc import Sequence
from pathlib import Path

from klavier.forking import ForkAware, register
from klavier.outbox.private_file import open_private

CAPACITY = 4095
"""How many positions the file has room for, 32 kB in all.

A worker translates fewer than 3,000 entries together: it takes up to 2,000 at once (twice `_STEP` of `klavier.worker`),
and does not cut the last run of up to 1,000 short. Of more than fit, the further ones would not be marked.
"""

_SIZE = 8 * (CAPACITY + 1)


class TranslationMark(ForkAware):
    """The file beside an outbox: the number of entries under translation, then their positions."""

    def __init__(self, path: str | None) -> None:
        """Use the file at `path`, which is made with the first mark; None for an outbox in memory, which needs none."""
        self._path = path
        self._map: mmap.mmap | None = None
        register(self)

    def write(self, seqs: Sequence[int]) -> None:
        """Mark these entries in place of those before; an empty sequence clears the mark."""
        if self._map is None and (self._path is None or not seqs or not self._open()):
            return
        if self._map is not None:
            marked = seqs[:CAPACITY]
            struct.pack_into(f"<{len(marked) + 1}q", self._map, 0, len(marked), *marked)

    def read(self) -> list[int]:
        """Return the positions that are marked."""
        if self._path is None or not Path(self._path).exists() or not self._open() or self._map is None:
            return []
        (count,) = struct.unpack_from("<q", self._map)
        return list(struct.unpack_from(f"<{count}q", self._map, 8)) if 0 < count <= CAPACITY else []

    def close(self) -> None:
        """Close the file; what is marked stays in it."""
        if self._map is not None:
            self._map.close()
            self._map = None

    def _open(self) -> bool:
        """Map the file; False where that is not possible: then crashes are not counted, and delivery goes on."""
        if self._map is not None or self._path is None:
            return self._map is not None
        with contextlib.suppress(OSError, ValueError):
            file = open_private(self._path)
            try:
                _allocate(file)
                self._map = mmap.mmap(file, _SIZE)
            finally:
                os.close(file)
        return self._map is not None

    def renew_after_fork(self) -> None:
        """Leave the parent's mark to the parent."""
        self.close()


def _allocate(file: int) -> None:
    """Allocate the whole file: writing to a page of the map for which there is no room ends the process."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, _SIZE)
    elif os.fstat(file).st_size < _SIZE:
        os.write(file, bytes(_SIZE))
