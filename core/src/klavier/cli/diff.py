"""`klavier diff`: the same events through two vendors, and the differences between the resulting data."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from klavier.cli.diff_about import Period, about_rows
from klavier.cli.diff_sides import Asked, names_of, prepare_sides, side_options
from klavier.cli.diff_table import table
from klavier.cli.options import OutputFile, format_option
from klavier.cli.private_files import check_output, write_content
from klavier.cli.progress import lines_with_progress
from klavier.comparison.masking import mask_secrets
from klavier.comparison.wording import count
from klavier.errors import UsageError
from klavier.garbage import COMPARISON, rare_collection
from klavier.streams.result import Result, read_event
from klavier.streams.sources import Sources

if TYPE_CHECKING:
    from klavier.comparison.compare import Comparing
    from klavier.comparison.report import Comparison
    from klavier.plugins import Plugins

_FEW = 5
"""Cases of each difference that the table and the page show."""

MOST_SHARDS = 512
"""Shards have a file each, which are open at the same time while events are distributed; systems allow 1,024."""


@click.command("diff", short_help="Compare two vendors.")
@click.argument("file", metavar="FILE")
@side_options
@format_option("text", "json", "html", text="A table, JSON with every case, or one web page that needs nothing else.")
@click.option("--output", type=OutputFile(), metavar="FILE", help="Where to write it.")
@click.option("--cases", type=click.IntRange(0), help="Cases of each difference that are kept; JSON keeps all.")
@click.option(
    "--shards",
    type=click.IntRange(1, MOST_SHARDS),
    help="Compare the events in so many parts, to use less memory; as many as workers by default.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that compare shards.")
@click.option(
    "--joined-by",
    multiple=True,
    metavar="PATH",
    help="A further place of an identifier in events, such as properties.customer.number; repeatable.",
)
@click.option("--values", is_flag=True, help="Show people and values in the table and the page too: personal data.")
def command(  # noqa: PLR0913 -- one for each option
    *,
    file: str,
    asked: Asked,
    as_: str,
    output: Path | None,
    cases: int | None,
    shards: int | None,
    workers: int,
    joined_by: tuple[str, ...],
    values: bool,
) -> None:
    """Compare the data in Klaviyo after two vendors delivered the events of FILE.

    FILE is a file or folder of events, as for klavier send; - reads standard input.
    Each side delivers into a Klaviyo inside this process; nothing is sent, and no key is needed.
    The sides may also be two settings, fidelities or wires of one vendor.
    JSON contains every case with its values, which are personal data.

    With --shards, a first pass copies the events to a temporary folder and puts those that may concern one profile into
    one of so many parts, and each part is then compared alone, by one of --workers processes.

    Exit codes: 0 no difference, 1 they differ, 2 wrong use.
    """
    sources = Sources([file])
    check_output(output, "--output", sources.names)
    left, right = prepare_sides(asked)
    names = names_of((left, asked.left), (right, asked.right))
    most = (None if as_ == "json" else _FEW) if cases is None else cases
    shards = workers if shards is None else shards
    with rare_collection(COMPARISON):
        if shards == 1:
            from klavier.comparison.compare import Comparing  # noqa: PLC0415 -- loads the sandbox

            comparing = Comparing(left.vendor, right.vendor, names=names, plugins=left.plugins, opt_in=asked.opt_in)
            period = feed(comparing, sources, left.plugins)
            found = comparing.finish(most)
        else:
            from klavier.cli.diff_shards import Work, compare_in_shards  # noqa: PLC0415 -- loads the sandbox

            work = Work(asked, names, shards, most, joined_by)
            found, period = compare_in_shards(work, min(workers, shards), sources, left.plugins)
    found = mask_secrets(found, {*left.secrets, *right.secrets})
    about = about_rows(sources.names, period, zip(names, (left, right), strict=True), asked.opt_in)
    _write(found, tuple(about), as_, output, values=values)
    raise SystemExit(1 if found.differs else 0)


def feed(comparing: "Comparing", sources: Sources, plugins: "Plugins") -> Period:
    """Add the events of the sources, and return the days that they are of.

    Raises `UsageError` where the sources have lines, and none of them is an event.
    """
    number, period = 0, Period()
    for line in lines_with_progress(sources.lines(), sources.size, "comparing"):
        number = max(line.number, number + 1)  # further files, and further events of a batch, go on counting
        event = read_event(line, plugins)
        if isinstance(event, Result):
            comparing.add_unread(number, event.cause)
        else:
            period.add(event)
            comparing.add(number, event)
    if number and not comparing.events:
        first = comparing.unread[0]
        raise UsageError(f"{sources.names[0]}: no line of it is an event; line {first.first}: {first.text}")
    return period


def _write(
    found: "Comparison", about: Sequence[tuple[str, str]], as_: str, output: Path | None, *, values: bool
) -> None:
    if as_ == "text":
        text = "".join(f"{line}\n" for line in table(found, values=values, coloured=output is None))
        content = text.encode("utf-8", "backslashreplace")
    elif as_ == "json":
        content = orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        from klavier.comparison.frame import diff_frame  # noqa: PLC0415 -- the table does without
        from klavier.comparison.page import page  # noqa: PLC0415 -- the table does without

        content = page(found, values=values, frame=diff_frame(found, about)).encode()
    write_content(content, output)
    if output is not None:
        click.echo(f"{count(len(found.differences), 'difference')}, written to {output}", err=True)
