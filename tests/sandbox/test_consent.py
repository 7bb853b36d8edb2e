"""Consent: subscribing by channel, opt-in, historical imports, unsubscribing, suppression."""

from typing import Any

import pytest

from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import (
    PHONE,
    ada,
    ada_leaves,
    bulk_import,
    consent,
    consents,
    post,
    profile_data,
    subscribe,
    suppress,
    unsubscribe,
    unsuppress,
    upsert,
)


def pointers(response: Response) -> list[str]:
    assert response.status == 400
    return [error.pointer for error in response.errors]


def test_single_opt_in_subscribes_at_once(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    response = sandbox.send(subscribe(ada("email", "sms"), list_id=list_id, custom_source="Checkout"))
    assert (response.status, response.json) == (202, None)
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED", "sms.marketing": "SUBSCRIBED"}
    (profile,) = sandbox.state()["profiles"]
    assert profile["lists"] == [list_id]
    assert profile["subscriptions"]["email"]["marketing"]["custom_source"] == "Checkout"


def test_double_opt_in_shows_nothing_until_it_is_confirmed(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="double_opt_in")
    sandbox.send(subscribe(ada("email"), list_id=list_id))
    (profile,) = sandbox.state()["profiles"]
    assert (profile["subscriptions"], profile["lists"]) == ({}, [])
    assert [(p["list"], p["channel"]) for p in profile["pending"]] == [(list_id, "email")]
    assert sandbox.confirm("ada@b.co") == 1
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}
    assert sandbox.profile("ada@b.co")["lists"] == [list_id]  # type: ignore[index]  # the profile is there
    assert sandbox.confirm("ada@b.co") == sandbox.confirm("nobody@b.co") == 0


@pytest.mark.parametrize(
    ("opt_in", "expected"), [("double_opt_in", {}), ("single_opt_in", {"email.marketing": "SUBSCRIBED"})]
)
def test_without_a_list_the_account_decides(opt_in: Any, expected: dict[str, str]) -> None:
    sandbox = Sandbox(opt_in=opt_in)
    sandbox.send(subscribe(ada("email")))
    assert consents(sandbox) == expected


def test_a_channel_that_is_not_named_gets_no_consent(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    sandbox.send(subscribe(ada("email"), list_id=list_id))
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}
    assert sandbox.state()["profiles"][0]["identifiers"]["phone_number"] == PHONE


def test_subscribing_twice_is_subscribing_once(sandbox: Sandbox) -> None:
    for opt_in in ("single_opt_in", "double_opt_in"):
        list_id = sandbox.add_list(opt_in, opt_in_process=opt_in)
        sandbox.send(subscribe(ada("email"), list_id=list_id))
        once = sandbox.state()
        sandbox.clock.sleep(5)
        sandbox.send(subscribe(ada("email"), list_id=list_id))
        assert sandbox.state()["profiles"] == once["profiles"]


def test_before_2025_the_identifiers_named_the_channels() -> None:
    sandbox = Sandbox(opt_in="single_opt_in")
    row = profile_data(email="ada@b.co", phone_number=PHONE)
    assert pointers(sandbox.send(subscribe(row))) == ["/data/attributes/profiles/data/0/attributes/subscriptions"]
    assert sandbox.send(subscribe(row, revision="2024-10-15")).status == 202
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED", "sms.marketing": "SUBSCRIBED"}


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (profile_data(email="ada@b.co", subscriptions=consent("email"), first_name="Ada"), "attributes/first_name"),
        (profile_data(email="ada@b.co", subscriptions=consent("sms")), "attributes/phone_number"),
        (profile_data(phone_number=PHONE, subscriptions=consent("email")), "attributes/email"),
        (profile_data(subscriptions=consent("email")), "attributes"),
        (profile_data(email="ada@b.co", subscriptions={"email": ["MARKETING"]}), "attributes/subscriptions/email"),
        (
            profile_data(email="ada@b.co", subscriptions=consent("email", says="UNSUBSCRIBED")),
            "attributes/subscriptions/email/marketing/consent",
        ),
        (profile_data(email="ada@b.co", subscriptions=consent("fax")), "attributes/subscriptions/fax"),
        (profile_data("01NOBODY", subscriptions=consent("email")), "id"),
        (profile_data(phone_number="5", subscriptions=consent("sms")), "attributes/phone_number"),
    ],
)
def test_one_bad_profile_refuses_the_job(sandbox: Sandbox, row: dict[str, Any], place: str) -> None:
    response = sandbox.send(subscribe(profile_data(email="bob@b.co", subscriptions=consent("email")), row))
    assert pointers(response) == [f"/data/attributes/profiles/data/1/{place}"]
    assert sandbox.state()["profiles"] == []


def test_an_unknown_list_refuses_the_job(sandbox: Sandbox) -> None:
    assert pointers(sandbox.send(subscribe(ada("email"), list_id="NOLIST"))) == ["/data/relationships/list/data/id"]
    open_minded = Sandbox(unknown_lists="create")
    assert open_minded.send(subscribe(ada("email"), list_id="NOLIST")).status == 202
    assert open_minded.state()["lists"][0]["id"] == "NOLIST"


@pytest.mark.parametrize(
    ("revision", "count", "status"),
    [("2024-05-15", 100, 202), ("2024-05-15", 101, 400), ("2024-07-15", 1000, 202), (CURRENT, 1001, 400)],
)
def test_how_many_a_call_subscribes(sandbox: Sandbox, revision: str, count: int, status: int) -> None:
    rows = [profile_data(email=f"p{n}@b.co", subscriptions=consent("email")) for n in range(count)]
    assert sandbox.send(subscribe(*rows, revision=revision)).status == status


def test_a_historical_import_brings_its_dates(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters")
    then = "2020-01-01T00:00:00Z"
    sandbox.send(subscribe(ada("email", consented_at=then), list_id=list_id, historical_import=True))
    (profile,) = sandbox.state()["profiles"]
    assert profile["subscriptions"]["email"]["marketing"]["consented_at"] == "2020-01-01T00:00:00+00:00"
    assert profile["lists"] == [list_id]


CONSENTED = "/data/attributes/profiles/data/0/attributes/subscriptions/email/marketing/consented_at"


@pytest.mark.parametrize(
    ("more", "historical", "revision", "status"),
    [
        ({}, True, CURRENT, 400),
        ({"consented_at": None}, True, CURRENT, 400),
        ({"consented_at": "2020-01-01T00:00:00Z"}, False, CURRENT, 400),
        ({"consented_at": "2020-01-01T00:00:00Z"}, None, CURRENT, 400),
        ({"consented_at": "2030-01-01T00:00:00Z"}, True, CURRENT, 400),
        ({"consented_at": "long ago"}, True, CURRENT, 400),
        ({"consented_at": "2020-01-01T00:00:00Z"}, True, "2024-07-15", 202),
        ({"consented_at": None}, False, CURRENT, 202),
    ],
)
def test_dates_of_consent(sandbox: Sandbox, more: dict[str, Any], historical: Any, revision: str, status: int) -> None:
    row = profile_data(email="ada@b.co", subscriptions=consent("email", **more))
    response = sandbox.send(subscribe(row, revision=revision, historical_import=historical))
    assert response.status == status
    if status == 400:
        assert pointers(response) == [CONSENTED]
        assert sandbox.state()["profiles"] == []


def test_subscribing_by_id(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    found = sandbox.send(upsert(email="ada@b.co")).data_id
    assert sandbox.send(subscribe(profile_data(found, subscriptions=consent("email")), list_id=list_id)).status == 202
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}


def test_push_comes_with_tokens(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("App", opt_in_process="single_opt_in")
    token = {"token": "t1", "platform": "ios", "vendor": "apns"}
    given = {"push": {"marketing": {"consent": "SUBSCRIBED"}, "tokens": [token], "anonymous_id": "a1"}}
    assert sandbox.send(subscribe(profile_data(subscriptions=given), list_id=list_id)).status == 202
    (profile,) = sandbox.state()["profiles"]
    assert (profile["push_tokens"], profile["identifiers"]) == ({"t1": "ios"}, {"anonymous_ids": ["a1"]})
    assert sandbox.send(subscribe(profile_data(subscriptions=given), revision="2025-10-15")).status == 400


def test_sms_needs_a_sending_number() -> None:
    sandbox = Sandbox(sms=False)
    response = sandbox.send(subscribe(ada("sms")))
    assert pointers(response) == ["/data/attributes/profiles/data/0/attributes/phone_number"]
    assert sandbox.send(subscribe(ada("email"))).status == 202


def test_a_dropped_phone_number_gets_no_consent() -> None:
    sandbox = Sandbox(opt_in="single_opt_in")
    row = profile_data(email="ada@b.co", phone_number="5", subscriptions=consent("email", "sms"))
    response = sandbox.send(subscribe(row))
    assert response.headers["x-klaviyo-partial-failure"] == "phone_number"
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}


def test_unsubscribing_everywhere() -> None:
    sandbox = Sandbox(opt_in="single_opt_in")
    sandbox.send(subscribe(ada("email", "sms")))
    assert sandbox.send(unsubscribe(ada_leaves("email"))).status == 202
    assert consents(sandbox) == {"email.marketing": "UNSUBSCRIBED", "sms.marketing": "SUBSCRIBED"}
    assert sandbox.state()["profiles"][0]["suppressions"] == ["UNSUBSCRIBE"]
    sandbox.send(subscribe(ada("email")))
    assert consents(sandbox)["email.marketing"] == "SUBSCRIBED"
    assert sandbox.state()["profiles"][0]["suppressions"] == []


def test_unsubscribing_from_one_list_where_the_account_is_set_to() -> None:
    sandbox = Sandbox(global_unsubscribe=False)
    one = sandbox.add_list("One", opt_in_process="single_opt_in")
    two = sandbox.add_list("Two", opt_in_process="single_opt_in")
    for list_id in (one, two):
        sandbox.send(subscribe(ada("email"), list_id=list_id))
    sandbox.send(unsubscribe(ada_leaves("email"), list_id=one))
    (profile,) = sandbox.state()["profiles"]
    assert (profile["lists"], profile["list_suppressions"]) == ([two], [one])
    assert consents(sandbox) == {"email.marketing": "SUBSCRIBED"}
    sandbox.send(subscribe(ada("email"), list_id=one))
    (profile,) = sandbox.state()["profiles"]
    assert (profile["lists"], profile["list_suppressions"]) == (sorted([one, two]), [])


def test_unsubscribing_from_a_list_that_one_is_not_on_means_everywhere(sandbox: Sandbox) -> None:
    one = sandbox.add_list("One", opt_in_process="single_opt_in")
    two = sandbox.add_list("Two")
    sandbox.send(subscribe(ada("email"), list_id=one))
    sandbox.send(unsubscribe(ada_leaves("email"), list_id=two))
    assert consents(sandbox) == {"email.marketing": "UNSUBSCRIBED"}


def test_unsubscribing_ends_what_waits_for_a_confirmation(sandbox: Sandbox) -> None:
    sandbox.send(subscribe(ada("email", "sms")))
    sandbox.send(unsubscribe(ada_leaves("email")))
    assert sandbox.confirm("ada@b.co") == 1
    assert consents(sandbox) == {"email.marketing": "UNSUBSCRIBED", "sms.marketing": "SUBSCRIBED"}


@pytest.mark.parametrize(("count", "status"), [(100, 202), (101, 400)])
def test_how_many_a_call_unsubscribes(sandbox: Sandbox, count: int, status: int) -> None:
    gone = consent("email", says="UNSUBSCRIBED")
    rows = [profile_data(email=f"p{n}@b.co", subscriptions=gone) for n in range(count)]
    assert sandbox.send(unsubscribe(*rows)).status == status


def test_unsubscribing_takes_no_subscriptions_before_2024_10() -> None:
    sandbox = Sandbox()
    row = profile_data(email="ada@b.co")
    assert sandbox.send(unsubscribe(row, revision="2024-07-15")).status == 202
    assert consents(sandbox) == {"email.marketing": "UNSUBSCRIBED"}
    assert sandbox.send(unsubscribe(ada_leaves("email"), revision="2024-07-15")).status == 400
    assert sandbox.send(unsubscribe(row, revision="2025-01-15")).status == 400


def test_suppressing_and_lifting_it(sandbox: Sandbox) -> None:
    assert sandbox.send(suppress("ada@b.co", "bob@b.co")).status == 202
    assert [p["suppressions"] for p in sandbox.state()["profiles"]] == [["USER_SUPPRESSED"]] * 2
    assert sandbox.send(unsuppress("ada@b.co")).status == 202
    assert [p["suppressions"] for p in sandbox.state()["profiles"]] == [[], ["USER_SUPPRESSED"]]


def test_subscribing_lifts_a_suppression_but_importing_does_not() -> None:
    sandbox = Sandbox(opt_in="single_opt_in")
    sandbox.send(suppress("ada@b.co"))
    sandbox.send(bulk_import(profile_data(email="ada@b.co"), lists=(sandbox.add_list("Letters"),)))
    assert sandbox.state()["profiles"][0]["suppressions"] == ["USER_SUPPRESSED"]
    sandbox.send(subscribe(ada("email")))
    assert sandbox.state()["profiles"][0]["suppressions"] == []


def test_suppressing_a_list(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters")
    sandbox.send(bulk_import(profile_data(email="ada@b.co"), lists=(list_id,)))
    sandbox.send(upsert(email="bob@b.co"))
    kind = "profile-suppression-bulk-create-job"
    data = {"type": kind, "attributes": {}, "relationships": {"list": {"data": {"type": "list", "id": list_id}}}}
    assert sandbox.send(post("/api/profile-suppression-bulk-create-jobs", {"data": data})).status == 202
    assert [p["suppressions"] for p in sandbox.state()["profiles"]] == [["USER_SUPPRESSED"], []]


# As it was in 2023-02-22 --------------------------------------------------------------------------------------------

OLD = "2023-02-22"


def old(kind: str, **attributes: Any) -> Any:
    return post(f"/api/{kind}s", {"data": {"type": kind, "attributes": attributes}}, OLD)


def test_the_old_way_to_subscribe(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", opt_in_process="single_opt_in")
    rows = [
        {"email": "ada@b.co", "phone_number": PHONE, "channels": {"email": ["MARKETING"], "sms": []}},
        {"email": "bob@b.co"},
    ]
    kind = "profile-subscription-bulk-create-job"
    assert sandbox.send(old(kind, list_id=list_id, subscriptions=rows)).status == 202
    assert [list(p["subscriptions"]) for p in sandbox.state()["profiles"]] == [["email"], ["email"]]
    assert pointers(sandbox.send(old(kind, list_id="NOLIST", subscriptions=rows))) == ["/data/attributes/list_id"]
    unknown = [{"profile_id": "01NOBODY"}]
    place = "/data/attributes/subscriptions/0/profile_id"
    assert pointers(sandbox.send(old(kind, list_id=list_id, subscriptions=unknown))) == [place]
    assert pointers(sandbox.send(old(kind, list_id=list_id, subscriptions=[{}]))) == [
        "/data/attributes/subscriptions/0"
    ]
    known = sandbox.state()["profiles"][0]["id"]
    by_id = [{"profile_id": known, "channels": {"sms": ["MARKETING"]}}]
    assert sandbox.send(old(kind, list_id=list_id, subscriptions=by_id)).status == 202
    assert list(sandbox.state()["profiles"][0]["subscriptions"]) == ["email", "sms"]


def test_the_old_way_to_unsubscribe(sandbox: Sandbox) -> None:
    kind = "profile-unsubscription-bulk-create-job"
    assert sandbox.send(old(kind, emails=["ada@b.co"], phone_numbers=[PHONE])).status == 202
    assert [list(p["subscriptions"]) for p in sandbox.state()["profiles"]] == [["email"], ["sms"]]
    body = {"data": {"type": kind, "attributes": {"emails": ["ada@b.co"]}}}
    assert sandbox.send(post(f"/api/{kind}s", body, "2024-10-15")).status == 410


def test_the_old_way_to_suppress(sandbox: Sandbox) -> None:
    rows = [{"email": "ada@b.co"}]
    assert sandbox.send(old("profile-suppression-bulk-create-job", suppressions=rows)).status == 202
    assert sandbox.state()["profiles"][0]["suppressions"] == ["USER_SUPPRESSED"]
    assert sandbox.send(old("profile-unsuppression-bulk-create-job", suppressions=rows)).status == 202
    assert sandbox.state()["profiles"][0]["suppressions"] == []
