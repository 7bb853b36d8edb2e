"""Lists, and who is on them."""

from klavier.sandbox.exchange import NO_CONTENT, Exchange, Reply
from klavier.sandbox.filters import read_filter
from klavier.sandbox.lists import List
from klavier.sandbox.profile import Profile
from klavier.sandbox.refused import RefusedError
from klavier.sandbox.resources import collection, list_resource

_EXACT = frozenset({"any", "equals"})
_FILTERS = {"id": _EXACT, "name": _EXACT}


def get_lists(exchange: Exchange) -> Reply:
    """GET /api/lists, with `filter` and pages of 10."""
    conditions = read_filter(exchange.incoming.params.get("filter"), _FILTERS)
    found = [
        list_resource(item)
        for item in exchange.account.lists.values()
        if all(condition.holds(getattr(item, condition.field)) for condition in conditions)
    ]
    return collection(exchange, found, 10)


def create_list(exchange: Exchange) -> Reply:
    """POST /api/lists; a new list has the account's opt-in process unless the call says another."""
    opt_in = exchange.attributes.get("opt_in_process") or exchange.account.opt_in
    return Reply(201, {"data": list_resource(exchange.account.add_list(exchange.attributes["name"], None, opt_in))})


def get_list(exchange: Exchange) -> Reply:
    """GET /api/lists/{id}."""
    return Reply(200, {"data": list_resource(_list_of(exchange))})


def get_list_profiles(exchange: Exchange) -> Reply:
    """GET /api/lists/{id}/relationships/profiles."""
    found = _list_of(exchange)
    members = [
        (profile.lists[found.id], profile.id) for profile in exchange.account.profiles if found.id in profile.lists
    ]
    return collection(exchange, [{"type": "profile", "id": member} for _, member in sorted(members)], 20, 1000)


def add_profiles_to_list(exchange: Exchange) -> Reply:
    """POST /api/lists/{id}/relationships/profiles; gives no consent."""
    found = _list_of(exchange)
    for profile in _profiles_of(exchange):
        profile.lists.setdefault(found.id, int(exchange.now))
    return NO_CONTENT


def remove_profiles_from_list(exchange: Exchange) -> Reply:
    """DELETE /api/lists/{id}/relationships/profiles; takes no consent away."""
    found = _list_of(exchange)
    for profile in _profiles_of(exchange):
        profile.lists.pop(found.id, None)
    return NO_CONTENT


def known_list(exchange: Exchange, list_id: str, pointer: str) -> List:
    """Give the list that a body names; raises `RefusedError` (400) for an unknown one."""
    found = exchange.account.list_of(list_id)
    if found is None:
        raise RefusedError(400, f"A list with id {list_id} does not exist.", pointer=pointer)
    return found


def _list_of(exchange: Exchange) -> List:
    found = exchange.account.list_of(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A list with id {exchange.path_id} does not exist.", pointer="/data/")
    return found


def _profiles_of(exchange: Exchange) -> list[Profile]:
    by_id = exchange.account.profiles.by_id
    ids = [item["id"] for item in exchange.data]
    unknown = [found for found in ids if found not in by_id]
    if unknown:
        raise RefusedError(400, f"Invalid profile IDs: {', '.join(unknown)}", pointer="/data/")
    return [by_id[found] for found in ids]
