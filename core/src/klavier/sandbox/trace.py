"""Which profiles and events the calls of a while wrote, for those who ask what came of what."""

from typing import TYPE_CHECKING

from attrs import define, field

if TYPE_CHECKING:
    from klavier.sandbox.profile import Event


@define(repr=False)
class Trace:
    """What was touched since it was last cleared; `merged` is never cleared."""

    profiles: dict[str, None] = field(factory=dict)
    """The ids of the profiles that a call made, found or changed."""
    events: "list[Event]" = field(factory=list)
    """The events that were kept, in order."""
    merged: dict[str, str] = field(factory=dict)
    """The ids of profiles that are no more, and of those that took them over."""

    def clear(self) -> None:
        """Forget what was touched so far."""
        self.profiles.clear()
        self.events.clear()
