"""When Segment tries again."""

from typing import Final

from klavier.retry import RetryPolicy

RETRY: Final = RetryPolicy(
    tries=None,  # the time ends it
    give_up=4 * 3600.0,
    statuses=frozenset({0, 408, 423, 429, *range(500, 600)} - {501}),
    source="Segment's page on destinations (four hours, at random times that grow) and how its actions report errors",
)
"""One policy for both fidelities.  The documents tell no length of the waits: those are klavier's own."""
