"""Register how events are made with hypothesis, for `st.from_type` and `st.builds`; it calls this itself."""

from typing import Any

from klavier.events.model import Alias, Group, Identify, Page, Screen, Track


def register() -> None:
    """Register a strategy for each class of events."""
    from hypothesis import strategies as st  # noqa: PLC0415 -- hypothesis calls this, so it is there

    def made(kind: type[Any]) -> Any:
        from klavier.testing.strategies import payloads  # noqa: PLC0415 -- most who import hypothesis make no events

        return payloads(kind.type).map(_parse)

    for kind in (Identify, Track, Page, Screen, Group, Alias):
        st.register_type_strategy(kind, made)


def _parse(payload: Any) -> Any:
    from klavier.events.reader import parse_event  # noqa: PLC0415 -- as above

    return parse_event(payload)
