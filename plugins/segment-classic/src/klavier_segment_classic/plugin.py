"""What this package registers with klavier."""

from klavier import VendorSpec, hookimpl
from klavier_segment_classic.settings import Settings
from klavier_segment_classic.tables.retry import RETRY
from klavier_segment_classic.vendor import NAME, build


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
        )
    ]
