"""Accepted events as gzip JSON lines, by source and hour."""

import errno
import gzip
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from klavier.errors import OutboxError
from klavier.gateway.intake import Message


class Archive:
    """Appends events to `FOLDER/SOURCE/2026-11-30/09.jsonl.gz`; each write is a gzip member of its own.

    An event that a sender repeats is there as often as it was accepted: readers compare message ids.
    """

    def __init__(self, folder: Path) -> None:
        """Write below `folder`, which is made where it is missing."""
        self._folder = folder

    def write(self, messages: Sequence[Message]) -> None:
        """Append events; raises `OutboxError` where the disk fails."""
        now = datetime.now(UTC)
        by_source: defaultdict[str, list[bytes]] = defaultdict(list)
        for message in messages:
            by_source[message.source].append(message.payload)
        try:
            for source, payloads in by_source.items():
                path = self._folder / source / f"{now:%Y-%m-%d}" / f"{now:%H}.jsonl.gz"
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _append(path, gzip.compress(b"\n".join(payloads) + b"\n", compresslevel=5))
        except OSError as error:
            raise OutboxError(f"the archive cannot be written: {error.strerror or type(error).__name__}") from None


def _append(path: Path, member: bytes) -> None:
    """Append a whole member; where the disk is full nothing of it, since nobody could read what follows a part."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(number, "ab", buffering=0) as file:  # noqa: PTH123 -- with a mode
        end = file.tell()
        if file.write(member) < len(member):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
