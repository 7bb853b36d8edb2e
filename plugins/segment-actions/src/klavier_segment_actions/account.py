"""What Segment does with an account besides events: its lists, audiences, deletions and the test of the key.

Each function gives a generator that yields requests, is sent replies and returns what it found, or the `Outcome` of
what went wrong; `klavier.flows` and tests drive it like any flow.
"""

from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from attrs import frozen

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier_segment_actions.actions.base import outcome_of
from klavier_segment_actions.actions.lists import first_id
from klavier_segment_actions.calls import Calls
from klavier_segment_actions.fidelity import Differences

MISMATCH = "the reply is about another list, so the audience's list cannot be confirmed"


@frozen
class ListChoice:
    """A list to choose from."""

    list_id: str
    name: str


class Account:
    """The calls about an account, bound to a wire and a fidelity."""

    def __init__(self, calls: Calls, rules: Differences, list_id: str | None = None) -> None:
        self.calls = calls
        self.rules = rules
        self.list_id = list_id

    def authentication_test(self) -> Generator[Request, Response, Outcome]:
        """Ask whether the key works: GET /api/accounts."""
        return outcome_of((yield self.calls.get(self.calls.accounts)))

    def list_choices(self) -> Generator[Request, Response, list[ListChoice] | Outcome]:
        """Give the lists to choose a `list_id` from: GET /api/lists, page by page."""
        found: list[ListChoice] = []
        request = self.calls.get(self.calls.list_choices)
        while True:
            reply = yield request
            if not reply.ok:
                return outcome_of(reply)
            found.extend(_choices(reply))
            cursor = _next_page(reply)
            if cursor is None or self.calls.native:  # Segment shows the first page
                return found
            request = self.calls.get(self.calls.list_choices, {"page[cursor]": cursor})

    def create_audience(self, name: str) -> Generator[Request, Response, str | Outcome]:
        """Give the id of the list of a new audience: the configured list without any request, else POST /api/lists."""
        if self.list_id:
            return self.list_id
        if not name:
            return rejected("the audience needs a name; give one, or set list_id")
        reply = yield self.calls.create_list(name)
        if not reply.ok:
            return outcome_of(reply)
        return reply.data_id or failed("Klaviyo created the list but gave no id", reply.status)

    def get_audience(self, list_id: str) -> Generator[Request, Response, str | Outcome]:
        """Give the id of an audience's list after asking for it: GET /api/lists/{id} must echo it."""
        reply = yield self.calls.get_list(self.list_id or list_id)
        if not reply.ok:
            return outcome_of(reply)
        return list_id if reply.data_id == list_id else rejected(MISMATCH)

    def connect_list(self, list_id: str = "", name: str = "") -> Generator[Request, Response, ListChoice | Outcome]:
        """Give the list to connect a mapping to: the existing one with an id, else a new one with a name.

        The result's `list_id` is what the mapping's setting `connected_list_id` takes.
        """
        if not list_id and not name:
            return rejected("give the id of a list to connect to, or the name of one to create")
        reply = yield self.calls.get_list(list_id) if list_id else self.calls.create_list(name)
        if not reply.ok:
            return outcome_of(reply)
        found = reply.data_id
        if found is None or (list_id and found != list_id):
            return rejected(MISMATCH)
        return ListChoice(found, _name(_data(reply)) or name)

    def delete_profile(self, user_id: str = "", email: str = "") -> Generator[Request, Response, Outcome]:
        """Ask Klaviyo to delete everything about a person: POST /api/data-privacy-deletion-jobs.

        As deployed, the user id is sent as if it were Klaviyo's own id.  As documented, a profile is named by its
        e-mail address, or looked up by the user id, which is its external id.
        """
        if not user_id and not email:
            return rejected("give a user_id or an email to delete")
        if not self.rules.sendable:
            return outcome_of((yield self._deletion({"id": user_id} if user_id else {"attributes": {"email": email}})))
        if email:
            return outcome_of((yield self._deletion({"attributes": {"email": email}})))
        reply = yield self.calls.find_profiles("external_id", [user_id])
        if not reply.ok:
            return outcome_of(reply)
        found = first_id(reply)
        if found is None:
            return delivered(["no profile has this external id, so there is nothing to delete"])
        return outcome_of((yield self._deletion({"id": found, "attributes": {}})))

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
    """Give the cursor of the next page, which Klaviyo writes as a whole address."""
    links = reply.json.get("links") if isinstance(reply.json, dict) else None
    following = links.get("next") if isinstance(links, dict) else None
    if not isinstance(following, str):
        return None
    query = dict(parse_qsl(urlsplit(following).query))
    return query.get("page[cursor]")
