"""One call on its way through the sandbox: what came in, what goes out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import orjson
from attrs import define, field

from klavier.http.encoding import decode_body
from klavier.klaviyo.response import Response

if TYPE_CHECKING:
    from klavier.sandbox.account import Account
    from klavier.sandbox.rules import Rules


@define(repr=False, eq=False)
class Incoming:
    """A request as the HTTP layer sees it; header names are lower-case, `params` are unquoted."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@define(repr=False, eq=False)
class Reply:
    """An answer: a JSON `document`, or raw `content`, or nothing; `broken` says how the connection fails under it."""

    status: int
    document: Any = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(factory=dict)
    broken: Literal["", "none", "half"] = ""

    @property
    def body(self) -> bytes:
        """The bytes on the wire."""
        if self.content is not None:
            return self.content
        return b"" if self.document is None else orjson.dumps(self.document)

    def http_headers(self) -> dict[str, str]:
        """Give the headers on the wire, the content type among them where there is a body."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.document is not None and self.content is None:
            headers.setdefault("content-type", "application/vnd.api+json")
        return headers

    def response(self) -> Response:
        """Give what klavier's transport would make of the answer."""
        if self is ACCEPTED:
            return _ACCEPTED
        return Response(self.status, decode_body(self.body), self.http_headers())


ACCEPTED = Reply(202)
"""Klaviyo's usual yes to asynchronous work: 202 and an empty body."""

_ACCEPTED = Response(202)

NO_CONTENT = Reply(204)


@define(repr=False)
class Exchange:
    """All that an operation works with."""

    account: "Account"
    incoming: Incoming
    rules: "Rules"
    path_id: str
    now: float
    document: Any = None
    partial: set[str] = field(factory=set)
    """Fields that were dropped from an accepted call; they become the header X-Klaviyo-Partial-Failure."""

    @property
    def data(self) -> Any:
        """The `data` of a body whose shape was checked."""
        return self.document["data"]

    @property
    def attributes(self) -> Any:
        """The `data.attributes` of a body whose shape was checked."""
        return self.document["data"]["attributes"]
