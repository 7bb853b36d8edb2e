"""What Klaviyo takes as the body of each call, by revision."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from klavier.sandbox.bodies import consent, events, lists, profiles
from klavier.sandbox.rules import Rules
from klavier.sandbox.shape import Check

_BODIES: Mapping[str, Callable[[Rules], Check]] = {
    "create_event": events.create_event,
    "create_client_event": events.create_client_event,
    "bulk_create_events": events.bulk_create_events,
    "bulk_create_client_events": events.bulk_create_client_events,
    "create_profile": profiles.create_profile,
    "update_profile": profiles.update_profile,
    "create_or_update_profile": profiles.create_or_update_profile,
    "create_client_profile": profiles.create_client_profile,
    "bulk_import_profiles": profiles.bulk_import_profiles,
    "merge_profiles": profiles.merge_profiles,
    "request_profile_deletion": profiles.request_profile_deletion,
    "bulk_subscribe_profiles": consent.bulk_subscribe_profiles,
    "bulk_unsubscribe_profiles": consent.bulk_unsubscribe_profiles,
    "old_unsubscribe_profiles": consent.old_unsubscribe_profiles,
    "bulk_suppress_profiles": consent.bulk_suppress_profiles,
    "bulk_unsuppress_profiles": consent.bulk_unsuppress_profiles,
    "old_unsuppress_profiles": consent.old_unsuppress_profiles,
    "create_client_subscription": consent.create_client_subscription,
    "create_list": lists.create_list,
    "add_profiles_to_list": lists.profile_references,
    "remove_profiles_from_list": lists.profile_references,
}


@lru_cache(maxsize=512)
def body_check(operation: str, rules: Rules) -> Check | None:
    """Give the check of an operation's body in a revision; None for one that takes no JSON:API body."""
    make = _BODIES.get(operation)
    return None if make is None else make(rules)
