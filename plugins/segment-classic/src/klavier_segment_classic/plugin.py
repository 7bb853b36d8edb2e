"""What this package registers with klavier."""

from typing import TYPE_CHECKING

from klavier import VendorSpec, hookimpl
from klavier_segment_classic.settings import Settings
from klavier_segment_classic.tables.retry import RETRY
from klavier_segment_classic.vendor import NAME, build

if TYPE_CHECKING:
    from klavier.migration import Portable


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
    """Give the settings in the words of migrations."""
    from klavier_segment_classic.tables.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE
