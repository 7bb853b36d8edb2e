"""For any mapping, requests fit Klaviyo's schemas, and events that cannot be sent are rejected with a reason."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klavier import load_vendor, parse_event, rehearse
from klavier.klaviyo.operations import find_operation
from klavier_segment_actions.tables.actions import ACTIONS, CONTROLS
from tests.support.schemas import assert_valid

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2_000_000_000_000)
    | st.floats(-1e6, 1e6)
    | st.sampled_from(
        ["", "x", "a@b.io", "no@dot", "+15005550006", "415 555 2671", "US", "us", "12.5", "true", "2024-03-01"]
    )
    | st.sampled_from(["2024-03-01T10:20:30.123Z", "1970-01-01T00:00:00Z", "x" * 130, "ü" * 300, "soon", "DE\n"])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["email", "city", "zip", "title", "plan", "location", "properties", "meta"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=5,
)
members = st.dictionaries(
    st.sampled_from(
        ["email", "phone_number", "external_id", "anonymous_id", "country_code", "title", "location", "city", "x"]
    ),
    values,
    max_size=4,
)
paths = st.sampled_from(["$.properties", "$.traits", "$.userId", "$.properties.a", "$.nope", "$.context", "$."])
mapped = values | members | paths.map(lambda path: {"@path": path})


texts = st.sampled_from(["x", "", "12.5", "ü" * 40, 7, True, ["one"], None]) | paths.map(lambda path: {"@path": path})
emails = st.sampled_from(["a@b.io", "b@c.co.uk", {"@path": "$.traits.email"}])
phones = st.sampled_from(["+15005550006", None, "415 555 2671"])
times = st.sampled_from(["2024-03-01T10:20:30.123Z", "2024-03-01", 1709288430123, "2024-03-01T10:20:30+05:30", 0, None])
people = st.fixed_dictionaries(
    {},
    optional={
        "email": emails,
        "phone_number": phones,
        "country_code": st.just("US"),
        "external_id": texts,
        "title": texts,
        "location": members,
        "properties": members,
        "anonymous_id": texts,
        "plan": values,
    },
)
plausible = {
    "string": texts,
    "number": st.sampled_from([1, "12.5", True, -3.5, None]),
    "boolean": st.booleans(),
    "datetime": times,
    "object": members | people | st.just({"@path": "$.properties"}),
    "objects": st.lists(members, max_size=2),
}
named = {
    "email": emails,
    "phone_number": phones,
    "country_code": st.just("US"),
    "profile": people,
    "list_id": st.just("L"),
}


def fields_of(action: Any) -> st.SearchStrategy[dict[str, Any]]:
    fields = [field for field in action.fields if field.name not in CONTROLS]
    likely = {field.name: named.get(field.name, plausible[field.kind]) for field in fields}
    one_odd = st.sampled_from(fields).flatmap(lambda field: mapped.map(lambda value: {field.name: value}))
    always = {name: likely.pop(name) for name in ("email", "list_id", "profile", "properties") if name in likely}
    base = st.fixed_dictionaries(always, optional=likely)
    return base | st.tuples(base, one_odd).map(lambda pair: pair[0] | pair[1])


events = st.fixed_dictionaries(
    {"type": st.sampled_from(["track", "identify"]), "userId": st.sampled_from(["u1", "u2", 7, ""])},
    optional={
        "event": st.sampled_from(["E", "", 5]) | values,
        "messageId": st.sampled_from(["m1", "m2"]),
        "timestamp": scalars,
        "properties": values | members,
        "traits": values | members,
        "context": st.fixed_dictionaries(
            {}, optional={"traits": members, "personas": st.just({"computation_key": "vip"})}
        ),
    },
)
cases = st.sampled_from(ACTIONS).flatmap(lambda action: st.tuples(st.just(action.name), fields_of(action)))


@pytest.mark.parametrize("wire", ["current", "native"])
@pytest.mark.parametrize("batched", [False, True])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(case=cases, payloads=st.lists(events, min_size=1, max_size=3))
def test_bodies_are_valid(wire: str, batched: bool, case: Any, payloads: list[dict[str, Any]]) -> None:  # noqa: FBT001 -- drawn
    action, fields = case
    mapping = {"action": action, "trigger": "", "fields": fields | {"enable_batching": batched}}
    vendor = load_vendor("segment-actions", {"api_key": "k", "mappings": [mapping], "wire": wire})
    result = rehearse(vendor, [parse_event(payload) for payload in payloads])
    assert all(outcome.kind in ("delivered", "rejected") for outcome in result.outcomes)
    assert all(outcome.reason for outcome in result.outcomes if outcome.kind == "rejected")
    for request in result.requests:
        operation = find_operation(request.method, request.path)
        assert operation is not None
        if request.json is not None:
            assert_valid(operation.name, request.revision or "", request.json)
