"""When a failed event is tried again: the policies as data, in words, and what the vendors' flows make of them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import klavier
from klavier.cli.app import app
from klavier.outbox import Entry
from klavier.outcome import delivered, failed
from klavier.plugins import installed_plugins
from klavier.relay.factory import make_relay_config
from klavier.retry import RetryPolicy, describe_policy
from klavier.worker.in_flight import Result
from klavier.worker.settlement import settle

VENDORS = sorted(installed_plugins().vendors)
STATUSES = (0, 400, 401, 403, 404, 408, 409, 410, 413, 422, 423, 425, 429, 500, 501, 502, 503, 504, 505, 520, 524, 530)
KEYS: dict[str, dict[str, Any]] = {
    "rudderstack": {"private_api_key": "pk_x"},
    "segment-actions": {"api_key": "pk_x"},
    "segment-classic": {"api_key": "PUBLIC", "private_key": "pk_x"},
    "freshpaint": {"private_api_key": "pk_x", "enabled_events": ["Signed Up"]},
}
ENTRY = Entry(1, "m1", "user:u1", b"{}", 0.0)

policies = st.builds(
    RetryPolicy,
    tries=st.none() | st.integers(1, 50),
    first=st.floats(0.01, 100),
    longest=st.floats(0.01, 1000),
    give_up=st.floats(1, 10**6),
    least=st.integers(1, 10),
)


def policy_of(name: str) -> RetryPolicy:
    return installed_plugins().vendor(name).retry


def span(policy: RetryPolicy, status: int, luck: float) -> tuple[int, float, list[float]]:
    """Fail an event for ever; gives its tries, the seconds from the first to the last one, and the waits."""
    entry, now, moments = ENTRY, 1000.0, [1000.0]
    while True:
        result = Result(entry, failed("no", status, retryable=True))
        settled = settle(result, policy, now, lambda: luck)
        if settled.dead_letter is not None:
            return settled.dead_letter.tries, now - 1000.0, [after - before for before, after in pairwise(moments)]
        assert settled.due is not None
        entry = Entry(1, "m1", "user:u1", b"{}", 0.0, settled.due, settled.tries, settled.first_try)
        now = max(settled.due, now + 1.0)
        moments.append(now)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("status", STATUSES)
def test_flows_say_what_their_vendors_table_says(name: str, status: int) -> None:
    vendor = klavier.load_vendor(name, KEYS[name])
    event = klavier.parse_event(
        {
            "type": "track",
            "event": "Signed Up",
            "userId": "u1",
            "messageId": "m1",
            "properties": {"email": "a@shop.test"},
        }
    )
    reply = klavier.Response(status)
    (outcome,) = klavier.rehearse(vendor, [event], replies=[reply]).outcomes
    assert (outcome.kind, outcome.status or 0) == ("failed", status)
    assert outcome.retryable == policy_of(name).may_retry(reply)


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503, 504, 520, 524])
def test_what_is_known_to_pass_is_tried_again_whatever_the_vendor_does(name: str, status: int) -> None:
    assert policy_of(name).may_retry(klavier.Response(status))


@pytest.mark.parametrize("name", VENDORS)
def test_no_vendor_tries_again_what_klavier_refused_itself(name: str) -> None:
    assert not any(policy_of(name).may_retry(klavier.Response(status, local=True)) for status in STATUSES)


def test_the_vendors_own_statuses_come_besides() -> None:
    assert policy_of("rudderstack").may_retry(klavier.Response(501))
    assert policy_of("segment-actions").may_retry(klavier.Response(423))
    assert not policy_of("segment-actions").may_retry(klavier.Response(501))


@pytest.mark.parametrize(
    ("name", "hours", "first", "longest"),
    [("rudderstack", 3, 10, 300), ("segment-actions", 4, 1, 300), ("segment-classic", 4, 1, 300)],
)
def test_an_event_that_fails_for_ever_is_tried_as_long_as_its_vendor_would(
    name: str, hours: int, first: float, longest: float
) -> None:
    tries, seconds, waits = span(policy_of(name), 524, 0.999999)
    assert hours * 3600 < seconds < hours * 3600 + longest + 1
    assert waits[:3] == pytest.approx([first, first * 2, first * 4], rel=0.01)
    assert max(waits) == pytest.approx(longest, rel=0.01)
    assert tries == len(waits) + 1


def test_klaviers_own_policy_ends_after_ten_tries() -> None:
    assert span(policy_of("freshpaint"), 500, 0.999999)[0] == 10


def test_a_late_event_still_gets_its_least_number_of_tries() -> None:
    policy = policy_of("rudderstack")
    outcome = failed("no", 503, retryable=True)
    assert policy.next_try(outcome, 2, 10.0**6, lambda: 0.5) is not None
    assert policy.next_try(outcome, 3, 10.0**6, lambda: 0.5) is None


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_try_that_the_event_is_not_to_blame_for_is_free(name: str, status: int) -> None:
    policy = policy_of(name)
    old = Entry(1, "m1", "user:u1", b"{}", 0.0, 0.0, 99, 1.0)
    settled = settle(Result(old, failed("no", status)), policy, 10.0**9, lambda: 0.5)
    assert (settled.dead_letter, settled.tries) == (None, 99)
    assert settled.due is not None


@given(policies, st.integers(0, 10**6), st.floats(0, 10**7), st.floats(0, 1, exclude_max=True))
def test_waits_are_within_their_step(policy: RetryPolicy, tries: int, age: float, luck: float) -> None:
    wait = policy.next_try(failed("no", 503, retryable=True), tries, age, lambda: luck)
    over = (policy.tries is not None and tries >= policy.tries) or (age > policy.give_up and tries >= policy.least)
    assert (wait is None) == over
    if wait is not None:
        assert 0 <= wait <= min(policy.longest, policy.first * 2.0 ** min(max(tries, 1) - 1, 30))


@given(policies)
def test_what_has_ended_is_not_tried_again(policy: RetryPolicy) -> None:
    assert policy.next_try(delivered(), 1, 0.0, lambda: 0.5) is None
    assert policy.next_try(failed("no", 400), 1, 0.0, lambda: 0.5) is None


def test_a_policy_in_words() -> None:
    policy = RetryPolicy(tries=None, first=0.5, longest=90, give_up=7200, least=2, statuses={0, 500}, source="a page")
    assert describe_policy(policy) == [
        ("retried", "no reply, 500; by klavier also 408, 423, 425, 429, 5xx but 501"),
        ("waits", "a random time, at first up to 0.5 s, doubling up to 90 s"),
        ("given up", "after 2 h, but not before 2 tries"),
        ("source", "a page"),
    ]
    assert describe_policy(RetryPolicy(tries=4))[2] == (
        "given up",
        "after 4 tries, or after 4 h, but not before 3 tries",
    )


def test_a_configuration_says_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "klavier.toml"
    head = 'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_x"\n[delivery]\noutbox = "memory"\n'
    file.write_text(head)
    assert make_relay_config(klavier.load_config(file)).policy == policy_of("rudderstack")
    file.write_text(f"{head}tries = 2\ngive_up = 60\nfirst_delay = 0.5\nlongest_delay = 30.0\n")
    policy = make_relay_config(klavier.load_config(file)).policy
    assert (policy.tries, policy.give_up, policy.first, policy.longest) == (2, 60, 0.5, 30.0)
    assert policy.statuses == policy_of("rudderstack").statuses
    assert span(policy, 500, 0.999999)[0] == 2


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("tries = 0", "must be from 1 to"),
        ("give_up = 0", "seconds above 0"),
        ("longest_delay = inf", "longest_delay"),
    ],
)
def test_a_configuration_cannot_say_nonsense(tmp_path: Path, line: str, problem: str) -> None:
    file = tmp_path / "klavier.toml"
    file.write_text(f'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_x"\n[delivery]\n{line}\n')
    with pytest.raises(klavier.ConfigError, match=problem):
        klavier.load_config(file)


def test_the_command_shows_a_vendors_policy() -> None:
    shown = CliRunner().invoke(app, ["vendors", "rudderstack"]).output
    assert "doubling up to 5 min" in shown
    assert "after 3 h, but not before 3 tries" in shown
    (row,) = json.loads(CliRunner().invoke(app, ["vendors", "rudderstack", "--format", "json"]).stdout)["vendors"]
    assert (row["retry"]["give_up"], row["retry"]["tries"], 524 in row["retry"]["statuses"]) == (10800.0, None, True)
