"""Where Segment's document and its implementation differ, as one table of data."""

from typing import Final

from attrs import frozen

from klavier.vendor import FidelityName


@frozen
class Differences:
    """One column of the table; see `DOCUMENTED` and `DEPLOYED`."""

    template_passes: int
    """How often `@template` looks for placeholders: the implementation also expands those that a value brought in."""
    replacement_patterns: bool
    """Whether `$&` and its kin in the replacement of `@replace` stand for parts of the match, as in JavaScript."""
    unknown_filters: bool
    """Whether `@liquid` passes over a filter that it does not know."""
    trigger_precedence: bool
    """Whether `and` binds closer than `or`, parentheses nest and `!` goes before any condition."""
    broken_trigger_is_error: bool
    """Whether a trigger that cannot be read is an error; otherwise it matches no event."""
    default_batching: bool
    """Whether the batch switch has the default of its action; otherwise it is off until it is set."""
    remove_profile_trigger: str
    """The default trigger of removeProfile."""
    profile_default: bool
    """Whether the profile of an event is filled from userId and anonymousId where the mapping does not say."""
    creates_lists: bool
    """Whether an audience's list is found by the audience's name, and created on its first sync."""
    unknown_fields: bool
    """Whether a mapping of a field that the action does not have is passed over; otherwise it is an error."""
    sendable: bool
    """Whether what Klaviyo would refuse is left out with a note; otherwise it is sent as it is."""
    batch_leftovers: bool
    """Whether a batch keeps empty texts, and the country code of events without a phone number."""
    shared_import: bool
    """Whether one bulk import may hold a person twice, although Klaviyo promises no order inside it."""
    dropped_subscription: bool
    """Whether a batched subscription without e-mail address and phone number is reported as a success."""


DOCUMENTED: Final = Differences(
    template_passes=1,
    replacement_patterns=False,
    unknown_filters=False,
    trigger_precedence=True,
    broken_trigger_is_error=True,
    default_batching=False,
    remove_profile_trigger='event = "Identify"',
    profile_default=True,
    creates_lists=True,
    unknown_fields=False,
    sendable=True,
    batch_leftovers=False,
    shared_import=False,
    dropped_subscription=False,
)

DEPLOYED: Final = Differences(
    template_passes=2,
    replacement_patterns=True,
    unknown_filters=True,
    trigger_precedence=False,
    broken_trigger_is_error=False,
    default_batching=True,
    remove_profile_trigger='type = "Identify"',
    profile_default=False,
    creates_lists=False,
    unknown_fields=True,
    sendable=False,
    batch_leftovers=True,
    shared_import=True,
    dropped_subscription=True,
)


def differences(fidelity: FidelityName) -> Differences:
    """Give the column for a fidelity."""
    return DEPLOYED if fidelity == "deployed" else DOCUMENTED
