"""One call on its way through the sandbox: the request, the reply, and what an operation works with."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import orjson
from attrs import define, field, frozen

from klavier.http.encoding import decode_body
from klavier.klaviyo.response import Response
from klavier.sandbox.queries import NO_QUERY, Query, Selection

if TYPE_CHECKING:
    from klavier.sandbox.account import Account
    from klavier.sandbox.revisions import Rules
    from klavier.sandbox.schema import Check

KLAVIYO = "https://a.klaviyo.com"


@define(repr=False, eq=False)
class Incoming:
    """A request as the HTTP layer sees it.

    Header names are lower-case, `params` are unquoted; `base_url` is the server that was asked, for the links of the
    reply.  `repeated` is the name of a parameter that came more than once, empty without one.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base_url: str = KLAVIYO
    repeated: str = ""


def find_repeated(names: Iterable[str]) -> str:
    """Return the first name that comes a second time, or an empty string."""
    return next((name for name, count in Counter(names).items() if count > 1), "")


@define(repr=False, eq=False)
class Reply:
    """An answer: a JSON `document`, raw `content`, or nothing.

    `broken` is how the connection fails: before the reply (`none`) or in the middle of it (`half`).
    """

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
        """Return the headers on the wire, with the content type where there is a body."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.document is not None and self.content is None:
            headers.setdefault("content-type", "application/vnd.api+json")
        return headers

    def response(self) -> Response:
        """Return the response that klavier's transport makes of the answer."""
        if self is ACCEPTED:
            return _ACCEPTED
        return Response(self.status, decode_body(self.body), self.http_headers())


ACCEPTED = Reply(202)
"""Klaviyo's usual reply to asynchronous work: 202 and an empty body."""

_ACCEPTED = Response(202)

NO_CONTENT = Reply(204)


@define(repr=False)
class Exchange:
    """What an operation works with: the account, the request, the rules of its revision, its query and its body."""

    account: "Account"
    incoming: Incoming
    rules: "Rules"
    path_id: str
    now: float
    selection: Selection = field(factory=Selection)
    document: Any = None
    partial: set[str] = field(factory=set)
    """Fields that were dropped from an accepted call; they become the header X-Klaviyo-Partial-Failure."""

    @property
    def data(self) -> Any:
        """The `data` of a body that passed its check."""
        return self.document["data"]

    @property
    def attributes(self) -> Any:
        """The `data.attributes` of a body that passed its check."""
        return self.document["data"]["attributes"]

    def url(self, path: str) -> str:
        """Return the link to a path on the server that was asked, with the trailing slash of old revisions."""
        return f"{self.incoming.base_url}{path}{'' if self.rules.has('paths without a slash') else '/'}"


@frozen
class Served:
    """How the sandbox serves one operation: its handler, the schema of its body and the query that it accepts.

    `body` is None for an operation without a JSON:API body.
    """

    handle: Callable[[Exchange], Reply]
    body: "Callable[[Rules], Check] | None" = None
    query: Query = NO_QUERY
