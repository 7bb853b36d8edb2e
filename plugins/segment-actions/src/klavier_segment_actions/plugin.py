"""What this package registers with klavier."""

from typing import TYPE_CHECKING

from klavier.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from klavier.migration import Portable
    from klavier.vendor import VendorSpec


@hookimpl
def klavier_vendors() -> "Iterable[VendorSpec]":
    """Register the vendor."""
    # Here, since the list of commands, for which this module is imported too, must not wait for the vendor.
    from klavier.vendor import VendorSpec  # noqa: PLC0415 -- see above
    from klavier_segment_actions.settings import SegmentActionsSettings  # noqa: PLC0415 -- see above
    from klavier_segment_actions.tables.retry import RETRY  # noqa: PLC0415 -- see above
    from klavier_segment_actions.vendor import NAME, SegmentActions  # noqa: PLC0415 -- see above

    return [
        VendorSpec(
            NAME, "Segment's Klaviyo (Actions) destination", SegmentActionsSettings, SegmentActions, RETRY, portable
        )
    ]


def portable() -> "Portable":
    """Give the settings in the words of migrations."""
    from klavier_segment_actions.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE


@hookimpl
def klavier_commands(group: "click.Group") -> None:
    """Add `klavier rows`."""
    from klavier_segment_actions.commands import rows_command  # noqa: PLC0415 -- only a command line needs click

    group.add_command(rows_command)
