"""The flows of cloud mode: generators that yield requests and return outcomes."""

import re
from collections.abc import Generator, Sequence
from typing import Any

from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.vendor import Flow
from klavier_rudderstack.parcel import Membership, Parcel
from klavier_rudderstack.wires import Wire, failure

NO_PROFILE_ID = "Klaviyo's reply names no profile id to add to the list"

_ROW = re.compile(r"^/data(?:/attributes/profiles/data|/attributes/subscriptions)?/(\d+)(?:/|$)")


def refuse(reason: str) -> Flow:
    """Reject an event before anything is sent."""
    return rejected(reason)
    yield  # what makes this a generator


def skip(reason: str) -> Flow:
    """Skip an event."""
    return skipped(reason)
    yield  # what makes this a generator


def send_profile(parcel: Parcel, wire: Wire) -> Flow:
    """Create or update one profile."""
    upserted = yield from wire.upsert(parcel.profile or {})
    return upserted.failure or delivered(parcel.notes)


def send_members(parcels: Sequence[Parcel], wire: Wire) -> Flow:
    """Send profiles one by one, then the memberships they share in one job; gives one outcome a parcel.

    All parcels name the same operation and list.  A profile that fails takes no part in the job.
    """
    outcomes: list[Outcome | None] = []
    entries: list[Any] = []
    members: list[int] = []
    for number, parcel in enumerate(parcels):
        upserted = None if parcel.profile is None else (yield from wire.upsert(parcel.profile))
        outcome = None if upserted is None else upserted.failure
        entry: Any = parcel.membership.profile if parcel.membership else None
        if outcome is None and parcel.membership and parcel.membership.operation == "add":
            entry = upserted.profile_id if upserted else None
            outcome = None if entry else failed(NO_PROFILE_ID, 500, retryable=True)
        if outcome is None:
            entries.append(entry)
            members.append(number)
        outcomes.append(outcome)
    membership = parcels[0].membership
    if members and membership is not None:
        sent = any(parcel.profile is not None for parcel in parcels)
        results = yield from _join(membership, entries, wire, sent=sent)
        for number, result in zip(members, results, strict=True):
            outcomes[number] = result or delivered(parcels[number].notes)
    return [outcome or failed("the job was not sent") for outcome in outcomes]


def _join(
    membership: Membership, entries: list[Any], wire: Wire, *, sent: bool
) -> Generator[Request, Response, list[Outcome | None]]:
    """Send one job; gives None for each entry that was accepted.

    A job is refused as a whole where one entry is wrong: the entries that the reply names are taken out, and the rest
    is sent once more, as RudderStack does.
    """
    response = yield wire.membership(membership.operation, membership.list_id, entries)
    if response.ok:
        return [None] * len(entries)
    wrong = _named(response, len(entries))
    outcome = _refused(response, sent=sent)
    if not wrong or len(wrong) == len(entries):
        return [outcome] * len(entries)
    rest = [entry for number, entry in enumerate(entries) if number not in wrong]
    response = yield wire.membership(membership.operation, membership.list_id, rest)
    second = None if response.ok else _refused(response, sent=True)
    return [outcome if number in wrong else second for number in range(len(entries))]


def _named(response: Response, count: int) -> set[int]:
    """Give the numbers of the entries that a refusal points at."""
    found = (_ROW.match(error.pointer) for error in response.errors) if response.status == 400 else ()  # noqa: PLR2004 -- Bad Request
    return {int(match[1]) for match in found if match and int(match[1]) < count}


def _refused(response: Response, *, sent: bool) -> Outcome:
    return failed(response.reason, response.status) if response.local and sent else failure(response)
