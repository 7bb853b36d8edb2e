"""Read a request's body: compression, size, content type, JSON."""

import json
import zlib
from typing import Any

import orjson

from klavier.klaviyo.limits import BODY_BYTES, INTEGERS
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Incoming

_JSON_TYPES = ("application/vnd.api+json", "application/json")
_ALL_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def read_body(incoming: Incoming) -> bytes:
    """Return the body, decompressed; raises `RefusedError` 415 for an unknown encoding, 413 beyond 5 MB."""
    encoding = incoming.headers.get("content-encoding", "identity").lower()
    body = incoming.body
    if encoding == "gzip":
        body = _gunzip(body)
    elif encoding != "identity":
        raise RefusedError(415, "Unsupported Content-Encoding: send gzip, or no encoding.")
    if len(body) > BODY_BYTES:
        raise RefusedError(413, f"The body has more than {BODY_BYTES} bytes.")
    return body


def read_document(incoming: Incoming, body: bytes) -> Any:
    """Read a JSON body; raises `RefusedError`: 415 for another content type, 400 for what is not JSON."""
    kind = incoming.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in _JSON_TYPES:
        raise RefusedError(415, f"Unsupported Content-Type: send {_JSON_TYPES[0]}.")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError(400, "The body is not JSON.", pointer="/data") from None
    if _LONG_NUMBER in body.translate(_ALL_ZEROS):
        _refuse_huge_integers(body)
    return document


def _gunzip(body: bytes) -> bytes:
    """Decompress, at most one byte more than a body may have."""
    try:
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
        unpacked = unpacker.decompress(body, BODY_BYTES + 1)
    except zlib.error:
        raise RefusedError(400, "The body is not gzip, but Content-Encoding names gzip.") from None
    if not unpacker.eof and len(unpacked) <= BODY_BYTES:
        raise RefusedError(400, "The body is gzip without its end.")
    return unpacked


def _refuse_huge_integers(body: bytes) -> None:
    huge = False

    def look(digits: str) -> int:
        nonlocal huge
        huge = huge or len(digits) > 20 or int(digits) not in INTEGERS  # noqa: PLR2004 -- digits of 64 bits and a sign
        return 0

    json.loads(body, parse_int=look)
    if huge:
        raise RefusedError(400, "Invalid input: an integer beyond 64 bits.", pointer="/data")
