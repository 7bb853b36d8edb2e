"""The hooks that this package registers with klavier."""

from typing import TYPE_CHECKING

from klavier.hookspecs import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import click

    from klavier.events.model import Event
    from klavier.migration import Portable
    from klavier.streams.lines import Line
    from klavier.vendor import VendorSpec
    from klavier_segment_actions.rows import Mode


@hookimpl
def klavier_vendors() -> "Iterable[VendorSpec]":
    """Register the vendor."""
    # Imported here: `klavier --help` imports this module too and must not load the vendor.
    from klavier.vendor import VendorSpec  # noqa: PLC0415 -- see above
    from klavier_segment_actions.settings import Settings  # noqa: PLC0415 -- see above
    from klavier_segment_actions.tables.retry import RETRY  # noqa: PLC0415 -- see above
    from klavier_segment_actions.vendor import NAME, SegmentActions  # noqa: PLC0415 -- see above

    return [VendorSpec(NAME, "Segment's Klaviyo (Actions) destination", Settings, SegmentActions, RETRY, portable)]


def portable() -> "Portable":
    """Return the reader and writer of settings for `klavier migrate`."""
    from klavier_segment_actions.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE


@hookimpl
def klavier_read_rows(path: str, mode: "Mode", id_column: str | None) -> "Iterator[Event | Line]":
    """Read rows of CSV and JSON Lines, as Segment's reverse ETL does."""
    from klavier_segment_actions.rows import read_row_events  # noqa: PLC0415 -- only `klavier send` needs it

    return read_row_events(path, mode, id_column=id_column)


@hookimpl
def klavier_commands(group: "click.Group") -> None:
    """Add `klavier rows`."""
    from klavier_segment_actions.commands import rows_command  # noqa: PLC0415 -- only a command line needs click

    group.add_command(rows_command)
