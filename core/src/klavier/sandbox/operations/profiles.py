"""Profiles one by one: create, read, update, upsert, merge."""

from collections.abc import Iterable
from typing import Any

from klavier.sandbox.exchange import Exchange, Reply
from klavier.sandbox.filters import Condition, read_filter
from klavier.sandbox.patches import clear_identifiers, usable, write_attributes, write_meta
from klavier.sandbox.profile import Profile
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.refused import RefusedError
from klavier.sandbox.resources import collection, profile_resource

_EXACT = frozenset({"any", "equals"})
_RANGE = frozenset({"greater-than", "greater-or-equal", "less-than", "less-or-equal"})
_FILTERS = {
    "id": _EXACT,
    "email": _EXACT,
    "phone_number": _EXACT,
    "external_id": _EXACT,
    "_kx": frozenset({"equals"}),
    "created": _RANGE,
    "updated": _RANGE,
}


def create_profile(exchange: Exchange) -> Reply:
    """POST /api/profiles; 409 where an identifier is taken."""
    attributes = usable(exchange.attributes, exchange.partial)
    profiles = exchange.account.profiles
    identifiers = identifiers_in(attributes)
    profiles.refuse_taken(identifiers)
    profile = profiles.create(identifiers, exchange.now)
    write_attributes(profile, attributes)
    return Reply(201, {"data": profile_resource(profile)})


def update_profile(exchange: Exchange) -> Reply:
    """PATCH /api/profiles/{id}; 409 where a new identifier is somebody else's."""
    profile = _profile_of(exchange)
    if exchange.data["id"] != profile.id:
        raise RefusedError(400, "The id in the body is not the one in the path.", pointer="/data/id")
    attributes = usable(exchange.attributes, exchange.partial)
    profiles = exchange.account.profiles
    identifiers = identifiers_in(attributes)
    profiles.refuse_taken(identifiers, but=profile)
    profile = profiles.attribute(identifiers, exchange.now, change=True, profile_id=profile.id)
    _finish(exchange, profile, attributes, exchange.data.get("meta"))
    return Reply(200, {"data": profile_resource(profile)})


def create_or_update_profile(exchange: Exchange) -> Reply:
    """POST /api/profile-import; 201 for a new profile, 200 for a known one."""
    profile, created = upsert(exchange, exchange.data, clears=True)
    return Reply(201 if created else 200, {"data": profile_resource(profile)})


def upsert(exchange: Exchange, data: dict[str, Any], *, clears: bool) -> tuple[Profile, bool]:
    """Create or update the profile of one resource; `clears` tells whether null takes away."""
    attributes = usable(data["attributes"], exchange.partial)
    profile, created = exchange.account.profiles.upsert(data.get("id"), identifiers_in(attributes), exchange.now)
    _finish(exchange, profile, attributes, data.get("meta"), clears=clears)
    return profile, created


def _finish(
    exchange: Exchange, profile: Profile, attributes: dict[str, Any], meta: Any, *, clears: bool = True
) -> None:
    if clears:
        clear_identifiers(exchange.account.profiles, profile, attributes)
    write_attributes(profile, attributes, clears=clears)
    write_meta(profile, meta)
    profile.updated = int(exchange.now)


def get_profile(exchange: Exchange) -> Reply:
    """GET /api/profiles/{id}."""
    return Reply(200, {"data": profile_resource(_profile_of(exchange))})


def get_profiles(exchange: Exchange) -> Reply:
    """GET /api/profiles, with `filter` and pages of at most 100."""
    conditions = read_filter(exchange.incoming.params.get("filter"), _FILTERS)
    found = [profile for profile in _candidates(exchange, conditions) if _meets(profile, conditions)]
    found.sort(key=lambda profile: profile.id)
    return collection(exchange, [profile_resource(profile) for profile in found], 20)


def _candidates(exchange: Exchange, conditions: list[Condition]) -> Iterable[Profile]:
    """Use an index where a condition names identifiers."""
    profiles = exchange.account.profiles
    for condition in conditions:
        if condition.field == "id":
            return {id(p): p for v in condition.values if (p := profiles.by_id.get(v))}.values()
        if condition.field not in ("created", "updated"):
            owners = (profiles.owner(condition.field, value) for value in condition.values)
            return {id(p): p for p in owners if p is not None}.values()
    return profiles


def _meets(profile: Profile, conditions: list[Condition]) -> bool:
    for condition in conditions:
        name = condition.field
        if name in ("created", "updated", "id"):
            held: Any = getattr(profile, name)
        else:
            held = profile.identifiers.get(name)
        if name == "email":
            condition = Condition(condition.operator, name, tuple(v.lower() for v in condition.values))  # noqa: PLW2901 -- e-mail addresses compare in lower case
        if not condition.holds(held):
            return False
    return True


def merge_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-merge; the destination wins where both have something."""
    profiles = exchange.account.profiles
    keep = profiles.by_id.get(exchange.data["id"])
    sources = [item["id"] for item in exchange.data["relationships"]["profiles"]["data"]]
    for found in (exchange.data["id"], *sources):
        if found not in profiles.by_id:
            raise RefusedError(404, f"A profile with id {found} does not exist.", pointer="/data/")
    if keep is None or keep.id in sources:
        raise RefusedError(400, "A profile cannot be merged into itself.", pointer="/data/relationships/profiles")
    for source in dict.fromkeys(sources):
        profiles.merge(keep, profiles.by_id[source])
    return Reply(202, {"data": {"type": "profile", "id": keep.id, "links": {"self": ""}}})


def _profile_of(exchange: Exchange) -> Profile:
    found = exchange.account.profiles.by_id.get(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A profile with id {exchange.path_id} does not exist.", pointer="/data/")
    return found
