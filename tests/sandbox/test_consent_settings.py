"""Consent as the account's settings decide: global unsubscribes, double opt-in, Klaviyo's own metrics."""

import pytest

from klavier.klaviyo.request import Request
from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import (
    ada,
    ada_leaves,
    consent,
    consents,
    create,
    event,
    get,
    profile_data,
    subscribe,
    unsubscribe,
    upsert,
)


def test_leaving_one_list_unsubscribes_everywhere_by_default(sandbox: Sandbox) -> None:
    one = sandbox.add_list("One", opt_in_process="single_opt_in")
    two = sandbox.add_list("Two", opt_in_process="single_opt_in")
    for list_id in (one, two):
        sandbox.send(subscribe(ada("email"), list_id=list_id))
    sandbox.send(unsubscribe(ada_leaves("email"), list_id=one))
    (profile,) = sandbox.state()["profiles"]
    assert (profile["lists"], profile["list_suppressions"], profile["suppressions"]) == ([two], [], ["UNSUBSCRIBE"])
    assert consents(sandbox) == {"email.marketing": "UNSUBSCRIBED"}
    sandbox.send(subscribe(ada("email"), list_id=two))
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}
    assert sandbox.state()["profiles"][0]["suppressions"] == []


def test_sms_has_no_opt_out_of_one_list() -> None:
    sandbox = Sandbox(global_unsubscribe=False)
    list_id = sandbox.add_list("One", opt_in_process="single_opt_in")
    sandbox.send(subscribe(ada("email", "sms"), list_id=list_id))
    sandbox.send(unsubscribe(ada_leaves("email", "sms"), list_id=list_id))
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED", "sms.marketing": "UNSUBSCRIBED"}
    assert sandbox.state()["profiles"][0]["list_suppressions"] == [list_id]


def test_a_new_subscriber_appears_with_the_confirmation(sandbox: Sandbox, clock: FakeClock) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="double_opt_in")
    sandbox.send(subscribe(ada("email"), list_id=list_id))
    assert sandbox.send(get("/api/profiles")).json["data"] == []
    assert sandbox.send(get(f"/api/lists/{list_id}/profiles")).json["data"] == []
    clock.advance(60)
    sandbox.confirm("ada@b.co")
    (found,) = sandbox.send(get("/api/profiles", {"additional-fields[profile]": "subscriptions"})).json["data"]
    assert found["attributes"]["created"] == "2026-11-21T00:01:00+00:00"
    assert found["attributes"]["subscriptions"]["email"]["marketing"]["double_optin"]
    assert len(sandbox.send(get(f"/api/lists/{list_id}/profiles")).json["data"]) == 1


@pytest.mark.parametrize("other", [create(email="ada@b.co"), upsert(email="ada@b.co"), event()])
def test_any_other_call_makes_the_subscriber_appear(sandbox: Sandbox, other: Request) -> None:
    sandbox.send(subscribe(ada("email")))
    assert sandbox.send(other).status in (201, 202)
    assert len(sandbox.send(get("/api/profiles")).json["data"]) == 1
    assert sandbox.confirm("ada@b.co") == 1
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}


def test_a_consent_before_1990_is_one_of_1990(sandbox: Sandbox) -> None:
    row = profile_data(email="ada@b.co", subscriptions=consent("email", consented_at="1980-05-05T00:00:00Z"))
    sandbox.send(subscribe(row, historical_import=True))
    (profile,) = sandbox.state()["profiles"]
    assert profile["subscriptions"]["email"]["marketing"]["consented_at"] == "1990-01-01T00:00:00+00:00"


def test_klaviyos_own_metrics_are_recorded_where_the_account_is_set_to() -> None:
    sandbox = Sandbox(own_metrics=True, opt_in="single_opt_in")
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    for _ in range(2):
        sandbox.send(subscribe(ada("email", "sms"), list_id=list_id))
    sandbox.send(unsubscribe(ada_leaves("email"), list_id=list_id))
    assert [item["metric"] for item in sandbox.state()["events"]] == [
        "Subscribed to Email Marketing",
        "Subscribed to SMS Marketing",
        "Subscribed to List",
        "Unsubscribed from List",
        "Unsubscribed from Email Marketing",
    ]
    rows = sandbox.send(get("/api/metrics", {"filter": 'equals(integration.name,"Klaviyo")'})).json["data"]
    assert len(rows) == 5
