"""The requests for profiles and memberships: the calls of revision 2023-02-22, and those of later revisions."""

from collections.abc import Generator, Sequence
from typing import Any, Protocol

from attrs import frozen

from klavier.events.model import JsonObject
from klavier.klaviyo.request import Request, quoted
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, failed, rejected
from klavier.redaction import redact_text
from klavier_rudderstack.cloud.translation import Operation
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables.retry import RETRY

PROFILE_IMPORT = "/api/profile-import"

_JOBS = {"subscribe": "profile-subscription-bulk-create-job", "unsubscribe": "profile-subscription-bulk-delete-job"}
_CREATED, _CONFLICT = 201, 409


@frozen
class Upserted:
    """The result of an upsert: the profile's Klaviyo id where the reply contains one, or the outcome of a failure."""

    profile_id: str | None = None
    failure: Outcome | None = None


Upsert = Generator[Request, Response, Upserted]


class Wire(Protocol):
    """The requests that flows yield."""

    def upsert(self, document: JsonObject) -> Upsert:
        """Create or update a profile."""

    def one_request(self, document: JsonObject) -> Request | None:
        """Return the only request of an upsert, None where it takes several."""

    def membership_request(self, operation: Operation, list_id: Any, entries: Sequence[Any]) -> Request:
        """Return the request that changes the membership of several profiles: job entries, for `add` Klaviyo ids."""


class ImportWire:
    """Revisions with `profile-import`: one call a profile."""

    def __init__(self, mode: Mode) -> None:
        self._revision = mode.revision

    def upsert(self, document: JsonObject) -> Upsert:
        """Import a profile, which creates or updates it."""
        response = yield self.one_request(document)
        if response.ok:
            return Upserted(response.data_id)
        return Upserted(failure=failure_outcome(response))

    def one_request(self, document: JsonObject) -> Request:
        """Return the request that imports a profile."""
        return Request("POST", PROFILE_IMPORT, json=document, revision=self._revision)

    def membership_request(self, operation: Operation, list_id: Any, entries: Sequence[Any]) -> Request:
        """Return a job request with the list as a relationship."""
        if operation == "add":
            return _add_to_list(list_id, entries, self._revision)
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
        self._patch_after_create = mode.fidelity.patch_after_create

    def upsert(self, document: JsonObject) -> Upsert:
        """Create a profile; update the one that has its identifiers already."""
        response = yield Request("POST", "/api/profiles", json=document, revision=self._revision)
        if response.status not in (_CREATED, _CONFLICT):
            return Upserted(failure=_creation_failure(response, response.status))
        profile_id = response.data_id if response.status == _CREATED else response.duplicate_profile_id
        if profile_id is None:
            return Upserted(failure=_creation_failure(response, 500))
        if response.status == _CONFLICT or self._patch_after_create:
            update = {"data": {**document["data"], "id": profile_id}}
            path = f"/api/profiles/{quoted(profile_id)}"
            response = yield Request("PATCH", path, json=update, revision=self._revision)
            if not response.ok:
                return Upserted(failure=failed(response.reason, response.status, retryable=RETRY.may_retry(response)))
        return Upserted(profile_id)

    def one_request(self, document: JsonObject) -> None:  # noqa: ARG002 -- the protocol's signature
        """Return None: a profile takes two calls or three."""
        return

    def membership_request(self, operation: Operation, list_id: Any, entries: Sequence[Any]) -> Request:
        """Return a job request with the list's id in the job itself."""
        if operation == "add":
            return _add_to_list(list_id, entries, self._revision)
        attributes = {"list_id": list_id, "subscriptions": list(entries)}
        document = {"data": {"type": _JOBS[operation], "attributes": attributes}}
        return Request("POST", f"/api/{_JOBS[operation]}s", json=document, revision=self._revision)


def failure_outcome(response: Response) -> Outcome:
    """Return the outcome of an event whose first request was not accepted."""
    if response.local:
        return rejected(response.reason)
    return failed(response.reason, response.status, retryable=RETRY.may_retry(response))


def _add_to_list(list_id: str, profile_ids: Sequence[str], revision: str) -> Request:
    """Return the request that adds profiles to a list by their Klaviyo ids, without any consent."""
    document = {"data": [{"type": "profile", "id": profile_id} for profile_id in profile_ids]}
    return Request("POST", f"/api/lists/{quoted(list_id)}/relationships/profiles", json=document, revision=revision)


def _creation_failure(response: Response, status: int) -> Outcome:
    if response.local:
        return rejected(response.reason)
    reason = redact_text(f"Failed to create user due to {response.reason}")
    return failed(reason, status, retryable=RETRY.may_retry(Response(status)))
