"""`klavier send`: deliver events from files or standard input to Klaviyo."""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO

import click

from klavier.cli.asjson import line_of, result_object
from klavier.cli.engine import engine
from klavier.cli.progress import with_progress
from klavier.cli.setup import Choice, choice_options, prepare
from klavier.cli.sources import STDIN, check_readable, lines_of
from klavier.cli.tally import Tally
from klavier.delivery.pipeline import Result
from klavier.errors import UsageError

_INTERRUPTED = 130


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
def command(*, files: Sequence[str], choice: Choice, rejects: Path | None, as_: str, **options: str | None) -> None:
    """Deliver the events of each FILE (JSON Lines) to Klaviyo; without one, or with -, those of standard input.

    Every event gets an outcome, and one that fails does not stop the rest.
    Sending a file twice is harmless on the current wire: each event keeps its id.
    """
    names = list(files) or [STDIN]
    if not files and sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError("nothing to send: give a FILE, or pipe events in")
    if names.count(STDIN) > 1:
        raise click.UsageError("standard input can be read once; give - once")
    check_readable(names)
    setup = prepare(choice, base_url=options["sandbox"])
    tally = Tally()
    with _opened(rejects, names) as rejects_file, engine(setup, options["bulk"]) as found:
        results = with_progress(found.run(lines_of(names)), names)
        write = partial(_write, secrets=setup.secrets) if as_ == "jsonl" else None
        interrupted = _deliver(results, tally, rejects_file, write)
    tally.requests += found.calls
    for fault, times in found.observers.faults.items():
        click.echo(f"warning: {fault} ({times:,} times); the outcomes stand", err=True)
    click.echo("\n".join(tally.lines()), err=as_ == "jsonl")
    raise SystemExit(_INTERRUPTED if interrupted else tally.exit_code)


def _deliver(
    results: Iterable[Result], tally: Tally, rejects: BinaryIO | None, write: Callable[[Result], None] | None
) -> bool:
    """Run to the end or to an interrupt; tells whether it was interrupted."""
    last = "the beginning"
    try:
        for result in results:
            tally.add(result)
            last = result.line.place
            if write is not None:
                write(result)
            if rejects is not None and result.outcome.kind in ("rejected", "failed"):
                rejects.write(result.line.text + b"\n")
    except KeyboardInterrupt:
        click.echo(f"\nstopped after {last}; to deliver the rest, send it again: that is harmless", err=True)
        return True
    return False


def _write(result: Result, secrets: Collection[str]) -> None:
    click.echo(line_of(result_object(result), secrets), nl=False)


def _opened(path: Path | None, names: Sequence[str]) -> AbstractContextManager[BinaryIO | None]:
    """Open the file of rejects before anything is sent; raises `UsageError` for one that cannot be written."""
    if path is None:
        return nullcontext()
    if path.exists() and any(name != STDIN and path.samefile(name) for name in names):
        raise UsageError(f"{path}: is read from as well; give --rejects another name")
    try:
        return path.open("wb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{path}: cannot be written: {why}") from None
