"""Klaviyo's operations: how each is served, by its name in `klavier.klaviyo.operations`.

A module holds one group of operations, schemas and handlers together.
"""

from collections.abc import Mapping

from klavier.sandbox.exchange import Served
from klavier.sandbox.operations import (
    accounts,
    client,
    events,
    imports,
    legacy,
    lists,
    metrics,
    profiles,
    segments,
    subscriptions,
    suppressions,
)

SERVED: Mapping[str, Served] = {
    **accounts.SERVED,
    **events.SERVED,
    **metrics.SERVED,
    **profiles.SERVED,
    **imports.SERVED,
    **subscriptions.SERVED,
    **suppressions.SERVED,
    **lists.SERVED,
    **segments.SERVED,
    **client.SERVED,
    **legacy.SERVED,
}
