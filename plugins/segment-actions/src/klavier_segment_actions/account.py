"""The calls that Segment makes besides events: authentication test, lists, audiences and deletions.

Each method returns a generator that yields requests, is sent replies, and returns its result, or the `Outcome` of
what failed; flow drivers run it like any flow.
"""

from collections.abc import Callable, Generator
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier_segment_actions.actions.base import settle_reply
from klavier_segment_actions.actions.lists import read_first_id
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Fidelity

T = TypeVar("T")

MISMATCH = "Klaviyo returned another list, so the audience's list cannot be confirmed"


@frozen
class ListChoice:
    """A list of the account."""

    list_id: str
    name: str


def run(steps: Generator[Request, Response, T], send: Callable[[Request], Response]) -> T:
    """Run a method of `Account` to its result; `send` sends a request and returns the reply."""
    try:
        request = next(steps)
        while True:
            request = steps.send(send(request))
    except StopIteration as stop:
        result: T = stop.value
        return result


class Account:
    """The calls of an account, bound to a wire and a fidelity; `list_id` is the configured list of audiences."""

    def __init__(self, calls: Calls, fidelity: Fidelity, list_id: str | None = None) -> None:
        self.calls = calls
        self.fidelity = fidelity
        self.list_id = list_id

    def authentication_test(self) -> Generator[Request, Response, Outcome]:
        """Check the private key: GET /api/accounts."""
        return settle_reply((yield self.calls.get(self.calls.accounts)))

    def list_choices(self) -> Generator[Request, Response, list[ListChoice] | Outcome]:
        """Return the lists of the account: GET /api/lists, page by page."""
        found: list[ListChoice] = []
        request = self.calls.get(self.calls.list_choices)
        while True:
            reply = yield request
            if not reply.ok:
                return settle_reply(reply)
            found.extend(_choices(reply))
            cursor = _next_page(reply)
            if cursor is None or self.calls.native:  # Segment reads the first page only
                return found
            request = self.calls.get(self.calls.list_choices, {"page[cursor]": cursor})

    def create_audience(self, name: str) -> Generator[Request, Response, str | Outcome]:
        """Return the list id of a new audience: the configured list without any request, else POST /api/lists."""
        if self.list_id:
            return self.list_id
        if not name:
            return rejected("no name: pass the audience's name, or set list_id")
        reply = yield self.calls.create_list(name)
        if not reply.ok:
            return settle_reply(reply)
        return reply.data_id or failed("Klaviyo created the list but returned no id", reply.status)

    def get_audience(self, list_id: str) -> Generator[Request, Response, str | Outcome]:
        """Return the id of an audience's list, once Klaviyo confirms it: GET /api/lists/{id} must return that id.

        The configured `list_id` is read where there is one, else the list passed.
        """
        asked = self.list_id or list_id
        if not asked:
            return rejected("no list: pass the id of the audience's list, or set list_id")
        reply = yield self.calls.get_list(asked)
        if not reply.ok:
            return settle_reply(reply)
        return asked if reply.data_id == asked else rejected(MISMATCH)

    def connect_list(self, list_id: str = "", name: str = "") -> Generator[Request, Response, ListChoice | Outcome]:
        """Return the list to connect a mapping to: the existing one with `list_id`, else a new one named `name`.

        The result's `list_id` is the value for the mapping's setting `connected_list_id`.
        """
        if not list_id and not name:
            return rejected("no list: pass the id of an existing list, or the name of a new one")
        reply = yield self.calls.get_list(list_id) if list_id else self.calls.create_list(name)
        if not reply.ok:
            return settle_reply(reply)
        found = reply.data_id
        if found is None or (list_id and found != list_id):
            return rejected(MISMATCH)
        return ListChoice(found, _name(_data(reply)) or name)

    def delete_profile(self, user_id: str = "", email: str = "") -> Generator[Request, Response, Outcome]:
        """Request the deletion of a profile and all its data: POST /api/data-privacy-deletion-jobs.

        Documented fidelity identifies the profile by `email`, else looks it up by `user_id`, its external id.
        Deployed fidelity sends the user id as if it were Klaviyo's own profile id.
        """
        if not user_id and not email:
            return rejected("no profile: pass user_id or email")
        if self.fidelity.deletes_by_user_id:
            return settle_reply(
                (yield self._deletion({"id": user_id} if user_id else {"attributes": {"email": email}}))
            )
        if email:
            return settle_reply((yield self._deletion({"attributes": {"email": email}})))
        reply = yield self.calls.find_profiles("external_id", [user_id])
        if not reply.ok:
            return settle_reply(reply)
        found = read_first_id(reply)
        if found is None:
            return delivered(["no profile has this external id, so there is nothing to delete"])
        return settle_reply((yield self._deletion({"id": found, "attributes": {}})))

    def _deletion(self, profile: dict[str, Any]) -> Request:
        data = {"type": "profile", **profile}
        attributes = {"profile": {"data": data}}
        return self.calls.post(
            self.calls.deletions, {"data": {"type": "data-privacy-deletion-job", "attributes": attributes}}
        )


def _data(reply: Response) -> Any:
    return reply.json.get("data") if isinstance(reply.json, dict) else None


def _name(resource: Any) -> str:
    attributes = resource.get("attributes") if isinstance(resource, dict) else None
    name = attributes.get("name") if isinstance(attributes, dict) else None
    return name if isinstance(name, str) else ""


def _choices(reply: Response) -> list[ListChoice]:
    data = _data(reply)
    rows = data if isinstance(data, list) else []
    return [
        ListChoice(row["id"], _name(row)) for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)
    ]


def _next_page(reply: Response) -> str | None:
    """Return the cursor of the next page, which Klaviyo sends as a complete URL."""
    links = reply.json.get("links") if isinstance(reply.json, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    if not isinstance(following, str):
        return None
    query = dict(parse_qsl(urlsplit(following).query))
    return query.get("page[cursor]")
