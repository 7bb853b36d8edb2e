"""`klavier rows`: warehouse rows as events, for `klavier send`."""

import sys
from pathlib import Path

import click

from klavier.errors import UsageError

MODES = ("added", "updated", "deleted")


@click.command("rows", short_help="Convert warehouse rows to events.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="added",
    show_default=True,
    help="What happened to the rows; a column __mode overrides it.",
)
@click.option("--id-column", metavar="NAME", help="The column with the user id.")
def rows_command(file: Path, mode: str, id_column: str | None) -> None:
    """Convert each row of FILE to one event.

    FILE is CSV with a header where its name ends in .csv, else JSON Lines.  The events are written to standard
    output, for `klavier plan -` or `klavier send -`; rows that cannot be read are reported, and the exit code is 1.
    """
    import orjson  # noqa: PLC0415 -- this module is imported for `klavier --help`, which must stay fast

    from klavier.events.model import Event  # noqa: PLC0415 -- as above
    from klavier_segment_actions.rows import read_row_events  # noqa: PLC0415 -- as above

    if not file.is_file():
        raise UsageError(f"{file}: there is no such file; pass a file of CSV or JSON Lines")
    bad = 0
    for row in read_row_events(file, mode, id_column=id_column):  # type: ignore[arg-type]  # click checked it
        if isinstance(row, Event):
            sys.stdout.buffer.write(orjson.dumps(row.payload, option=orjson.OPT_APPEND_NEWLINE))
        else:
            bad += 1
            click.echo(f"{row.place}: {row.problem}", err=True)
    if bad:
        raise SystemExit(1)
