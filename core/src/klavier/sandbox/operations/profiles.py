"""Profiles one by one: create, read, update, upsert, merge."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.klaviyo.limits import PROFILE_BYTES
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.filters import EXACT, RANGE, Field
from klavier.sandbox.patches import clear_identifiers, usable, write_attributes, write_meta
from klavier.sandbox.profile import Profile
from klavier.sandbox.profile_schema import attributes, email, identified, maybe_null, meta, phone_flaw
from klavier.sandbox.profiles import identifiers_in
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import Resource, identifier, list_resource, profile_resource
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, Flaw, both, many, nullable, one_of, record, reference, resource, text, wrapped

# Schemas -------------------------------------------------------------------------------------------------------------


def _until_2025_10(rules: Rules) -> tuple[str, ...]:
    return () if rules.has("anonymous_id of events only") else ("anonymous_id",)


def create_profile_schema(rules: Rules) -> Check:
    """POST /api/profiles."""
    shape = resource("profile", record("profile", attributes(rules)))
    return wrapped(both(shape, identified(rules, PROFILE_IDENTIFIERS)), "document")


def update_profile_schema(rules: Rules) -> Check:
    """PATCH /api/profiles/{id}; any attributes, or none."""
    known = record("profile", attributes(rules, *_until_2025_10(rules)))
    members = {"type": one_of("profile"), "id": text(), "attributes": known, **meta(rules)}
    return wrapped(both(record("profile", members, ("type", "id", "attributes")), _updatable(rules)), "document")


def _updatable(rules: Rules) -> Check:
    measures = rules.measures

    def check(value: Any) -> list[Flaw] | None:
        found = value["attributes"]
        if measures and len(orjson.dumps(found)) > PROFILE_BYTES:
            return [("/attributes", f"Invalid input: ensure this profile has no more than {PROFILE_BYTES} bytes.")]
        flaw = phone_flaw(found, sms=True, others=True)
        return [(f"/attributes{flaw[0]}", flaw[1])] if flaw else None

    return check


def upsert_schema(rules: Rules) -> Check:
    """POST /api/profile-import."""
    return wrapped(upserted_schema(rules), "document")


def upserted_schema(rules: Rules) -> Check:
    """Return the schema of one upserted profile, alone or in a bulk import."""
    extra = ("_kx", *_until_2025_10(rules))
    known = attributes(rules, *extra)
    shape = resource("profile", record("profile", known), id=nullable(text()), **meta(rules))
    return both(shape, identified(rules, (*PROFILE_IDENTIFIERS, *(kind for kind in extra if kind in known))))


def merge_schema(_: Rules) -> Check:
    """POST /api/profile-merge; one source."""
    sources = wrapped(many(reference("profile"), 1), "profiles")
    members = {
        "type": one_of("profile-merge"),
        "id": text(),
        "relationships": record("profile-merge", {"profiles": sources}, ("profiles",)),
    }
    return wrapped(record("profile-merge", members, ("type", "id", "relationships")), "document")


def deletion_schema(rules: Rules) -> Check:
    """POST /api/data-privacy-deletion-jobs; exactly one identifier."""
    identifiers = {"email": email(rules), "phone_number": maybe_null(rules, text())}
    kind = "data-privacy-deletion-job"
    if not rules.has("profiles in jobs"):
        flat = record(kind, {**identifiers, "profile_id": text()})
        return wrapped(resource(kind, both(flat, _exactly_one)), "document")
    profile = resource("profile", record("profile", identifiers), id=nullable(text()))
    job = record(kind, {"profile": wrapped(both(profile, _one_in_profile))}, ("profile",))
    return wrapped(resource(kind, job), "document")


def _one_in_profile(value: Any) -> list[Flaw] | None:
    return _exactly_one({"id": value.get("id"), **value["attributes"]})


def _exactly_one(value: Any) -> list[Flaw] | None:
    given = [item for item in value.values() if item]
    return None if len(given) == 1 else [("", "Exactly one identifier is required: id, email or phone_number.")]


# Writes --------------------------------------------------------------------------------------------------------------


def create_profile(exchange: Exchange) -> Reply:
    """POST /api/profiles; 409 where an identifier is taken."""
    given = usable(exchange.attributes, exchange.partial)
    profiles = exchange.account.profiles
    identifiers = identifiers_in(given)
    profiles.refuse_taken(identifiers)
    profile = profiles.create(identifiers, exchange.now)
    write_attributes(profile, given)
    return one(exchange, profile_resource(exchange, profile), 201)


def update_profile(exchange: Exchange) -> Reply:
    """PATCH /api/profiles/{id}; 409 where a new identifier is another profile's."""
    profile = profile_in_path(exchange)
    if exchange.data["id"] != profile.id:
        raise RefusedError(400, "The id in the body is not the one in the path.", pointer="/data/id")
    given = usable(exchange.attributes, exchange.partial)
    profiles = exchange.account.profiles
    identifiers = identifiers_in(given)
    profiles.refuse_taken(identifiers, but=profile)
    profile = profiles.attribute(identifiers, exchange.now, change=True, profile_id=profile.id)
    _finish(exchange, profile, given, exchange.data.get("meta"))
    return one(exchange, profile_resource(exchange, profile))


def create_or_update_profile(exchange: Exchange) -> Reply:
    """POST /api/profile-import; 201 for a new profile, 200 for a known one."""
    profile, created = upsert(exchange, exchange.data, clears=True)
    return one(exchange, profile_resource(exchange, profile), 201 if created else 200)


def upsert(exchange: Exchange, data: dict[str, Any], *, clears: bool) -> tuple[Profile, bool]:
    """Create or update the profile of one resource, and return whether it is new; `clears` is whether null removes."""
    given = usable(data["attributes"], exchange.partial)
    profile, created = exchange.account.profiles.upsert(data.get("id"), identifiers_in(given), exchange.now)
    _finish(exchange, profile, given, data.get("meta"), clears=clears)
    return profile, created


def _finish(exchange: Exchange, profile: Profile, given: dict[str, Any], meta: Any, *, clears: bool = True) -> None:
    if clears:
        clear_identifiers(exchange.account.profiles, profile, given)
    write_attributes(profile, given, clears=clears)
    write_meta(profile, meta)
    profile.updated = int(exchange.now)


def merge_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-merge; the destination wins where both have a value."""
    profiles = exchange.account.profiles
    source = exchange.data["relationships"]["profiles"]["data"][0]["id"]
    for found in (exchange.data["id"], source):
        if profiles.find(found) is None:
            raise RefusedError(404, f"A profile with id {found} does not exist.", pointer="/data/")
    keep = profiles.by_id[exchange.data["id"]]
    if keep.id == source:
        raise RefusedError(400, "A profile cannot be merged into itself.", pointer="/data/relationships/profiles")
    profiles.merge(keep, profiles.by_id[source])
    resource = profile_resource(exchange, keep)
    return one(exchange, {name: resource[name] for name in ("type", "id", "links")}, 201)


def request_profile_deletion(exchange: Exchange) -> Reply:
    """POST /api/data-privacy-deletion-jobs; accepted for unknown profiles too."""
    given, profiles = exchange.attributes, exchange.account.profiles
    if exchange.rules.has("profiles in jobs"):
        data = given["profile"]["data"]
        found, known = data.get("id"), data["attributes"]
    else:
        found, known = given.get("profile_id"), given
    profile = profiles.by_id.get(found) if found else None
    for kind in ("email", "phone_number"):
        if known.get(kind):
            profile = profiles.owner(kind, known[kind])
    if profile is not None:
        profiles.delete(profile)
    return Reply(202)


# Reads ---------------------------------------------------------------------------------------------------------------


def get_profile(exchange: Exchange) -> Reply:
    """GET /api/profiles/{id}."""
    profile = profile_in_path(exchange)
    return one(exchange, profile_resource(exchange, profile), included=_included(exchange, profile))


def get_profiles(exchange: Exchange) -> Reply:
    """GET /api/profiles."""
    return page(
        exchange, _candidates(exchange), lambda row: profile_resource(exchange, row), lambda row: row.id, lambda _: ()
    )


def get_lists_for_profile(exchange: Exchange) -> Reply:
    """GET /api/profiles/{id}/lists."""
    lists = [exchange.account.lists[found] for found in profile_in_path(exchange).lists]
    return page(exchange, lists, lambda row: list_resource(exchange, row), lambda row: row.id)


def get_list_ids_for_profile(exchange: Exchange) -> Reply:
    """GET /api/profiles/{id}/relationships/lists."""
    return page(exchange, profile_in_path(exchange).lists, lambda row: identifier("list", row), str)


def get_segments_for_profile(exchange: Exchange) -> Reply:
    """GET /api/profiles/{id}/segments and /relationships/segments; a sandbox has no segments."""
    profile_in_path(exchange)
    return page(exchange, (), lambda row: row, str)


def profile_in_path(exchange: Exchange) -> Profile:
    """Return the profile whose id is in the path; raises `RefusedError` (404) for an unknown one."""
    found = exchange.account.profiles.find(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A profile with id {exchange.path_id} does not exist.", pointer="/data/")
    return found


def _included(exchange: Exchange, profile: Profile) -> Iterable[Resource]:
    if "lists" not in exchange.selection.includes:
        return ()
    return (list_resource(exchange, exchange.account.lists[found]) for found in profile.lists)


def _candidates(exchange: Exchange) -> Iterable[Profile]:
    """Return the profiles that a condition on an identifier names, by the index; without one all."""
    profiles, selection = exchange.account.profiles, exchange.selection
    for kind in ("id", *PROFILE_IDENTIFIERS, "_kx"):
        values = [str(value) for value in selection.values(kind)]
        if values:
            owners = [profiles.find(value) if kind == "id" else profiles.owner(kind, value) for value in values]
            return {p.id: p for p in owners if p is not None and not p.is_unconfirmed}.values()
    return profiles.visible()


# Queries -------------------------------------------------------------------------------------------------------------


def _suppression_times(profile: Profile) -> list[int] | None:
    return list(profile.suppressions.values()) or None


def _list_suppression_times(profile: Profile) -> list[int] | None:
    return list(profile.list_suppressions.values()) or None


def _identifier_field(kind: str) -> Field:
    exact = frozenset({"equals"}) if kind == "_kx" else EXACT
    return Field("address" if kind == "email" else "text", exact, lambda row: row.identifiers.get(kind))


_EQUALS = frozenset({"equals"})
_INSIDE = frozenset({"greater-than", "less-than"})
_OF_SUPPRESSIONS = "2024-10-15"
_FILTERS = {
    "id": Field("text", EXACT, lambda row: row.id),
    **{kind: _identifier_field(kind) for kind in (*PROFILE_IDENTIFIERS, "_kx")},
    "created": Field("time", _INSIDE, lambda row: row.created),
    "updated": Field("time", _INSIDE, lambda row: row.updated),
    "subscriptions.email.marketing.suppression.reason": Field(
        "text", _EQUALS, lambda row: list(row.suppressions), _OF_SUPPRESSIONS
    ),
    "subscriptions.email.marketing.suppression.timestamp": Field("time", RANGE, _suppression_times, _OF_SUPPRESSIONS),
    "subscriptions.email.marketing.list_suppressions.reason": Field(
        "text", _EQUALS, lambda row: ["UNSUBSCRIBE" for _ in row.list_suppressions], _OF_SUPPRESSIONS
    ),
    "subscriptions.email.marketing.list_suppressions.timestamp": Field(
        "time", RANGE, _list_suppression_times, _OF_SUPPRESSIONS
    ),
    "subscriptions.email.marketing.list_suppressions.list_id": Field(
        "text", _EQUALS, lambda row: list(row.list_suppressions), _OF_SUPPRESSIONS
    ),
}
_SORTS = {
    "id": lambda row: row.id,
    "email": lambda row: row.identifiers.get("email"),
    "created": lambda row: row.created,
    "updated": lambda row: row.updated,
    "subscriptions.email.marketing.suppression.timestamp": lambda row: max(row.suppressions.values(), default=None),
    "subscriptions.email.marketing.list_suppressions.timestamp": lambda row: max(
        row.list_suppressions.values(), default=None
    ),
}
_ADDITIONAL = {"profile": ("subscriptions", "predictive_analytics")}
_SINCE = {
    "fields[push-token]": "2025-04-15",
    "include=push-tokens": "2025-04-15",
    "fields[conversation]": "2026-07-15",
    "include=conversations": "2026-07-15",
}
_WRITTEN = Query(
    fields=("profile",),
    additional=_ADDITIONAL,
    since={"additional-fields[profile]": "2024-10-15", "fields[profile]": "2026-07-15"},
)

SERVED: Mapping[str, Served] = {
    "create_profile": Served(create_profile, create_profile_schema, _WRITTEN),
    "update_profile": Served(update_profile, update_profile_schema, _WRITTEN),
    "create_or_update_profile": Served(create_or_update_profile, upsert_schema, _WRITTEN),
    "merge_profiles": Served(
        merge_profiles, merge_schema, Query(fields=("profile",), since={"fields[profile]": "2026-07-15"})
    ),
    "request_profile_deletion": Served(request_profile_deletion, deletion_schema),
    "get_profiles": Served(
        get_profiles,
        query=Query(
            fields=("profile", "push-token", "conversation"),
            additional=_ADDITIONAL,
            filters=_FILTERS,
            sorts=_SORTS,
            includes=("push-tokens", "conversations"),
            size=(20, 100),
            since=_SINCE | {"fields[push-token]": "2026-01-15"},
        ),
    ),
    "get_profile": Served(
        get_profile,
        query=Query(
            fields=("profile", "list", "segment", "push-token", "conversation"),
            additional=_ADDITIONAL,
            includes=("lists", "segments", "push-tokens", "conversations"),
            since=_SINCE,
        ),
    ),
    "get_lists_for_profile": Served(get_lists_for_profile, query=Query(fields=("list",))),
    "get_list_ids_for_profile": Served(get_list_ids_for_profile),
    "get_segments_for_profile": Served(get_segments_for_profile, query=Query(fields=("segment",))),
    "get_segment_ids_for_profile": Served(get_segments_for_profile),
}
