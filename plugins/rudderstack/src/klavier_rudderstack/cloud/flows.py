"""The flows of cloud mode: generators that yield requests and return outcomes."""

import re
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from klavier.jsvalues import dig
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome, delivered, failed, rejected, skipped
from klavier.vendor import Flow, RejectEvent, SkipEvent
from klavier_rudderstack.cloud.translation import Translation
from klavier_rudderstack.cloud.wires import Wire, failure_outcome

NO_PROFILE_ID = "Klaviyo's reply contains no profile id to add to the list"

_BAD_REQUEST = 400
_ROW = re.compile(r"^/data(?:/attributes/profiles/data|/attributes/subscriptions)?/([0-9]+)(?:/|$)")


def end(ending: RejectEvent | SkipEvent) -> Flow:
    """Reject or skip an event before any request."""
    return rejected(str(ending)) if isinstance(ending, RejectEvent) else skipped(str(ending))
    yield  # makes this a generator


def send_profile(translation: Translation, wire: Wire) -> Flow:
    """Create or update one profile."""
    upserted = yield from wire.upsert(translation.profile or {})
    return upserted.failure or delivered(translation.notes)


def send_members(translations: Sequence[Translation], wire: Wire) -> Flow:
    """Send profiles one by one, then the memberships they share in one job; return one outcome for each translation.

    All translations have the same operation and list.  A profile that fails is left out of the job.
    """
    outcomes: list[Outcome | None] = []
    entries: list[Any] = []
    members: list[int] = []
    for number, translation in enumerate(translations):
        upserted = None if translation.profile is None else (yield from wire.upsert(translation.profile))
        outcome = None if upserted is None else upserted.failure
        entry: Any = translation.membership.entry if translation.membership else None
        if outcome is None and translation.membership and translation.membership.operation == "add":
            entry = upserted.profile_id if upserted else None
            outcome = None if entry else failed(NO_PROFILE_ID, 500, retryable=True)
        if outcome is None:
            entries.append(entry)
            members.append(number)
        outcomes.append(outcome)
    membership = translations[0].membership
    if members and membership is not None:
        sent = any(translation.profile is not None for translation in translations)
        make_request = partial(wire.membership_request, membership.operation, membership.list_id)
        results = yield from send_entries(make_request, entries, sent=sent)
        for number, result in zip(members, results, strict=True):
            outcomes[number] = result or delivered(translations[number].notes)
    return [outcome or failed("the job was not sent") for outcome in outcomes]


def send_entries(
    make_request: Callable[[list[Any]], Request], entries: list[Any], *, sent: bool
) -> Generator[Request, Response, list[Outcome | None]]:
    """Send one job; return None for each entry that was accepted.  `sent`: whether requests were made before it.

    Klaviyo refuses a job as a whole where one entry is wrong: the entries that the reply names are removed, and the
    rest is sent once more, as RudderStack does.  A job that was accepted may name the entries that it failed for.
    """
    response = yield make_request(entries)
    if response.ok:
        unfinished = _unfinished_entries(response)
        return [unfinished.get(number) for number in range(len(entries))]
    wrong = _refused_entries(response, len(entries))
    outcome = _refusal_outcome(response, sent=sent)
    if not wrong or len(wrong) == len(entries):
        return [outcome] * len(entries)
    rest = [entry for number, entry in enumerate(entries) if number not in wrong]
    response = yield make_request(rest)
    second = None if response.ok else _refusal_outcome(response, sent=True)
    unfinished = _unfinished_entries(response) if response.ok else {}
    results = iter([unfinished.get(number, second) for number in range(len(rest))])
    return [outcome if number in wrong else next(results) for number in range(len(entries))]


def _unfinished_entries(response: Response) -> dict[int, Outcome]:
    """Return the entries that a job failed for after it was accepted, each with its outcome."""
    errors = response.json.get("errors") if isinstance(response.json, dict) else None
    found: dict[int, Outcome] = {}
    for error in errors if isinstance(errors, list) else ():
        match = _ROW.match(str(dig(error, "source", "pointer")))
        if match:
            found[int(match[1])] = failure_outcome(Response(_BAD_REQUEST, {"errors": [error]}))
    return found


def _refused_entries(response: Response, count: int) -> set[int]:
    """Return the positions of the entries that a 400 points at."""
    errors = response.errors if response.status == _BAD_REQUEST else ()
    found = (_ROW.match(error.pointer) for error in errors)
    return {int(match[1]) for match in found if match and int(match[1]) < count}


def _refusal_outcome(response: Response, *, sent: bool) -> Outcome:
    return failed(response.reason, response.status) if response.local and sent else failure_outcome(response)
