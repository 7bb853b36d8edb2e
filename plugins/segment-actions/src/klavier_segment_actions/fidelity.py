"""Where Segment's document and its implementation differ, as one table of data."""

from typing import Final

from attrs import frozen

from klavier.vendor import Fidelity


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
    time_coercion: bool
    """Whether times that only JavaScript reads (a bare number of milliseconds) are put into ISO form unchecked."""
    sendable: bool
    """Whether what Klaviyo would refuse is left out with a note; otherwise it is sent as it is."""
    shared_import: bool
    """Whether one bulk import may hold a person twice, although Klaviyo promises no order inside it."""
    dropped_subscription: bool
    """Whether a batched subscription without e-mail address and phone number is reported as a success."""
    import_failure: bool
    """Whether a failed bulk import reports the same status for each of its events."""


DOCUMENTED: Final = Differences(
    template_passes=1,
    replacement_patterns=False,
    unknown_filters=False,
    trigger_precedence=True,
    broken_trigger_is_error=True,
    default_batching=False,
    remove_profile_trigger='event = "Identify"',
    profile_default=True,
    time_coercion=False,
    sendable=True,
    shared_import=False,
    dropped_subscription=False,
    import_failure=True,
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
    time_coercion=True,
    sendable=False,
    shared_import=True,
    dropped_subscription=True,
    import_failure=True,
)


def differences(fidelity: Fidelity) -> Differences:
    """Give the column for a fidelity."""
    return DEPLOYED if fidelity == "deployed" else DOCUMENTED
