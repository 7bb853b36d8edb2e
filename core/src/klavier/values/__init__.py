"""Readers of values that senders write in many forms: phone numbers, times, numbers, booleans, addresses, objects.

Each reader is a pure function that returns a pair: the value as Klaviyo takes it, and the reason why there is none.
The value is None where the input has none; the reason is then empty for an absent input (null, ""), and otherwise a
phrase for the note "NAME left out: REASON".  A reason has the kind of the value, never the value itself.
"""

from klavier.values.booleans import read_boolean
from klavier.values.emails import is_email, read_email
from klavier.values.members import misplaced_members
from klavier.values.numbers import read_amount, read_number
from klavier.values.phones import read_phone
from klavier.values.times import klaviyo_time, read_epoch_seconds, read_time, unix_seconds

__all__ = [
    "is_email",
    "klaviyo_time",
    "misplaced_members",
    "read_amount",
    "read_boolean",
    "read_email",
    "read_epoch_seconds",
    "read_number",
    "read_phone",
    "read_time",
    "unix_seconds",
]
