"""What this package registers with klavier."""

from collections.abc import Iterable

from klavier.hookspecs import hookimpl
from klavier.vendor import VendorSpec
from klavier_segment_actions.settings import SegmentActionsSettings
from klavier_segment_actions.vendor import NAME, SegmentActions


@hookimpl
def klavier_vendors() -> Iterable[VendorSpec]:
    """Register the vendor."""
    return [VendorSpec(NAME, "Segment's Klaviyo (Actions) destination", SegmentActionsSettings, SegmentActions)]
