"""What this package registers with klavier."""

from typing import TYPE_CHECKING, Final

from klavier import VendorSpec, hookimpl
from klavier.retry import RetryPolicy
from klavier_segment_classic.settings import Settings
from klavier_segment_classic.vendor import NAME, build

if TYPE_CHECKING:
    from klavier.migration import Portable

RETRY: Final = RetryPolicy(
    tries=None,  # the time alone ends it
    give_up=4 * 3600.0,
    statuses=frozenset({0, 429, 500, 502, 503, 504}),
    source="Segment's page on destinations (four hours, at random times that grow) and the statuses observed",
)
"""When a failed event is retried, in both fidelities.  No document has the length of the waits: they are klavier's."""


@hookimpl
def klavier_vendors() -> list[VendorSpec]:
    """Register Segment Classic."""
    return [
        VendorSpec(
            name=NAME,
            summary="Segment's first Klaviyo destination: identify, track and orders, on servers or in the browser",
            settings=Settings,
            build=build,
            retry=RETRY,
            portable=portable,
        )
    ]


def portable() -> "Portable":
    """Return the settings in the vocabulary of migrations."""
    from klavier_segment_classic.tables.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE
