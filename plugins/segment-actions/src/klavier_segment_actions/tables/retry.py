"""When Segment retries."""

from typing import Final

from klavier.retry import RetryPolicy

RETRY: Final = RetryPolicy(
    tries=None,  # limited by time
    give_up=4 * 3600.0,
    statuses=frozenset({0, 408, 423, 429, *range(500, 600)} - {501}),
    source="Segment's page on destinations (four hours, at random times that grow) and how its actions report errors",
)
"""One policy for both fidelities.  The documents contain no length of the delays: those are klavier's own."""
