"""The state of a sandbox, the comparable state and the summary."""

import json

from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import (
    bulk_import,
    consent,
    event,
    post,
    profile_data,
    subscribe,
    suppress,
    upsert,
)


def fill(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", "Y6nRLr", "single_opt_in")
    body = {"data": {"type": "list", "attributes": {"name": "Made"}}}
    made = sandbox.send(post("/api/lists", body)).data_id
    sandbox.send(bulk_import(profile_data(email="ada@b.co", first_name="Ada", last_name="King"), lists=(str(made),)))
    sandbox.send(subscribe(profile_data(email="ada@b.co", subscriptions=consent("email")), list_id=list_id))
    sandbox.send(subscribe(profile_data(phone_number="+15005550006", subscriptions=consent("sms")), list_id=str(made)))
    sandbox.send(event("Placed Order", time="2026-11-08T00:00:00Z", unique_id="m1"))
    sandbox.send(event("Viewed", unique_id="m2", profile=profile_data(anonymous_id="a1")))
    sandbox.send(suppress("bob@b.co"))


def test_the_state_is_plain_data(sandbox: Sandbox) -> None:
    fill(sandbox)
    state = sandbox.state()
    assert json.loads(json.dumps(state)) == state
    assert {name: len(items) for name, items in state.items()} == {
        "profiles": 4,
        "metrics": 2,
        "events": 2,
        "lists": 2,
        "jobs": 2,
    }


def test_the_comparable_state_forgets_ids_and_arrivals(clock: FakeClock) -> None:
    one, two = Sandbox(clock=clock), Sandbox(clock=FakeClock(clock.time() + 1_000_000))
    two.send(upsert(email="nobody@b.co"))
    two.account.profiles.delete(two.account.profiles.by_id[two.state()["profiles"][0]["id"]])
    two.add_list("Gone")
    two.account.lists.clear()
    fill(one)
    fill(two)
    assert one.state() != two.state()
    assert one.comparable() == two.comparable()
    assert json.loads(json.dumps(one.comparable())) == one.comparable()


def test_the_comparable_state_does_not_depend_on_the_order(clock: FakeClock) -> None:
    calls = [event("A", unique_id="m1"), event("B", profile=profile_data(external_id="u1")), upsert(email="bob@b.co")]
    one, two = Sandbox(clock=clock), Sandbox(clock=clock)
    for request in calls:
        one.send(request)
    for request in reversed(calls):
        two.send(request)
    assert one.comparable() == two.comparable()


def test_the_comparable_state_sees_differences(clock: FakeClock) -> None:
    base = Sandbox(clock=clock)
    base.send(event(unique_id="m1", time="2026-11-08T00:00:00Z"))
    for other in (
        event(unique_id="m2", time="2026-11-08T00:00:00Z"),
        event(unique_id="m1", time="2026-11-08T00:00:01Z"),
        event(unique_id="m1"),
        event(unique_id="m1", time="2026-11-08T00:00:00Z", value=1),
        event("Other", unique_id="m1", time="2026-11-08T00:00:00Z"),
        event(unique_id="m1", time="2026-11-08T00:00:00Z", properties={"x": 1}),
        event(unique_id="m1", time="2026-11-08T00:00:00Z", profile=profile_data(email="eve@b.co")),
        event(unique_id="m1", time="2026-11-08T00:00:00Z", profile=profile_data(email="ada@b.co", title="x")),
    ):
        sandbox = Sandbox(clock=clock)
        sandbox.send(other)
        assert sandbox.comparable() != base.comparable()


def test_the_summary(sandbox: Sandbox) -> None:
    fill(sandbox)
    assert str(sandbox) == sandbox.summary()
    made = sandbox.state()["lists"][1]["id"]
    assert sandbox.summary() == "\n".join(
        [
            "Profiles (4)",
            "  profile                    attributes    events  consent           lists",
            "  -------------------------  ------------  ------  ----------------  -------------",
            "  email:ada@b.co             Ada King (2)  1       email subscribed  Made, Letters",
            "  phone_number:+15005550006  (0)           0       sms pending",
            "  anonymous_id:a1            (0)           1",
            "  email:bob@b.co             (0)           0       suppressed",
            "",
            "Metrics (2)",
            "  metric        events",
            "  ------------  ------",
            "  Placed Order  1",
            "  Viewed        1",
            "",
            "Lists (2)",
            "  list     id      opt-in         profiles",
            "  -------  ------  -------------  --------",
            "  Letters  Y6nRLr  single_opt_in  1",
            f"  Made     {made}  double_opt_in  1",
        ]
    )


def test_a_long_summary_is_cut(sandbox: Sandbox) -> None:
    for number in range(30):
        sandbox.send(event("m" * 100, profile=profile_data(external_id=f"u{number}\x1b[31m\n")))
    lines = sandbox.summary(most=5).splitlines()
    assert lines[8] == "... and 25 more"
    assert all(line.isprintable() and len(line) < 120 for line in lines)


def test_an_empty_summary(sandbox: Sandbox) -> None:
    assert sandbox.summary() == "Profiles (0)\n\nMetrics (0)\n\nLists (0)"
