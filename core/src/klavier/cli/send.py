"""`klavier send`: deliver events from files or standard input to Klaviyo."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from klavier.cli.checkpoint import ENDING, Progress, open_progress
from klavier.cli.engine import engine
from klavier.cli.json_output import line_of, result_object
from klavier.cli.progress import with_progress
from klavier.cli.setup import Choice, Setup, choice_options, prepare
from klavier.cli.signals import Stopping
from klavier.cli.sources import STDIN, Sources, check_readable, rows_of
from klavier.cli.summary import Tally
from klavier.errors import UsageError
from klavier.streams.pipeline import Result

_INTERRUPTED = 130

Note = Callable[[Result], None]
"""Takes note of a result that was counted."""


@click.command("send", short_help="Deliver events.")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@choice_options
@click.option("--sandbox", metavar="URL", help="Deliver to this address instead of Klaviyo's, such as a sandbox's.")
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="A summary, or one JSON object for each event.",
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the lines that were rejected or failed here, as they came, to be mended and sent again.",
)
@click.option(
    "--bulk",
    type=click.Choice(["vendor", "max"]),
    help="The calls that the vendor would make, or the same with the fewest calls; takes the place of the "
    "configuration's.",
)
@click.option(
    "--resume",
    is_flag=True,
    help=f"Keep in FILE{ENDING} how far it came, and go on from there where an earlier run was ended.",
)
@click.option(
    "--progress",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Like --resume, and keep it in this file; for standard input too, when it is given again from its beginning.",
)
@click.option("--rows", is_flag=True, help="Each FILE holds rows of a warehouse, which an installed plugin reads.")
@click.option(
    "--mode",
    type=click.Choice(["added", "updated", "deleted"]),
    help="With --rows: what happened to the rows, by default that they were added.",
)
@click.option("--id-column", metavar="NAME", help="With --rows: the column that holds the person's id.")
def command(  # noqa: PLR0913 -- one for each option
    *,
    files: Sequence[str],
    choice: Choice,
    rejects: Path | None,
    resume: bool,
    progress: Path | None,
    as_: str,
    rows: bool,
    mode: str | None,
    **options: str | None,
) -> None:
    """Deliver the events of each FILE (JSON Lines) to Klaviyo; without one, or with -, those of standard input.

    Every event gets an outcome, and one that fails does not stop the rest.
    Ctrl-C or SIGTERM ends it once what is under way has its outcome.
    Sending a file twice is harmless on the current wire: each event keeps its id.
    """
    names = list(files) or [STDIN]
    if not files and sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError("nothing to send: give a FILE, or pipe events in")
    _check_rows(names, mode or options["id_column"], rows=rows)
    if names.count(STDIN) > 1:
        raise click.UsageError("standard input can be read once; give - once")
    check_readable(names)
    setup = prepare(choice, base_url=options["sandbox"])
    kept = _progress(setup, names, progress, resume=resume)
    tally = Tally() if kept is None else kept.tally
    sources = Sources(names)
    carrier = engine(setup, options["bulk"], shows_events=as_ == "jsonl", is_ready=None if rows else sources.asked)
    with _opened(rejects, names, kept) as rejects_file, carrier as found, Stopping() as stopping:
        read = partial(setup.plugins.read_rows, mode=mode or "added", id_column=options["id_column"])
        lines = rows_of(names, read) if rows else sources.lines()
        if kept is not None:
            kept.extra = lambda: found.delivers.calls
            lines = kept.lines(lines)
        sized = () if rows else names  # a row does not tell how far into its file it stands
        results = with_progress(found.delivers.run(stopping.lines(lines)), sized, found.pacer)
        notes: list[Note] = [partial(_write, secrets=setup.secrets)] if as_ == "jsonl" else []
        notes += [] if kept is None else [kept.note]
        code = _deliver(results, tally, rejects_file, notes) or stopping.exit_code
        if kept is not None:
            kept.write()
    tally.requests += found.delivers.calls
    for fault, times in found.delivers.observers.faults.items():
        click.echo(f"warning: {fault} ({times:,} times); the outcomes stand", err=True)
    if code:
        click.echo(_advice(tally, kept), err=True)
    click.echo("\n".join(tally.lines()), err=as_ == "jsonl")
    raise SystemExit(code or tally.exit_code)


def _check_rows(names: Sequence[str], about_rows: str | None, *, rows: bool) -> None:
    """Refuse options about rows without rows, and rows from standard input, whose kind no name tells."""
    if about_rows and not rows:
        raise click.UsageError("--mode and --id-column say what --rows holds: give --rows too")
    if rows and STDIN in names:
        raise click.UsageError("--rows: give the name of a file of rows")


def _progress(setup: Setup, names: Sequence[str], path: Path | None, *, resume: bool) -> Progress | None:
    """Open the progress that the options ask for, and tell where it goes on."""
    if path is None and not resume:
        return None
    if path is None and STDIN in names:
        raise click.UsageError("--resume: standard input has no name; name the file with --progress FILE")
    path = path or Path(f"{names[0]}{ENDING}")
    found = open_progress(path, setup.vendor.name, setup.config.klaviyo.base_url, names)
    if found.done:
        click.echo(f"{path}: {found.done:,} events were settled before; going on after them", err=True)
    return found


def _deliver(results: Iterable[Result], tally: Tally, rejects: BinaryIO | None, notes: Sequence[Note]) -> int:
    """Run to the end, or to an interrupt that nothing waits for; gives its exit code, or 0."""
    try:
        for result in results:
            tally.add(result)
            if rejects is not None and result.outcome.kind in ("rejected", "failed"):
                rejects.write(result.line.text + b"\n")
            for note in notes:
                note(result)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _advice(tally: Tally, kept: Progress | None) -> str:
    last = f"stopped after {tally.last or 'the beginning'}"
    if kept is None:
        return f"{last}; to deliver the rest, send it again: that is harmless (--resume would go on from there)"
    return f"{last}; to deliver the rest, give the same command again"


def _write(result: Result, secrets: Collection[str]) -> None:
    click.echo(line_of(result_object(result), secrets), nl=False)


def _opened(path: Path | None, names: Sequence[str], kept: Progress | None) -> AbstractContextManager[BinaryIO | None]:
    """Open the file of rejects before anything is sent; raises `UsageError` for one that cannot be written.

    A run that goes on keeps what was written up to where it goes on, and no more.
    """
    if path is None:
        return nullcontext()
    if path.exists() and any(name != STDIN and path.samefile(name) for name in names):
        raise UsageError(f"{path}: is read from as well; give --rejects another name")
    try:
        goes_on = kept is not None and kept.done > 0 and path.exists()
        file = path.open("r+b" if goes_on else "wb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{path}: cannot be written: {why}") from None
    if kept is not None:
        file.truncate(min(kept.rejected_bytes, file.seek(0, os.SEEK_END)) if goes_on else 0)
        file.seek(0, os.SEEK_END)
        kept.rejects = partial(_flushed, file)
    return file


def _flushed(file: BinaryIO) -> int:
    file.flush()
    return file.tell()
