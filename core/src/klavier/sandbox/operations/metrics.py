"""Metrics, and the aggregates of their events.

Source: Klaviyo's guide to the metric aggregates endpoint, and the body of its OpenAPI specification.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from attrs import frozen

from klavier.sandbox.account import Metric
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.filters import Condition, Field, read_filter
from klavier.sandbox.operations.events import EventRow
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import integration, metric_resource
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, both, many, nullable, of_type, one_of, record, resource, text, wrapped

_MEASUREMENTS = ("count", "sum_value", "unique")
_INTERVALS = ("hour", "day", "week", "month")


def get_metrics(exchange: Exchange) -> Reply:
    """GET /api/metrics."""
    return page(
        exchange,
        exchange.account.metrics.values(),
        lambda row: metric_resource(exchange, row),
        lambda row: row.id,
        lambda _: (),
    )


def get_metric(exchange: Exchange) -> Reply:
    """GET /api/metrics/{id}."""
    return one(exchange, metric_resource(exchange, _find_metric(exchange, exchange.path_id, "/data/", 404)))


def _find_metric(exchange: Exchange, metric_id: str, pointer: str, status: int) -> Metric:
    found = next((metric for metric in exchange.account.metrics.values() if metric.id == metric_id), None)
    if found is None:
        raise RefusedError(status, f"A metric with id {metric_id} does not exist.", pointer=pointer)
    return found


# Aggregates ----------------------------------------------------------------------------------------------------------


def aggregate_schema(_: Rules) -> Check:
    """POST /api/metric-aggregates."""
    fields = {
        "metric_id": text(shortest=1),
        "page_cursor": nullable(text()),
        "measurements": many(one_of(*_MEASUREMENTS)),
        "interval": nullable(one_of(*_INTERVALS)),
        "page_size": nullable(of_type(int)),
        "by": nullable(many(text(), least=0)),
        "return_fields": nullable(many(text(), least=0)),
        "filter": both(many(text()), lambda _: None),
        "timezone": nullable(text()),
        "sort": nullable(text()),
    }
    shape = record("metric-aggregate", fields, ("metric_id", "measurements", "filter"))
    return wrapped(resource("metric-aggregate", shape), "document")


@frozen
class _Range:
    """The times of an aggregate in seconds, the end excluded."""

    start: int
    end: int


def query_metric_aggregates(exchange: Exchange) -> Reply:
    """POST /api/metric-aggregates; counts, sums of values and unique profiles by hour, day, week or month.

    The sandbox has no grouping (`by`), `return_fields`, `sort` and `page_cursor`: it refuses them (501).
    """
    given = exchange.attributes
    for name in ("by", "return_fields", "sort", "page_cursor"):
        if given.get(name):
            pointer = f"/data/attributes/{name}"
            raise RefusedError(501, f"The sandbox does not serve '{name}' of metric aggregates.", pointer=pointer)
    metric = _find_metric(exchange, given["metric_id"], "/data/attributes/metric_id", 400)
    zone = _zone(given.get("timezone") or "UTC")
    conditions = [condition for text in given["filter"] for condition in _conditions(text)]
    span = _range(conditions)
    starts = list(_buckets(span, given.get("interval") or "day", zone))
    counts, sums = [0] * len(starts), [0.0] * len(starts)
    profiles: list[set[str]] = [set() for _ in starts]
    for event, profile in exchange.account.events():
        row = EventRow(event, metric, profile)
        if event.metric != metric.id or not all(condition.holds(row) for condition in conditions):
            continue
        place = bisect_right(starts, event.time) - 1
        counts[place] += 1
        sums[place] += event.value or 0
        profiles[place].add(profile.id)
    measured: Mapping[str, list[Any]] = {
        "count": [float(count) for count in counts],
        "sum_value": sums,
        "unique": [float(len(ids)) for ids in profiles],
    }
    attributes = {
        "dates": [datetime.fromtimestamp(start, zone).isoformat() for start in starts],
        "data": [{"dimensions": [], "measurements": {name: measured[name] for name in given["measurements"]}}],
    }
    links = {"self": exchange.url("/api/metric-aggregates")}
    number = exchange.account.ids.ulid("aggregate")
    return one(exchange, {"type": "metric-aggregate", "id": number, "attributes": attributes, "links": links})


def _conditions(text: str) -> list[Condition]:
    try:
        return read_filter(text, _AGGREGATE_FILTERS)
    except RefusedError as refused:
        raise RefusedError(400, refused.problems[0].detail, pointer="/data/attributes/filter") from None


def _range(conditions: list[Condition]) -> _Range:
    """Return the range of time of an aggregate, which both of its ends bound, at most a year apart."""
    edges: dict[str, int] = {}
    for condition in conditions:
        edges[condition.operator] = int(condition.values[0])
    if edges.keys() != {"greater-or-equal", "less-than"} or edges["greater-or-equal"] >= edges["less-than"]:
        detail = "The filter must have greater-or-equal(datetime,...) and less-than(datetime,...)."
        raise RefusedError(400, detail, pointer="/data/attributes/filter")
    if edges["less-than"] - edges["greater-or-equal"] > timedelta(days=366).total_seconds():
        raise RefusedError(400, "The filter must span at most one year.", pointer="/data/attributes/filter")
    return _Range(edges["greater-or-equal"], edges["less-than"])


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise RefusedError(400, "Invalid timezone.", pointer="/data/attributes/timezone")
    return ZoneInfo(name)


def _buckets(span: _Range, interval: str, zone: ZoneInfo) -> Iterator[int]:
    """Yield the start of each interval that the range touches, at midnight or full hours of the time zone."""
    moment = _start(datetime.fromtimestamp(span.start, zone), interval)
    while moment.timestamp() < span.end:
        yield int(moment.timestamp())
        moment = _next(moment, interval)


def _start(moment: datetime, interval: str) -> datetime:
    """Return the start of the interval that a moment is in; a week starts on Monday."""
    moment = moment.replace(minute=0, second=0, microsecond=0)
    if interval == "hour":
        return moment
    moment = moment.replace(hour=0)
    if interval == "week":
        return moment - timedelta(days=moment.weekday())
    return moment.replace(day=1) if interval == "month" else moment


def _next(moment: datetime, interval: str) -> datetime:
    if interval == "hour":
        return (moment.astimezone(UTC) + timedelta(hours=1)).astimezone(moment.tzinfo)
    if interval == "month":
        return (moment.replace(day=1) + timedelta(days=32)).replace(day=1)
    return moment + timedelta(days=7 if interval == "week" else 1)


_AGGREGATE_FILTERS = {
    "datetime": Field("time", frozenset({"greater-or-equal", "less-than"}), lambda row: row.event.time),
}

# Queries -------------------------------------------------------------------------------------------------------------


_SINCE = {"fields[flow]": "2024-10-15", "include": "2024-10-15"}
_EQUALS = frozenset({"equals"})

SERVED: Mapping[str, Served] = {
    "get_metrics": Served(
        get_metrics,
        query=Query(
            fields=("metric", "flow"),
            filters={
                "integration.name": Field("text", _EQUALS, lambda row: integration(row)["name"]),
                "integration.category": Field("text", _EQUALS, lambda row: integration(row)["category"]),
            },
            order=lambda row: row.number,
            includes=("flow-triggers",),
            size=(200, 200),
            sizes_since=None,
            since=_SINCE,
        ),
    ),
    "get_metric": Served(get_metric, query=Query(fields=("metric", "flow"), includes=("flow-triggers",), since=_SINCE)),
    "query_metric_aggregates": Served(
        query_metric_aggregates,
        aggregate_schema,
        Query(fields=("metric-aggregate",), since={"fields[metric-aggregate]": "2026-07-15"}),
    ),
}
