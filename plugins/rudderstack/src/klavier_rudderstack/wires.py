"""How profiles and memberships are said: by the calls of 2023-02-22, or by those of later revisions."""

from collections.abc import Generator, Sequence
from typing import Any, Protocol

from attrs import frozen

from klavier.events.model import JsonObject
from klavier.klaviyo.request import Request, quoted
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed, rejected
from klavier.redaction import redact_text
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.parcel import Operation
from klavier_rudderstack.tables.retry import RETRY

_JOBS = {"subscribe": "profile-subscription-bulk-create-job", "unsubscribe": "profile-subscription-bulk-delete-job"}

PROFILE_IMPORT = "/api/profile-import"
CREATED, CONFLICT = 201, 409


@frozen
class Upserted:
    """What became of a profile: its Klaviyo id where the reply gave one, or the outcome of its failure."""

    profile_id: str | None = None
    failure: Outcome | None = None


Upsert = Generator[Request, Response, Upserted]


class Wire(Protocol):
    """What flows need of a wire."""

    def upsert(self, document: JsonObject) -> Upsert:
        """Create or update a profile."""

    def one_request(self, document: JsonObject) -> Request | None:
        """Give the request that does the same where one is enough."""

    def membership(self, operation: Operation, list_id: str, entries: Sequence[Any]) -> Request:
        """Say a membership of several people: entries of a job, for `add` Klaviyo ids."""


class ImportWire:
    """Revisions with `profile-import`: one call a profile."""

    def __init__(self, mode: Mode) -> None:
        self._revision = mode.revision

    def upsert(self, document: JsonObject) -> Upsert:
        """Import a profile, which creates or updates it."""
        response = yield self.one_request(document)
        if response.ok:
            return Upserted(response.data_id)
        return Upserted(failure=failure(response))

    def one_request(self, document: JsonObject) -> Request:
        """Import a profile."""
        return Request("POST", PROFILE_IMPORT, json=document, revision=self._revision)

    def membership(self, operation: Operation, list_id: str, entries: Sequence[Any]) -> Request:
        """Say a membership as a job with the list as a relationship."""
        if operation == "add":
            return add_to_list(list_id, entries, self._revision)
        document = {
            "data": {
                "type": _JOBS[operation],
                "attributes": {"profiles": {"data": list(entries)}},
                "relationships": {"list": {"data": {"type": "list", "id": list_id}}},
            }
        }
        return Request("POST", f"/api/{_JOBS[operation]}s", json=document, revision=self._revision)


class LegacyWire:
    """Revision 2023-02-22: a profile is created, and on a conflict updated."""

    def __init__(self, mode: Mode) -> None:
        self._revision = mode.revision
        self._patch_after_create = mode.points.patch_after_create

    def upsert(self, document: JsonObject) -> Upsert:
        """Create a profile; update the one that has its identifiers already."""
        response = yield Request("POST", "/api/profiles", json=document, revision=self._revision)
        if response.status not in (CREATED, CONFLICT):
            return Upserted(failure=_not_created(response, response.status))
        profile_id = response.data_id if response.status == CREATED else response.duplicate_profile_id
        if profile_id is None:
            return Upserted(failure=_not_created(response, 500))
        if response.status == CONFLICT or self._patch_after_create:
            update = {"data": {**document["data"], "id": profile_id}}
            path = f"/api/profiles/{quoted(profile_id)}"
            response = yield Request("PATCH", path, json=update, revision=self._revision)
            if not response.ok:
                return Upserted(failure=failed(response.reason, response.status, retryable=RETRY.may_retry(response)))
        return Upserted(profile_id)

    def one_request(self, document: JsonObject) -> None:  # noqa: ARG002 -- other wires need it
        """Give None: a profile takes two calls or three."""
        return

    def membership(self, operation: Operation, list_id: str, entries: Sequence[Any]) -> Request:
        """Say a membership as a job that names the list itself."""
        if operation == "add":
            return add_to_list(list_id, entries, self._revision)
        attributes = {"list_id": list_id, "subscriptions": list(entries)}
        document = {"data": {"type": _JOBS[operation], "attributes": attributes}}
        return Request("POST", f"/api/{_JOBS[operation]}s", json=document, revision=self._revision)


def add_to_list(list_id: str, profile_ids: Sequence[str], revision: str) -> Request:
    """Make people members of a list by their Klaviyo ids, without any consent."""
    document = {"data": [{"type": "profile", "id": profile_id} for profile_id in profile_ids]}
    return Request("POST", f"/api/lists/{quoted(list_id)}/relationships/profiles", json=document, revision=revision)


def failure(response: Response) -> Outcome:
    """Give the outcome of the first request of an event where it was not accepted."""
    if response.local:
        return rejected(response.reason)
    return failed(response.reason, response.status, retryable=RETRY.may_retry(response))


def _not_created(response: Response, status: int) -> Outcome:
    if response.local:
        return rejected(response.reason)
    reason = redact_text(f"Failed to create user due to {response.reason}")
    return failed(reason, status, retryable=RETRY.may_retry(Response(status)))
