"""One call of Klaviyo's API, before it is sent."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import orjson
from attrs import define, field

_SMALL = 3000
"""Bytes up to which a body is copied to where it takes no more room than it needs."""


def compact(text: bytes) -> bytes:
    """Copy a small text that orjson wrote: it leaves each in 4 KB of memory, 40 MB for ten thousand under way."""
    # Formatting copies in a quarter of the time that a memoryview takes.
    return b"%b" % text if len(text) < _SMALL else text


def quoted(part: str) -> str:
    """Quote one segment of a path, such as an id; segments of dots, which would climb the path, are quoted too."""
    return quote(part, safe="").replace(".", "%2E") if not part.strip(".") else quote(part, safe="")


@define(repr=False)  # nobody changes it; frozen it would take twice as long to make, and every event has one
class Request:
    """One Klaviyo API call: what to send, not how.

    `path` is absolute and quoted (`/api/events`), `params` are query parameters as plain strings, unquoted.
    At most one of `json` (a JSON document) and `form` (string pairs) is the body.
    `revision` is the value of the revision header, None for the legacy v1 and v2 calls.
    No secret is in it: the transport adds the Authorization header.  (The legacy calls carry `token` and `api_key` by
    their own design.)
    """

    method: str
    path: str
    params: Mapping[str, str] | None = None
    json: Any = None
    form: Mapping[str, str] | None = None
    revision: str | None = None
    _body: bytes | None = field(default=None, init=False, eq=False)

    @property
    def body(self) -> bytes:
        """The JSON body as UTF-8, serialized once; empty where there is none."""
        # By hand, since this is asked for in every delivery and a cached_property takes a lock in Python 3.11.
        body = self._body
        if body is None:
            written = b"" if self.json is None else orjson.dumps(self.json)
            body = self._body = compact(written)
        return body

    def __repr__(self) -> str:
        """Show method, path, revision and sizes: never a value, since values are personal data."""
        parts = [f"{self.method} {self.path}"]
        if self.revision is not None:
            parts.append(f"revision={self.revision}")
        if self.params:
            parts.append(f"params={sorted(self.params)}")
        if self.form is not None:
            parts.append(f"form={sorted(self.form)}")
        if self.json is not None:
            parts.append(f"json={len(self.body)} bytes")
        return f"<Request {' '.join(parts)}>"
