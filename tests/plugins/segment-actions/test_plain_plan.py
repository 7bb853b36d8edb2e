"""The straight-line code for plain events: it gives what the plan itself gives, or nothing."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ConfigError
from klavier.testing import strategies
from klavier_segment_actions.fidelity import DEPLOYED, DOCUMENTED, Differences
from klavier_segment_actions.payload.plain import PlainPlan
from klavier_segment_actions.payload.plan import Planned, plan_of
from klavier_segment_actions.tables.actions import ACTIONS, CONTROLS, ActionRow
from tests.support.segment_actions import TRACK, TRAITS

TIME, EARLY = "2024-03-01T10:20:30.123Z", "1985-03-01T10:20:30.123Z"
PATHS = (
    "$.userId", "$.anonymousId", "$.messageId", "$.timestamp", "$.event", "$.properties", "$.properties.revenue", "",
    "$.properties.products", "$.traits", "$.traits.email", "$.traits.phone", "$.traits.address", "$.userId.name.first",
    "$.traits.address.city", "$.context.traits.email", "$.context.ip", "$.context.page.title.length", "$.event.0",
)  # fmt: skip
paths = st.sampled_from(PATHS).map(lambda path: {"@path": path})
nodes = st.one_of(
    paths,
    st.sampled_from([None, "", "ada@example.com", "+15005550006", "DE", 5, 0, True, TIME, "x" * 200]),
    paths.map(lambda path: {"@if": {"exists": path, "then": path, "else": "none"}}),
    st.sampled_from([{"@template": "{{userId}}"}, {"@path": {"@path": "$.event"}}, [{"@path": "$.event"}], {"a": 1}]),
)
odd = st.sampled_from([None, "", 0, 1.5, True, [], ["a"], {}, {"a": None}, "Gert", "a@b.de", "x" * 300, "19", EARLY])
rows: st.SearchStrategy[ActionRow] = st.sampled_from(ACTIONS)
columns: st.SearchStrategy[Differences] = st.sampled_from([DOCUMENTED, DEPLOYED])


@st.composite
def plans(draw: st.DrawFn) -> tuple[PlainPlan, Planned]:
    row, rules = draw(rows), draw(columns)
    fields = [field for field in row.fields if field.name not in CONTROLS]
    mapping: dict[str, Any] = draw(st.fixed_dictionaries({}, optional={field.name: nodes for field in fields}))
    for field in fields:
        one_by_one = draw(st.booleans())
        if field.members and one_by_one:
            names = ["more", *(member.name for member in field.members)]
            mapping[field.name] = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(names, nodes)))
    return plan_of(fields, mapping, rules, "fields", batched=draw(st.booleans()))


def result_of(plan: Any, payload: Any) -> Any:
    try:
        found = plan(payload)
    except ConfigError as error:
        return error.problems
    return found if found is None else orjson.dumps(found)


@settings(max_examples=300, deadline=None)
@given(plans(), strategies.payloads(), st.data())
def test_plain_code_agrees_with_the_plan(
    plan: tuple[PlainPlan, Planned], payload: dict[str, Any], data: st.DataObject
) -> None:
    for name in ("userId", "event", "timestamp", "traits", "properties", "context"):
        if data.draw(st.booleans()) and data.draw(st.booleans()):
            payload[name] = data.draw(odd)
    plain, whole = (result_of(each, payload) for each in plan)
    assert plain is None or plain == whole


PLAIN = TRACK | {"context": {"traits": TRAITS}, "traits": TRAITS}


@pytest.mark.parametrize("rules", [DOCUMENTED, DEPLOYED], ids=["documented", "deployed"])
@pytest.mark.parametrize("gone", [None, "anonymousId", "messageId", "context", "timestamp"])
@pytest.mark.parametrize("action", ["trackEvent", "orderCompleted", "upsertProfile", "subscribeProfile"])
def test_usual_events_are_plain(action: str, gone: str | None, rules: Differences) -> None:
    (row,) = (row for row in ACTIONS if row.name == action)
    profile = {"email": {"@path": "$.context.traits.email"}, "external_id": {"@path": "$.userId"}}
    mapping = {"profile": profile} if action in ("trackEvent", "orderCompleted") else {}
    plain, whole = plan_of(row.fields, mapping, rules, "fields", batched=False)
    payload = {name: value for name, value in PLAIN.items() if name != gone}
    assert plain(payload) == whole(payload)
    assert isinstance(plain(payload), dict)


@pytest.mark.parametrize("members", [{"properties": 5}, {"event": "x" * 100}, {"timestamp": EARLY}])
def test_other_events_are_left_to_the_plan(members: dict[str, Any]) -> None:
    plain, whole = plan_of(ACTIONS[0].fields, {}, DOCUMENTED, "fields", batched=False)
    assert plain(PLAIN | members) is None
    assert whole(PLAIN | members) is not None
