"""The reader makes events without calling their classes; they must be what the classes make."""

import attrs
import pytest

from klavier import parse_event

TYPES = ("identify", "track", "page", "screen", "group", "alias")
ODD = {"context": 5, "traits": [], "properties": "x", "userId": None}
WHOLE = {
    "userId": "u", "anonymousId": 7, "messageId": "m", "timestamp": "2024-03-01", "context": {"ip": "1.2.3.4"},
    "traits": {"a": 1}, "properties": {"b": 2}, "event": "Bought", "name": "Home", "category": "Shop", "groupId": "g",
    "previousId": "p",
}  # fmt: skip


@pytest.mark.parametrize("members", [{}, ODD, WHOLE])
@pytest.mark.parametrize("kind", TYPES)
def test_an_event_is_what_its_class_makes(kind: str, members: dict[str, object]) -> None:
    event = parse_event({"type": kind, **members})
    again = attrs.evolve(event)
    assert type(again) is type(event)
    assert vars(again) == vars(event)
    assert set(vars(event)) == {field.name for field in attrs.fields(type(event))}
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        event.user_id = "other"  # type: ignore[misc]  # what is tested
