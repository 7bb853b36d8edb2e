"""When RudderStack retries."""

from typing import Final

from klavier.retry import RetryPolicy

RETRY: Final = RetryPolicy(
    tries=None,  # only the time ends retries, and never before the least number of tries
    first=10.0,  # Router.minRetryBackoff
    longest=300.0,  # Router.maxRetryBackoff
    give_up=180 * 60.0,  # Router.retryTimeWindow
    least=3,  # Router.maxFailedCountForJob
    statuses=frozenset({0, 408, 429, *range(500, 600)}),
    source="the defaults of RudderStack's server (its configuration parameters)",
)
"""One policy for both fidelities: the documents name the defaults of the server.

RudderStack itself waits the longest time of each step, and treats a missing reply as a 5xx.
"""
