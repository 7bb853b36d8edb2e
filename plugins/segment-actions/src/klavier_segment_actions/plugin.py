"""What this package registers with klavier."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from klavier.hookspecs import hookimpl
from klavier.vendor import VendorSpec
from klavier_segment_actions.settings import SegmentActionsSettings
from klavier_segment_actions.tables.retry import RETRY
from klavier_segment_actions.vendor import NAME, SegmentActions

if TYPE_CHECKING:
    import click


@hookimpl
def klavier_vendors() -> Iterable[VendorSpec]:
    """Register the vendor."""
    return [VendorSpec(NAME, "Segment's Klaviyo (Actions) destination", SegmentActionsSettings, SegmentActions, RETRY)]


@hookimpl
def klavier_commands(group: "click.Group") -> None:
    """Add `klavier rows`."""
    from klavier_segment_actions.commands import rows_command  # noqa: PLC0415 -- only a command line needs click

    group.add_command(rows_command)
