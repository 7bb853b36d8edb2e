"""Segments: an account of the sandbox has none, so collections are empty and single ones unknown."""

from collections.abc import Mapping

from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.filters import EXACT, Field
from klavier.sandbox.operations.lists import LIST_QUERY, MEMBER_IDS_QUERY, MEMBERS_QUERY
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import page


def get_segments(exchange: Exchange) -> Reply:
    """GET /api/segments."""
    return page(exchange, (), lambda row: row, str)


def get_segment(exchange: Exchange) -> Reply:
    """GET /api/segments/{id}, and its members."""
    raise RefusedError(404, f"A segment with id {exchange.path_id} does not exist.", pointer="/data/")


_NOTHING = Field("boolean", EXACT, lambda _: None)

SERVED: Mapping[str, Served] = {
    "get_segments": Served(
        get_segments,
        query=Query(
            fields=("segment", "tag", "flow"),
            filters={
                **LIST_QUERY.filters,
                "is_active": _NOTHING,
                "is_starred": Field("boolean", frozenset({"equals"}), lambda _: None),
            },
            sorts=LIST_QUERY.sorts,
            includes=("tags", "flow-triggers"),
            size=(10, 10),
            sizes_since="2026-04-15",
            since=LIST_QUERY.since,
        ),
    ),
    "get_segment": Served(
        get_segment,
        query=Query(
            fields=("segment", "tag", "flow"),
            additional={"segment": ("profile_count",)},
            includes=("tags", "flow-triggers"),
            since=LIST_QUERY.since,
        ),
    ),
    "get_profiles_for_segment": Served(get_segment, query=MEMBERS_QUERY),
    "get_profile_ids_for_segment": Served(get_segment, query=MEMBER_IDS_QUERY),
}
