"""The profiles and events that calls wrote, for tracing them to the input events of a comparison."""

from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from klavier.sandbox.profile import Event


@define(repr=False)
class Trace:
    """The profiles and events written since it was last cleared; `merged` is never cleared."""

    profiles: dict[str, None] = field(factory=dict)
    """The ids of the profiles that a call created, found or changed."""
    events: "list[Event]" = field(factory=list)
    """The events that were kept, in order."""
    merged: dict[str, str] = field(factory=dict)
    """The ids of merged profiles, and of those that they became part of."""

    def clear(self) -> None:
        """Delete the profiles and events recorded so far."""
        self.profiles.clear()
        self.events.clear()
