"""A journal of what was read from an account, in a file, so that a later run need not read it again.

It holds personal data: whoever opens the file makes it private.
"""

import hashlib
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from klavier.errors import UsageError
from klavier.klaviyo.request import Request

_VERSION = 1
_REMEDY = "delete that file to read everything anew"


class Journal:
    """The replies to requests, each on a line of a file that is open for reading and writing."""

    def __init__(self, file: BinaryIO, name: str, identity: Mapping[str, str]) -> None:
        """Read what an earlier run wrote, or begin anew in an empty file.

        `identity` names what the replies depend on, such as the account's address. Raises `UsageError` for a file that
        belongs to another one, or is no journal.
        """
        self._file = file
        self._places: dict[str, int] = {}
        file.seek(0)
        head = file.readline()
        if not head:
            self._write({"version": _VERSION, **identity})
            return
        _check_head(head, name, identity)
        self._index()

    def __len__(self) -> int:
        """Count the replies that are known."""
        return len(self._places)

    def find(self, request: Request) -> Any:
        """Return the document that answered a request; None for one that was not made."""
        place = self._places.get(_digest(request))
        if place is None:
            return None
        self._file.seek(place)
        return orjson.loads(self._file.readline())["document"]

    def add(self, request: Request, document: Any) -> None:
        """Record a reply."""
        digest = _digest(request)
        self._places[digest] = self._write({"request": digest, "document": document})

    def _write(self, content: Any) -> int:
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))
        self._file.flush()
        return place

    def _index(self) -> None:
        """Find the places of the replies; a last line that is incomplete is removed."""
        place = self._file.tell()
        for line in self._file:
            try:
                self._places[orjson.loads(line)["request"]] = place
            except (orjson.JSONDecodeError, KeyError, TypeError):
                break
            place += len(line)
        self._file.truncate(place)


def _check_head(head: bytes, name: str, identity: Mapping[str, str]) -> None:
    """Raise `UsageError` for a file that cannot be continued."""
    try:
        found = orjson.loads(head)
        if found["version"] != _VERSION:
            raise ValueError("another version")  # noqa: TRY301 -- handled like a damaged file
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise UsageError(f"{name}: not a progress file of klavier verify, or damaged; {_REMEDY}") from None
    for what, now in identity.items():
        if found.get(what) != now:
            raise UsageError(f"{name}: belongs to another {what} ({found.get(what)}); {_REMEDY}")


def _digest(request: Request) -> str:
    content = orjson.dumps([request.path, dict(request.params or {})], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(content).hexdigest()[:32]
