"""Identify on the server: the traits of a profile, or a new member of a list.

Source: Segment's page on its Klaviyo destination, "Server-side Identify" and "Adding users to a list".
"""

from typing import Any

from klavier.events.model import Identify, JsonObject
from klavier.jsvalues import to_string
from klavier.klaviyo.legacy import IdentifyCall, LegacyCall, MemberCall
from klavier.values import read_boolean
from klavier.vendor import RejectEvent
from klavier_segment_classic.eligibility import read_options
from klavier_segment_classic.facade.dates import read_dates
from klavier_segment_classic.facade.keys import UNDEFINED, Keys, count_names, first_truthy, is_truthy, without
from klavier_segment_classic.facade.profile import Profile, find_email
from klavier_segment_classic.personas import LIST_NOTE, is_audience, rename_audience_trait
from klavier_segment_classic.rules import Rules
from klavier_segment_classic.tables.profile import SERVER

BOTH_IDS = count_names("id", "$id")
"""What enforce_email deletes as deployed: two spellings of `id`, also the user's own traits."""


def translate_identify(event: Identify, rules: Rules, notes: list[str]) -> list[LegacyCall]:
    """Return the one call of an identify message; raises `RejectEvent`."""
    profile = read_profile(event, rules)
    properties = _properties(event, profile, rules)
    rules.require_identity(properties)
    options = read_options(event)
    list_id = first_truthy(options.get("listId"), rules.settings.list_id)
    address = find_email(profile)
    if not (is_truthy(list_id) and is_truthy(address) and rules.settings.private_key):
        return [IdentifyCall({"token": rules.settings.api_key, "properties": properties})]
    if isinstance(list_id, (dict, list)):
        raise RejectEvent("integrations.Klaviyo.listId: not a list id; send a string")
    if is_audience(event):
        notes.append(LIST_NOTE)
    return [
        MemberCall(
            list_id=to_string(list_id),
            email=address,
            properties=properties,
            api_key=rules.settings.private_key,
            confirm_optin=_confirm_optin(options, rules, notes),
        )
    ]


def read_profile(event: Identify, rules: Rules) -> Profile:
    """Read an identify message: its traits, with the user id as `id` among them."""
    traits: JsonObject = read_dates(event.traits)
    if rules.fidelity.audience_names:
        traits = rename_audience_trait(event, traits)
    user_id = read_dates(event.user_id)
    if is_truthy(user_id):
        traits = {**traits, "id": user_id}
    return Profile(Keys(traits), user_id, event.context, rules.fidelity)


def _properties(event: Identify, profile: Profile, rules: Rules) -> JsonObject:
    """Return all traits and, beside them, the special properties; what is null at the top is dropped."""
    properties = dict(profile.traits.members)
    for name, special, find in SERVER:
        value = find(profile, name)
        if value is not UNDEFINED:
            properties[special] = value
    if rules.settings.enforce_email and rules.fidelity.custom_id:
        properties.pop("$id", None)
    elif (found := rules.find_id(event)) is not UNDEFINED:
        properties["$id"] = found
    properties = {key: value for key, value in properties.items() if value is not None}
    if rules.settings.enforce_email and not rules.fidelity.custom_id:
        return without(properties, BOTH_IDS)
    return properties


def _confirm_optin(options: JsonObject, rules: Rules, notes: list[str]) -> Any:
    """Return the message's own flag, else the setting, else the default of the fidelity."""
    if rules.fidelity.reads_as_javascript and "confirmOptin" in options:
        return options["confirmOptin"]
    flag, reason = read_boolean(options.get("confirmOptin"))
    if flag is not None:
        return flag
    if reason:
        notes.append(f"integrations.Klaviyo.confirmOptin left out: {reason}")
    setting = rules.settings.confirm_optin
    return rules.fidelity.confirm_optin if setting is None else setting
