"""Identify on the server, row by row and sample by sample of Segment's document."""

from typing import Any

import pytest

from tests.support.segment_classic import document, outcome, rehearsed, sent_traits

SERENA = {
    "type": "identify",
    "userId": "019mr8mf4r",
    "traits": {"name": "Serena Williams", "email": "swilliams@sportstech.com", "plan": "Enterprise", "friends": 42},
}

# The table "Server-side Identify".
SERVER_TABLE: list[tuple[dict[str, Any], str, Any]] = [
    ({"email": "a@b.co"}, "$email", "a@b.co"),
    ({"phoneNumber": "+14155552671"}, "$phone_number", "+14155552671"),
    ({"organization": "Acme"}, "$organization", "Acme"),
    ({"firstName": "Serena"}, "$first_name", "Serena"),
    ({"lastName": "Williams"}, "$last_name", "Williams"),
    ({"title": "CTO"}, "$title", "CTO"),
    ({"city": "Tokyo"}, "$city", "Tokyo"),
    ({"region": "Kanto"}, "$region", "Kanto"),
    ({"state": "CA"}, "$region", "CA"),
    ({"country": "JP"}, "$country", "JP"),
    ({"timezone": "Asia/Tokyo"}, "$timezone", "Asia/Tokyo"),
    ({"zip": "94103"}, "$zip", "94103"),
]


@pytest.mark.parametrize(("traits", "special", "value"), SERVER_TABLE, ids=[next(iter(row[0])) for row in SERVER_TABLE])
def test_a_row_of_the_table(traits: dict[str, Any], special: str, value: object) -> None:
    assert sent_traits(traits) == {**traits, special: value, "id": "u-1", "$id": "u-1"}


def test_the_user_id_becomes_the_id() -> None:
    assert sent_traits({}, user_id="user123") == {"id": "user123", "$id": "user123"}


def test_the_first_sample() -> None:
    sample = {"type": "identify", "userId": "user123", "traits": {"name": "Serena Williams", "gender": "female"}}
    assert document(sample) == {
        "token": "PUBKEY",
        "properties": {
            "name": "Serena Williams",
            "gender": "female",
            "id": "user123",
            "$id": "user123",
            "$first_name": "Serena",
            "$last_name": "Williams",
        },
    }


def test_a_user_id_that_is_an_address_is_the_email() -> None:
    assert sent_traits({}, user_id="ada@example.com")["$email"] == "ada@example.com"
    assert sent_traits({"email": "b@example.com"}, user_id="ada@example.com")["$email"] == "b@example.com"
    assert "$email" not in sent_traits({}, user_id="ada@example")


def test_places_are_read_from_the_address_first() -> None:
    traits = {
        "address": {"city": "Tokyo", "postalCode": "1", "state": "CA"},
        "city": "Paris",
        "zip": "2",
        "country": "JP",
    }
    found = sent_traits(traits)
    assert (found["$city"], found["$zip"], found["$region"], found["$country"]) == ("Tokyo", "1", "CA", "JP")
    assert sent_traits({"state": "CA", "region": "Kanto"})["$region"] == "Kanto"


def test_titles_and_phones_have_fallbacks() -> None:
    assert sent_traits({"position": "CTO", "jobTitle": "Chief"})["$title"] == "CTO"
    assert sent_traits({"jobTitle": "Chief"})["$title"] == "Chief"
    assert sent_traits({"phone": "+1"})["$phone_number"] == "+1"
    assert sent_traits({"phones": ["+2", "+3"]})["$phone_number"] == "+2"
    assert "$organization" not in sent_traits({"company": "Acme"})


def test_nulls_at_the_top_are_dropped_and_inner_ones_kept() -> None:
    assert sent_traits({"plan": None, "car": {"make": None}}) == {
        "car": {"make": None},
        "id": "u-1",
        "$id": "u-1",
    }


def test_names_are_cut_from_the_whole_one() -> None:
    found = sent_traits({"name": " Ana  de Armas "})
    assert (found["$first_name"], found["$last_name"]) == ("Ana", "de Armas")
    assert "$last_name" not in sent_traits({"name": "Cher"})
    assert sent_traits({"firstName": "", "name": "Cher"})["$first_name"] == ""


def test_dates_are_not_read_as_names() -> None:
    assert sent_traits({"firstName": "2014-05-06", "name": "May"})["$first_name"] == "May"
    assert sent_traits({"born": "2014-05-06"})["born"] == "2014-05-06T00:00:00.000Z"


# Adding users to a list ----------------------------------------------------------------------------------------------


def test_the_list_sample() -> None:
    options = {"integrations": {"Klaviyo": {"listId": "baV129", "confirmOptin": False}}}
    found = rehearsed({**SERENA, **options}, list_id="other")
    assert [request.path for request in found.requests] == ["/api/v1/list/baV129/members"]
    assert document({**SERENA, **options}) == {
        "email": "swilliams@sportstech.com",
        "api_key": "pk_secret_0123456789",
        "confirm_optin": "false",
        "properties": {
            **SERENA["traits"],  # type: ignore[dict-item]  # a dict in a dict of several kinds
            "id": "019mr8mf4r",
            "$id": "019mr8mf4r",
            "$email": "swilliams@sportstech.com",
            "$first_name": "Serena",
            "$last_name": "Williams",
        },
    }


def test_the_default_list_and_opt_in() -> None:
    assert document(SERENA, list_id="baV129")["confirm_optin"] == "true"
    assert document(SERENA, list_id="baV129", confirm_optin=False)["confirm_optin"] == "false"
    overridden = {**SERENA, "integrations": {"Klaviyo": {"confirmOptin": True}}}
    assert document(overridden, list_id="baV129", confirm_optin=False)["confirm_optin"] == "true"


@pytest.mark.parametrize(
    ("change", "settings"),
    [({"traits": {}}, {"list_id": "L"}), ({}, {"list_id": "L", "private_key": ""}), ({}, {"list_id": ""})],
    ids=["no email", "no private key", "no list"],
)
def test_without_all_three_no_list_call_is_made(change: dict[str, Any], settings: dict[str, Any]) -> None:
    assert "token" in document({**SERENA, **change}, **settings)


def test_an_address_as_user_id_is_enough_for_the_list() -> None:
    assert document({"type": "identify", "userId": "a@b.co"}, list_id="L")["email"] == "a@b.co"


@pytest.mark.parametrize(
    ("flag", "sent"), [("false", "false"), ("no", "false"), (0, "false"), ("Yes", "true"), (None, "true"), ("", "true")]
)
def test_the_opt_in_flag_of_a_message_may_be_text(flag: Any, sent: str) -> None:
    event = {**SERENA, "integrations": {"Klaviyo": {"listId": "L", "confirmOptin": flag}}}
    assert document(event)["confirm_optin"] == sent


@pytest.mark.parametrize("flag", ["perhaps", 2, ["false"]])
def test_an_opt_in_flag_that_is_not_understood_is_noted(flag: Any) -> None:
    event = {**SERENA, "integrations": {"Klaviyo": {"listId": "L", "confirmOptin": flag}}}
    assert document(event, confirm_optin=False)["confirm_optin"] == "false"
    (note,) = outcome(event).notes
    assert note.startswith("integrations.Klaviyo.confirmOptin left out: ")


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("tel:+1-617-555-1333", "+16175551333"),
        ("+1 617-555-1333 x12", None),
        ("+1 800 FLOWERS", None),
        ("617 555 1333", None),
    ],
)
def test_cleaning_a_phone_number_never_makes_another_one(phone: str, number: str | None) -> None:
    (request,) = rehearsed({**SERENA, "traits": {"phone": phone}}, wire="current").requests
    attributes = request.json["data"]["attributes"]
    assert (attributes.get("phone_number"), attributes["properties"]["phone"]) == (number, phone)
    notes = outcome({**SERENA, "traits": {"phone": phone}}, wire="current").notes
    assert [note.split(":")[0] for note in notes] == ([] if number else ["$phone_number left out"])
    assert sent_traits({"phone": phone}, fidelity="deployed")["$phone_number"] == phone


def test_an_unusable_list_id_is_rejected() -> None:
    event = {**SERENA, "integrations": {"klaviyo": {"listId": {"id": 1}}}}
    assert "listId" in outcome(event).reason


# Enforce email, anonymous ids ----------------------------------------------------------------------------------------


def test_enforced_email_makes_the_user_id_a_custom_attribute() -> None:
    assert sent_traits({"email": "a@b.co"}, enforce_email=True) == {
        "email": "a@b.co",
        "id": "u-1",
        "$email": "a@b.co",
    }


def test_enforced_email_needs_one() -> None:
    found = outcome({"type": "identify", "userId": "u-1", "traits": {"plan": "x"}}, enforce_email=True)
    assert (found.kind, "enforce_email" in found.reason) == ("rejected", True)


def test_a_user_id_is_required() -> None:
    event = {"type": "identify", "anonymousId": "a-1", "traits": {"email": "a@b.co"}}
    found = outcome(event)
    assert (found.kind, found.reason) == (
        "rejected",
        "userId is required: send one, or set send_anonymous to true",
    )
    assert document(event, send_anonymous=True)["properties"]["$id"] == "a-1"
    assert "id" not in document(event, send_anonymous=True)["properties"]


# As deployed ---------------------------------------------------------------------------------------------------------


def deployed(traits: dict[str, Any], **settings: Any) -> Any:
    return sent_traits(traits, fidelity="deployed", **settings)


def test_deployed_ignores_phone_number_and_time_zone() -> None:
    assert "$phone_number" not in deployed({"phoneNumber": "+1"})
    assert "$timezone" not in deployed({"timezone": "Asia/Tokyo"})
    event = {"type": "identify", "userId": "u", "context": {"timezone": "Europe/Paris"}}
    assert document(event, fidelity="deployed")["properties"]["$timezone"] == "Europe/Paris"


def test_deployed_cuts_last_names_after_padding() -> None:
    assert deployed({"name": "  Ana Armas"})["$last_name"] == "a Armas"
    assert sent_traits({"name": "  Ana Armas"})["$last_name"] == "Armas"


def test_deployed_enforced_email_deletes_both_ids() -> None:
    assert deployed({"email": "a@b.co"}, enforce_email=True) == {"email": "a@b.co", "$email": "a@b.co"}
    assert deployed({"plan": "x"}, enforce_email=True) == {"plan": "x"}


def test_deployed_enforced_email_may_delete_a_trait_instead() -> None:
    assert deployed({"ID": 7}, enforce_email=True) == {"$id": "u-1"}


def test_deployed_confirm_optin_is_sent_only_where_it_is_set() -> None:
    assert "confirm_optin" not in document(SERENA, list_id="L", fidelity="deployed")
    assert document(SERENA, list_id="L", confirm_optin=True, fidelity="deployed")["confirm_optin"] == "true"
