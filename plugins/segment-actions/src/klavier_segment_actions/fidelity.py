"""Where Segment's document and its implementation differ, as one table of data."""

from typing import Final

from attrs import frozen

from klavier.vendor import FidelityTable
from klavier_segment_actions.tables.countries import COUNTRIES, SEGMENT_COUNTRIES


@frozen
class Fidelity:
    """One column of the table; see `FIDELITIES`."""

    template_passes: int
    """How many passes `@template` makes: a second one expands placeholders that values brought in."""
    replacement_patterns: bool
    """Whether `$&` and the like in the replacement of `@replace` stand for parts of the match, as in JavaScript."""
    trigger_precedence: bool
    """Whether `and` binds closer than `or`, parentheses nest, and `!` may precede any condition."""
    broken_trigger_is_error: bool
    """Whether a trigger that cannot be parsed is an error; otherwise it matches no event."""
    default_batching: bool
    """Whether a mapping batches by default where its action does; otherwise batching is off until it is enabled."""
    remove_profile_trigger: str
    """The default trigger of removeProfile."""
    profile_default: bool
    """Whether the profile of an event defaults to userId and anonymousId where the mapping does not map them."""
    creates_lists: bool
    """Whether an audience's list is looked up by the audience's name, and created on the first sync."""
    override_first_in_batches: bool
    """Whether in a batch the event's own list overrides the one that an Upsert Profile mapping is connected to."""
    unknown_fields: bool
    """Whether a mapping of a field that the action does not have is ignored; otherwise it is an error."""
    safe_readings: bool
    """Whether numbers, times and phone numbers are read by klavier's own readers, which never guess; otherwise as
    Segment's validator converts them."""
    countries: frozenset[str]
    """The values of `country_code`."""
    checks_limits: bool
    """Whether a metric name that is too long and a historical import without a time are rejected."""
    drops_empty_identifiers: bool
    """Whether an empty identifier in an event's profile is left out; otherwise it is checked and sent."""
    fits_profile: bool
    """Whether members of an event's profile that Klaviyo's schema does not have become custom properties."""
    derives_ids: bool
    """Whether an event without a unique id has one derived from its content, and one that occurs twice in a batch is
    sent once."""
    consent_fails_together: bool
    """Whether one failed request fails all events of a consent batch."""
    adds_without_id: bool
    """Whether Add Profile to List sends its second request, without an id, where Klaviyo refused the profile."""
    deletes_by_user_id: bool
    """Whether a deletion sends the user id as Klaviyo's profile id."""
    batch_leftovers: bool
    """Whether a batch keeps empty strings, and the country code of events without a phone number."""
    shared_import: bool
    """Whether one bulk import may contain a profile twice, although Klaviyo defines no order within an import."""
    splits_named: bool
    """Whether a batch that Klaviyo refuses as too large is split also where the reply names one of its items."""
    dropped_subscription: bool
    """Whether a batched subscription without email and phone number is reported as a success."""


DOCUMENTED: Final = Fidelity(
    template_passes=1,
    replacement_patterns=False,
    trigger_precedence=True,
    broken_trigger_is_error=True,
    default_batching=False,
    remove_profile_trigger='event = "Identify"',
    profile_default=True,
    creates_lists=True,
    override_first_in_batches=False,
    unknown_fields=False,
    safe_readings=True,
    countries=COUNTRIES,
    checks_limits=True,
    drops_empty_identifiers=True,
    fits_profile=True,
    derives_ids=True,
    consent_fails_together=False,
    adds_without_id=False,
    deletes_by_user_id=False,
    batch_leftovers=False,
    shared_import=False,
    splits_named=True,
    dropped_subscription=False,
)

DEPLOYED: Final = Fidelity(
    template_passes=2,
    replacement_patterns=True,
    trigger_precedence=False,
    broken_trigger_is_error=False,
    default_batching=True,
    remove_profile_trigger='type = "Identify"',
    profile_default=False,
    creates_lists=False,
    override_first_in_batches=True,
    unknown_fields=True,
    safe_readings=False,
    countries=SEGMENT_COUNTRIES,
    checks_limits=False,
    drops_empty_identifiers=False,
    fits_profile=False,
    derives_ids=False,
    consent_fails_together=True,
    adds_without_id=True,
    deletes_by_user_id=True,
    batch_leftovers=True,
    shared_import=True,
    splits_named=False,
    dropped_subscription=True,
)

FIDELITIES: Final = FidelityTable(documented=DOCUMENTED, deployed=DEPLOYED)
"""The table: documented behavior, and the behavior observed of Segment's implementation."""
