"""Read the bodies of requests: decompressed within a bound, and parsed."""

import json
import zlib
from typing import Any

from attrs import define

from klavier.errors import EventError
from klavier.strictjson import Repeated, read_marked

_GZIP = b"\x1f\x8b"
_AUTO_HEADER = zlib.MAX_WBITS | 32
"""Makes zlib read both its own and gzip's header."""
_MOST_MEMBERS = 100
"""Members of a gzip body: libraries write one, some a member for each buffer. Each costs a copy of what follows it."""


LARGE = 500_000
"""Bytes of a request that SDKs send at most, as Segment's API limits it."""

MOST_LARGE_BYTES = 100_000_000
"""Bytes beyond `LARGE` of all requests that are being received. Anyone may begin 2,000 requests of `max_body` bytes,
8 GB in all, before their keys are known."""


@define(eq=False)
class Refusal(Exception):  # noqa: N818 -- no error of ours: it becomes the reply
    """A request that is refused: the status, a code for programs and a message for people, without its content.

    `cause` is what the log says in place of the message. `source` is whose events they are, empty where that was not
    found out; `events` is how many, 1 where they were not read.
    """

    status: int
    code: str
    message: str
    retry_after: int | None = None
    cause: str = ""
    source: str = ""
    events: int = 1


class LargeBodies:
    """Bounds the memory of requests that are being received; those that are no larger than SDKs' are never refused."""

    def __init__(self) -> None:
        self._bytes = 0

    def grow(self, before: int, after: int) -> None:
        """Count that a body has grown; raises `Refusal` (429) where there are too many large ones."""
        grown = max(0, after - LARGE) - max(0, before - LARGE)
        if grown > 0 and self._bytes + grown > MOST_LARGE_BYTES:
            raise Refusal(429, "overloaded", "too many large requests are being received; send it again later", 1)
        self._bytes += grown

    def shrink(self, size: int) -> None:
        """Count that a body of this size was read."""
        self._bytes -= max(0, size - LARGE)


def read_json(text: bytes) -> Any:
    """Return the JSON value of a body; raises `Refusal` (400) for no JSON, and for an object with a key twice.

    What else is not exact fails one event, not the whole batch: each event is checked.
    """
    try:
        body = read_marked(text)
    except EventError:
        raise Refusal(400, "invalid_json", "the body is not JSON, nor JSON as gzip or deflate") from None
    if isinstance(body, Repeated):
        raise Refusal(400, "invalid_json", "the object that the body holds has the same key twice; keep one of them")
    return body


def first_element(text: bytes) -> bytes:
    """Return the text of the first element of a JSON array, or the whole text of any other value."""
    written = text.decode("utf-8", "replace").strip()
    if not written.startswith("["):
        return written.encode()
    start = len(written) - len(written[1:].lstrip())
    try:
        _, end = json.JSONDecoder().raw_decode(written, start)
    except (ValueError, RecursionError):
        return written.encode()
    return written[start:end].encode()


def decompress(raw: bytes, content_encoding: str, limit: int) -> bytes:
    """Return the text of a body of at most `limit` bytes, before and after decompression.

    RudderStack's Node SDK sends gzip as a form, browsers send JSON as text/plain: the content type says nothing, the
    encoding header and the first bytes do. Raises `Refusal`: 413 for a body that is too large, 400 for a broken one.
    """
    text = _decompress(raw, content_encoding.strip().lower(), limit)
    if len(text) > limit:
        raise Refusal(413, "too_large", f"the request is larger than {limit} bytes")
    return text


def _decompress(raw: bytes, encoding: str, limit: int) -> bytes:
    if encoding not in ("gzip", "x-gzip", "deflate") and not raw.startswith(_GZIP):
        return raw
    try:
        return _read_members(raw, limit)
    except zlib.error:
        if raw[:1] in (b"{", b"["):  # a proxy has decompressed the body and kept the header
            return raw
        raise Refusal(400, "invalid_encoding", "the body cannot be decompressed") from None


def _read_members(raw: bytes, limit: int) -> bytes:
    """Return the text of all members of a body, more than `limit` bytes where there are so many; zeros may follow.

    Raises `zlib.error` for what is no compressed text, `Refusal` where the end is missing or there are many members.
    """
    text = b""
    for _ in range(_MOST_MEMBERS):
        decoder = zlib.decompressobj(_AUTO_HEADER)
        text += decoder.decompress(raw, limit + 1 - len(text))
        if len(text) > limit:
            return text
        if not decoder.eof:
            raise Refusal(400, "invalid_encoding", "the compressed body is cut off")
        raw = decoder.unused_data.lstrip(b"\0")
        if not raw:
            return text
    raise Refusal(400, "invalid_encoding", f"the compressed body has more than {_MOST_MEMBERS} members")
