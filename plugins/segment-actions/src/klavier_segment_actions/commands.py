"""`klavier rows`: rows of a warehouse as events, ready for `klavier send`."""

import sys
from pathlib import Path

import click

from klavier.errors import UsageError

MODES = ("added", "updated", "deleted")


@click.command("rows", short_help="Write rows of a warehouse as events.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="added",
    show_default=True,
    help="What happened to the rows; a column __mode goes before it.",
)
@click.option("--id-column", metavar="NAME", help="The column that holds the person's id.")
def rows_command(file: Path, mode: str, id_column: str | None) -> None:
    """Write each row of FILE (CSV with a header where it ends in .csv, else JSON Lines) as one event.

    The events go to standard output, for `klavier plan -` or `klavier send -`.
    """
    import orjson  # noqa: PLC0415 -- this module is imported for the list of commands, which must not wait

    from klavier_segment_actions.rows import events_from_rows, read_rows  # noqa: PLC0415 -- as above

    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; give one of CSV or JSON Lines")
    for event in events_from_rows(read_rows(file), mode, id_column=id_column):  # type: ignore[arg-type]  # click checked it
        sys.stdout.buffer.write(orjson.dumps(event.payload, option=orjson.OPT_APPEND_NEWLINE))
