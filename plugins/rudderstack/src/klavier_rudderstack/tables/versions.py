"""The three versions of RudderStack's Klaviyo destination."""

from collections.abc import Mapping

from attrs import frozen

from klavier_rudderstack.tables import traits


@frozen
class Version:
    """One version: the Klaviyo revision that it calls natively, and its rules."""

    revision: str
    imports: bool
    """Whether one call creates or updates a profile; v1 creates it, then updates it."""
    own_traits: frozenset[str]
    """The traits that are not custom properties."""
    unsubscribes: bool
    """Whether `subscribe: false` unsubscribes."""
    names_channels: frozenset[str]
    """The operations whose job entries name the channels concerned."""
    needs_channels: bool
    """Whether a subscription without any channel is rejected."""
    patches: bool
    """Whether properties can be unset, appended and unappended, and a profile addressed by its Klaviyo id."""


VERSIONS: Mapping[str, Version] = {
    "v1": Version(
        revision="2023-02-22",
        imports=False,
        own_traits=traits.V1,
        unsubscribes=False,
        names_channels=frozenset({"subscribe"}),
        needs_channels=False,
        patches=False,
    ),
    "v2": Version(
        revision="2024-10-15",
        imports=True,
        own_traits=traits.IMPORT,
        unsubscribes=True,
        names_channels=frozenset({"subscribe"}),
        needs_channels=False,
        patches=True,
    ),
    "v3": Version(
        revision="2026-04-15",
        imports=True,
        own_traits=traits.IMPORT,
        unsubscribes=True,
        names_channels=frozenset({"subscribe", "unsubscribe"}),
        needs_channels=True,
        patches=True,
    ),
}
