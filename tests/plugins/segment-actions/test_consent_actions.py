"""Subscribe and Unsubscribe Profile, field by field, in documented fidelity on the newest revision."""

from typing import Any

import pytest

from tests.support.segment_actions import LIST, TIME, attributes_of, only, rejection, run

CONSENT: dict[str, Any] = {
    "type": "track",
    "event": "User Subscribed",
    "timestamp": TIME,
    "userId": "u",
    "traits": {"email": "ada@example.com"},
    "context": {"traits": {"email": "old@example.com", "phone": "+15005550006"}},
}


class TestSubscribeProfile:
    def test_defaults(self) -> None:
        marketing = {"marketing": {"consent": "SUBSCRIBED"}}
        assert only("subscribeProfile", {}, CONSENT) == {
            "custom_source": "-59",
            "historical_import": False,
            "profiles": {
                "data": [
                    {
                        "type": "profile",
                        "attributes": {
                            "email": "ada@example.com",
                            "phone_number": "+15005550006",
                            "subscriptions": {"email": marketing, "sms": marketing},
                        },
                    }
                ]
            },
        }

    def test_list_id(self) -> None:
        (request,), _ = run("subscribeProfile", {"list_id": "L1"}, CONSENT)
        assert request.json["data"]["relationships"] == LIST

    def test_custom_source(self) -> None:
        assert only("subscribeProfile", {"custom_source": "Fair"}, CONSENT)["custom_source"] == "Fair"
        assert only("subscribeProfile", {"custom_source": ""}, CONSENT)["custom_source"] == "-59"

    @pytest.mark.parametrize(("given", "sent"), [(None, TIME), ("2020-01-01", "2020-01-01T00:00:00.000Z")])
    def test_consented_at(self, given: Any, sent: str) -> None:
        fields = {"historical_import": "true"} | ({"consented_at": given} if given else {})
        attributes = only("subscribeProfile", fields, CONSENT)
        subscriptions = attributes["profiles"]["data"][0]["attributes"]["subscriptions"]
        assert attributes["historical_import"] is True
        assert {channel["marketing"]["consented_at"] for channel in subscriptions.values()} == {sent}

    def test_historical_import_needs_a_time(self) -> None:
        assert "consented_at: required" in rejection(
            "subscribeProfile", {"historical_import": True, "consented_at": None}, CONSENT
        )

    def test_identifiers(self) -> None:
        profile = only("subscribeProfile", {"email": None}, CONSENT)["profiles"]["data"][0]["attributes"]
        assert set(profile) == {"phone_number", "subscriptions"}
        fields = {"email": "x@y.io", "phone_number": "415 555 2671", "country_code": "US"}
        profile = only("subscribeProfile", fields, CONSENT)["profiles"]["data"][0]["attributes"]
        assert (profile["email"], profile["phone_number"]) == ("x@y.io", "+14155552671")
        assert (
            rejection("subscribeProfile", {"email": None, "phone_number": None}, CONSENT)
            == "needs phone_number or email; map one"
        )

    def test_batches_share_list_source_and_history(self) -> None:
        fields = {"enable_batching": True, "list_id": {"@path": "$.properties.list"}, "phone_number": None}
        events = [
            CONSENT | {"userId": str(n), "messageId": str(n), "properties": {"list": f"L{n % 2}"}} for n in range(250)
        ]
        requests, outcomes = run("subscribeProfile", fields, *events)
        assert [len(attributes_of(request)["profiles"]["data"]) for request in requests] == [125, 125]
        assert {outcome.kind for outcome in outcomes} == {"delivered"}
        requests, _ = run("subscribeProfile", fields, *events, wire="native")
        assert [len(attributes_of(request)["profiles"]["data"]) for request in requests] == [100, 25, 100, 25]

    @pytest.mark.parametrize("value", [None, "", False])
    def test_historical_import_is_always_sent(self, value: object) -> None:
        assert only("subscribeProfile", {"historical_import": value}, CONSENT)["historical_import"] is False

    @pytest.mark.parametrize("time", ["2024-03-01 10:20", 1709288430123])
    def test_consented_at_keeps_its_form_in_deployed_fidelity(self, time: object) -> None:
        fields = {"historical_import": True, "consented_at": time, "phone_number": None}
        (request,), _ = run("subscribeProfile", fields, CONSENT, fidelity="deployed", wire="native")
        (profile,) = attributes_of(request)["profiles"]["data"]
        marketing = profile["attributes"]["subscriptions"]["email"]["marketing"]
        assert marketing == {"consent": "SUBSCRIBED", "consented_at": time}

    def test_items_without_identifier_are_not_dropped_silently(self) -> None:
        nobody = {"type": "track", "event": "E", "userId": "n", "messageId": "n"}
        fields = {"enable_batching": True}
        requests, outcomes = run("subscribeProfile", fields, CONSENT, nobody)
        assert (len(requests), [outcome.kind for outcome in outcomes]) == (1, ["delivered", "rejected"])
        _, outcomes = run("subscribeProfile", fields, CONSENT, nobody, fidelity="deployed")
        assert [outcome.kind for outcome in outcomes] == ["delivered", "delivered"]
        assert outcomes[1].notes == (
            "dropped, as Segment drops it without an error: needs phone_number or email; map one",
        )


class TestUnsubscribeProfile:
    def test_defaults(self) -> None:
        gone = {"consent": "UNSUBSCRIBED"}
        (request,), _ = run("unsubscribeProfile", {"list_id": "L1"}, CONSENT)
        assert request.path == "/api/profile-subscription-bulk-delete-jobs"
        assert request.json["data"]["relationships"] == LIST
        assert attributes_of(request)["profiles"]["data"] == [
            {
                "type": "profile",
                "attributes": {
                    "email": "ada@example.com",
                    "phone_number": "+15005550006",
                    "subscriptions": {"email": {"marketing": gone}, "sms": {"marketing": gone, "transactional": gone}},
                },
            }
        ]

    def test_identifiers(self) -> None:
        fields = {"email": "x@y.io", "phone_number": "415 555 2671", "country_code": "US"}
        profile = only("unsubscribeProfile", fields, CONSENT)["profiles"]["data"][0]["attributes"]
        assert (profile["email"], profile["phone_number"]) == ("x@y.io", "+14155552671")
        assert "needs phone_number or email" in rejection(
            "unsubscribeProfile", {"email": None, "phone_number": None}, CONSENT
        )

    def test_a_batch_of_nobody(self) -> None:
        nobody = [{"type": "track", "event": "E", "userId": n, "messageId": n} for n in ("n", "o")]
        for action, deployed in (("unsubscribeProfile", "delivered"), ("subscribeProfile", "rejected")):
            for fidelity, kind in (("deployed", deployed), ("documented", "rejected")):
                requests, outcomes = run(action, {"enable_batching": True}, *nobody, fidelity=fidelity)
                assert (requests, [outcome.kind for outcome in outcomes]) == ([], [kind, kind])

    def test_batch(self) -> None:
        events = [CONSENT | {"userId": str(n), "messageId": str(n)} for n in range(150)]
        requests, outcomes = run("unsubscribeProfile", {"enable_batching": True}, *events)
        assert [len(attributes_of(request)["profiles"]["data"]) for request in requests] == [100, 50]
        assert len(outcomes) == 150
