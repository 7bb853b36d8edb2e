"""Identify on the server: a person's traits, or a new member of a list.

Source: Segment's page on its Klaviyo destination, "Server-side Identify" and "Adding users to a list".
"""

from typing import Any

from klavier.events.model import Identify, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.legacy import IdentifyCall, LegacyCall, MemberCall
from klavier_segment_classic.facade.dates import dated
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, counted, first_truthy, truly, without
from klavier_segment_classic.facade.people import Person, email
from klavier_segment_classic.gates import options_of
from klavier_segment_classic.message import Refused, Translation
from klavier_segment_classic.personas import LIST_NOTE, audience_traits, is_audience
from klavier_segment_classic.tables.people import SERVER

BOTH_IDS = counted("id", "$id")
"""What enforce_email deletes as deployed: two spellings of `id`, be they the user's own."""


def identify(event: Identify, how: Translation, notes: list[str]) -> list[LegacyCall]:
    """Give the one call of an identify message; raises `Refused`."""
    person = person_of(event, how)
    properties = _properties(event, person, how)
    how.check(properties)
    options = options_of(event)
    list_id = first_truthy(options.get("listId"), how.settings.list_id)
    address = email(person)
    if not (truly(list_id) and truly(address) and how.settings.private_key):
        return [IdentifyCall({"token": how.settings.api_key, "properties": properties})]
    if isinstance(list_id, (dict, list)):
        raise Refused("integrations.Klaviyo.listId must be the id of a list, a string")
    if is_audience(event):
        notes.append(LIST_NOTE)
    return [
        MemberCall(
            list_id=to_string(list_id),
            email=address,
            properties=properties,
            api_key=how.settings.private_key,
            confirm_optin=_confirm_optin(options, how),
        )
    ]


def person_of(event: Identify, how: Translation) -> Person:
    """Read an identify message: its traits, with the user id as `id` among them."""
    traits: JsonObject = dated(event.traits)
    if how.points.audience_names:
        traits = audience_traits(event, traits)
    user_id = dated(event.user_id)
    if truly(user_id):
        traits = {**traits, "id": user_id}
    return Person(Keys(traits), user_id, event.context, how.points)


def _properties(event: Identify, person: Person, how: Translation) -> JsonObject:
    """Give all traits and, beside them, the special properties; what is null at the top is dropped."""
    properties = dict(person.traits.members)
    for name, special, rule in SERVER:
        value = rule(person, name)
        if value is not UNDEFINED:
            properties[special] = value
    if how.settings.enforce_email and how.points.custom_id:
        properties.pop("$id", None)
    elif (found := how.id_of(event)) is not UNDEFINED:
        properties["$id"] = found
    properties = {key: value for key, value in properties.items() if value is not None}
    if how.settings.enforce_email and not how.points.custom_id:
        return without(properties, BOTH_IDS)
    return properties


def _confirm_optin(options: JsonObject, how: Translation) -> Any:
    if "confirmOptin" in options:
        return options["confirmOptin"]
    given = how.settings.confirm_optin
    return how.points.confirm_optin if given is None else given
