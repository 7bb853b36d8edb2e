"""The requests that a sandbox received."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from attrs import define


@define(repr=False)
class Call:
    """One request as it came in, and how it was answered (status 0: no reply was sent)."""

    method: str
    path: str
    params: Mapping[str, str]
    revision: str | None
    body: bytes
    status: int
    content_type: str = ""

    @property
    def json(self) -> Any:
        """The body read as JSON; None for one that is not."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def form(self) -> dict[str, str] | None:
        """The body read as a form; None for one that is not."""
        if not self.content_type.startswith("application/x-www-form-urlencoded"):
            return None
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def __repr__(self) -> str:
        """Show what was called and the answer, never a value: values are personal data."""
        return f"<Call {self.method} {self.path} -> {self.status}>"
