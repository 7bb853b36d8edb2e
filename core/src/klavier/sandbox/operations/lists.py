"""Lists and their members."""

from collections.abc import Mapping

from attrs import frozen

from klavier.sandbox.account import List
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import NO_CONTENT, Exchange, Reply, Served
from klavier.sandbox.filters import EXACT, RANGE, Field
from klavier.sandbox.profile import Profile
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import Resource, identifier, list_resource, profile_resource
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, many, nullable, one_of, record, reference, resource, text, wrapped
from klavier.sandbox.times import write_time

MOST_MEMBERS = 1000
"""How many profiles one call adds or removes."""


@frozen
class Member:
    """A profile on a list, and when it joined."""

    profile: Profile
    joined: int


# Schemas -------------------------------------------------------------------------------------------------------------


def create_list_schema(rules: Rules) -> Check:
    """POST /api/lists."""
    fields = {"name": text(shortest=1)}
    if rules.has("opt_in_process"):
        fields["opt_in_process"] = nullable(one_of("single_opt_in", "double_opt_in"))
    return wrapped(resource("list", record("list", fields, ("name",))), "document")


def update_list_schema(rules: Rules) -> Check:
    """PATCH /api/lists/{id}."""
    fields = {"name": text(shortest=1)}
    if rules.has("opt_in_process"):
        fields["opt_in_process"] = one_of("single_opt_in", "double_opt_in")
    members = {"type": one_of("list"), "id": text(), "attributes": record("list", fields)}
    return wrapped(record("list", members, ("type", "id", "attributes")), "document")


def members_schema(_: Rules) -> Check:
    """POST and DELETE /api/lists/{id}/relationships/profiles."""
    return wrapped(many(reference("profile"), MOST_MEMBERS), "document")


# Handlers ------------------------------------------------------------------------------------------------------------


def get_lists(exchange: Exchange) -> Reply:
    """GET /api/lists."""
    return page(exchange, exchange.account.lists.values(), lambda row: list_resource(exchange, row), lambda row: row.id)


def create_list(exchange: Exchange) -> Reply:
    """POST /api/lists; a new list has the account's opt-in process unless the call names one."""
    opt_in = exchange.attributes.get("opt_in_process") or exchange.account.opt_in
    created = exchange.account.add_list(exchange.attributes["name"], None, opt_in)
    return one(exchange, list_resource(exchange, created), 201)


def get_list(exchange: Exchange) -> Reply:
    """GET /api/lists/{id}."""
    return one(exchange, list_resource(exchange, _list_in_path(exchange)))


def update_list(exchange: Exchange) -> Reply:
    """PATCH /api/lists/{id}."""
    found = _list_in_path(exchange)
    if exchange.data["id"] != found.id:
        raise RefusedError(400, "The id in the body is not the one in the path.", pointer="/data/id")
    found.name = exchange.attributes.get("name", found.name)
    found.opt_in_process = exchange.attributes.get("opt_in_process", found.opt_in_process)
    found.updated = int(exchange.now)
    return one(exchange, list_resource(exchange, found))


def delete_list(exchange: Exchange) -> Reply:
    """DELETE /api/lists/{id}."""
    exchange.account.delete_list(_list_in_path(exchange).id)
    return NO_CONTENT


def get_profiles_for_list(exchange: Exchange) -> Reply:
    """GET /api/lists/{id}/profiles; each with the time of joining."""

    def write(row: Member) -> Resource:
        resource = profile_resource(exchange, row.profile)
        resource["attributes"]["joined_group_at"] = write_time(row.joined)
        return resource

    return page(exchange, _members(exchange), write, lambda row: row.profile.id)


def get_profile_ids_for_list(exchange: Exchange) -> Reply:
    """GET /api/lists/{id}/relationships/profiles."""
    return page(
        exchange,
        _members(exchange),
        lambda row: identifier("profile", row.profile.id),
        lambda row: row.profile.id,
    )


def add_profiles_to_list(exchange: Exchange) -> Reply:
    """POST /api/lists/{id}/relationships/profiles; gives no consent."""
    found = _list_in_path(exchange)
    for profile in _profiles_in_body(exchange):
        profile.lists.setdefault(found.id, int(exchange.now))
    return NO_CONTENT


def remove_profiles_from_list(exchange: Exchange) -> Reply:
    """DELETE /api/lists/{id}/relationships/profiles; withdraws no consent."""
    found = _list_in_path(exchange)
    for profile in _profiles_in_body(exchange):
        profile.lists.pop(found.id, None)
    return NO_CONTENT


def known_list(exchange: Exchange, list_id: str, pointer: str) -> List:
    """Return the list that a body names; raises `RefusedError` (400) for an unknown one."""
    found = exchange.account.find_list(list_id)
    if found is None:
        raise RefusedError(400, f"A list with id {list_id} does not exist.", pointer=pointer)
    return found


def list_in_body(exchange: Exchange) -> List | None:
    """Return the list that the body's relationships name; raises `RefusedError` (400) for an unknown one."""
    data = ((exchange.data.get("relationships") or {}).get("list") or {}).get("data")
    return known_list(exchange, data["id"], "/data/relationships/list/data/id") if data else None


def _list_in_path(exchange: Exchange) -> List:
    found = exchange.account.find_list(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A list with id {exchange.path_id} does not exist.", pointer="/data/")
    return found


def _members(exchange: Exchange) -> list[Member]:
    found = _list_in_path(exchange)
    return [Member(profile, profile.lists[found.id]) for profile in exchange.account.members(found.id)]


def _profiles_in_body(exchange: Exchange) -> list[Profile]:
    ids = [item["id"] for item in exchange.data]
    profiles = [exchange.account.profiles.find(found) for found in ids]
    unknown = [found for found, profile in zip(ids, profiles, strict=True) if profile is None]
    if unknown:
        raise RefusedError(400, f"Invalid profile IDs: {', '.join(unknown)}", pointer="/data/")
    return [profile for profile in profiles if profile is not None]


# Queries -------------------------------------------------------------------------------------------------------------

_AFTER = frozenset({"greater-than"})
LIST_QUERY = Query(
    fields=("list", "tag", "flow"),
    filters={
        "id": Field("text", EXACT, lambda row: row.id),
        "name": Field("text", EXACT, lambda row: row.name),
        "created": Field("time", _AFTER, lambda row: row.created),
        "updated": Field("time", _AFTER, lambda row: row.updated),
    },
    sorts={
        "id": lambda row: row.id,
        "name": lambda row: row.name,
        "created": lambda row: row.created,
        "updated": lambda row: row.updated,
    },
    order=lambda row: row.number,
    includes=("tags", "flow-triggers"),
    size=(10, 10),
    sizes_since="2026-04-15",
    since={"fields[flow]": "2024-10-15", "include=flow-triggers": "2024-10-15"},
)
_MEMBER_FILTERS = {
    "email": Field("address", EXACT, lambda row: row.profile.identifiers.get("email")),
    "phone_number": Field("text", EXACT, lambda row: row.profile.identifiers.get("phone_number")),
    "push_token": Field("text", EXACT, lambda row: list(row.profile.tokens)),
    "_kx": Field("text", frozenset({"equals"}), lambda row: row.profile.identifiers.get("_kx"), "2024-10-15"),
    "joined_group_at": Field("time", RANGE, lambda row: row.joined),
}
MEMBERS_QUERY = Query(
    fields=("profile",),
    additional={"profile": ("subscriptions", "predictive_analytics")},
    filters=_MEMBER_FILTERS,
    sorts={"joined_group_at": lambda row: row.joined},
    order=lambda row: row.joined,
    size=(20, 100),
)
MEMBER_IDS_QUERY = Query(
    filters=_MEMBER_FILTERS,
    sorts={"joined_group_at": lambda row: row.joined},
    order=lambda row: row.joined,
    size=(20, 100),
)
_WRITTEN = Query(fields=("list",), since={"fields[list]": "2026-07-15"})

SERVED: Mapping[str, Served] = {
    "get_lists": Served(get_lists, query=LIST_QUERY),
    "create_list": Served(create_list, create_list_schema, _WRITTEN),
    "get_list": Served(
        get_list,
        query=Query(
            fields=("list", "tag", "flow"),
            additional={"list": ("profile_count",)},
            includes=("tags", "flow-triggers"),
            since=LIST_QUERY.since,
        ),
    ),
    "update_list": Served(update_list, update_list_schema, _WRITTEN),
    "delete_list": Served(delete_list),
    "get_profiles_for_list": Served(get_profiles_for_list, query=MEMBERS_QUERY),
    "get_profile_ids_for_list": Served(get_profile_ids_for_list, query=MEMBER_IDS_QUERY),
    "add_profiles_to_list": Served(add_profiles_to_list, members_schema),
    "remove_profiles_from_list": Served(remove_profiles_from_list, members_schema),
}
