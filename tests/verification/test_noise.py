"""An account that others write to as well raises no false alarm."""

from typing import Any

import pytest
from attrs import evolve

import klavier
from klavier.comparison.report import Note
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from klavier.verification.wording import frame_of
from tests.support.verification import account, check, day, rows

EVENTS = day(people=30, events=240)


def post(sandbox: Sandbox, path: str, body: Any) -> None:
    reply = sandbox.send(klavier.Request("POST", path, json={"data": body}, revision=CURRENT))
    assert reply.ok, reply.json


def add_event(sandbox: Sandbox, metric: str | tuple[str, str], email: str, time: str, unique_id: str) -> None:
    name = {"name": metric} if isinstance(metric, str) else dict(zip(("name", "service"), metric, strict=True))
    attributes = {
        "properties": {"product": "p1", "quantity": 1, "from": unique_id},
        "time": time,
        "unique_id": unique_id,
        "metric": {"data": {"type": "metric", "attributes": name}},
        "profile": {"data": {"type": "profile", "attributes": {"email": email}}},
    }
    post(sandbox, "/api/events", {"type": "event", "attributes": attributes})


def merge(sandbox: Sandbox, keep: str, other: str) -> None:
    ids = [str((sandbox.profile(address) or {})["id"]) for address in (keep, other)]
    source = {"profiles": {"data": [{"type": "profile", "id": ids[1]}]}}
    post(sandbox, "/api/profile-merge", {"type": "profile-merge", "id": ids[0], "relationships": source})


@pytest.fixture
def noisy() -> Sandbox:
    sandbox = account(EVENTS)
    for number in range(30):
        own, other = f"p{number}@shop.test", f"other{number}@shop.test"
        add_event(sandbox, "Opened Email", own, "2026-11-20T09:00:00Z", f"a{number}")  # another metric
        add_event(
            sandbox, ("Product Viewed", "Shop"), own, "2026-11-20T09:00:00Z", f"b{number}"
        )  # another integration's
        add_event(sandbox, "Product Viewed", other, "2026-11-20T09:00:00Z", f"c{number}")  # another person
        add_event(sandbox, "Product Viewed", own, "2026-11-19T09:00:00Z", f"d{number}")  # before
        add_event(sandbox, "Product Viewed", own, "2026-11-22T09:00:00Z", f"e{number}")  # and after
    merge(sandbox, "other0@shop.test", "p1@shop.test")  # ours became part of another one
    merge(sandbox, "p2@shop.test", "other1@shop.test")  # another one became part of ours
    merge(sandbox, "p3@shop.test", "p4@shop.test")  # two of ours became one
    attributes = {
        "email": "p5@shop.test",
        "phone_number": "+14155550100",
        "location": {"city": "Berlin"},
        "properties": {"Shop Tags": "vip", "$source": "form"},
    }
    post(sandbox, "/api/profile-import", {"type": "profile", "attributes": attributes})
    return sandbox


@pytest.mark.parametrize("sample", [{}, {"least_events": 60}, {"preselect": 60}, {"preselect": 200}], ids=str)
def test_noise_is_no_difference(noisy: Sandbox, sample: dict[str, int]) -> None:
    found = check(EVENTS, noisy, **sample)
    assert rows(found) == []
    assert found.verdict.matching == found.verdict.events >= (max(sample.values(), default=240) * 0.8)


def test_a_profile_that_became_one_with_another_is_read_with_it() -> None:
    """The sample holds one of two people who are one profile in the account."""
    sandbox = account(EVENTS)
    for number in range(0, 30, 2):
        merge(sandbox, f"p{number}@shop.test", f"p{number + 1}@shop.test")
    found = check(EVENTS, sandbox, least_events=1)
    assert rows(found) == []
    assert found.verdict.profiles == 2


def test_what_is_not_counted_is_noted(noisy: Sandbox) -> None:
    notes = {note.text: note.count for note in check(EVENTS, noisy).notes}
    assert notes == {
        "profiles that others became part of in Klaviyo: values that differ are not counted": 3,
        "identifier of profiles that nobody predicted: phone_number": 1,
        "property of profiles that nobody predicted: Shop Tags": 1,
        "property of profiles that nobody predicted: location.city": 1,
    }


@pytest.mark.parametrize(("kinds", "shown"), [(20, 20), (21, 21), (23, 21)])
def test_many_kinds_of_known_differences_are_cut(kinds: int, shown: int) -> None:
    notes = tuple(Note(f"kind {number}", 1, 0) for number in range(kinds))
    found = evolve(check(EVENTS[:3], account(EVENTS[:3])), notes=notes)
    _, listed = frame_of(found, "rudderstack").notes[0]
    assert len(listed) == shown
    assert kinds == 20 or listed[-1] == Note("further kinds of them, which the JSON lists", kinds - 20, 0)


def test_a_fault_is_found_among_the_noise(noisy: Sandbox) -> None:
    profile = noisy.account.profiles.owner("email", "p9@shop.test")
    assert profile is not None
    event = next(event for event in profile.events.values() if "page" in event.properties)
    del event.properties["page"]
    assert rows(check(EVENTS, noisy)) == [("event_properties", "only_left", "page", "", 1)]
