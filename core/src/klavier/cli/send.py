"""`klavier send`: deliver events from files or standard input to Klaviyo."""

import json
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import click
from attrs import evolve

from klavier.cli.checkpoint import ENDING, Checkpoint, open_checkpoint
from klavier.cli.json_output import json_line, result_object
from klavier.cli.messages import note, print_error, warn
from klavier.cli.options import FILE, format_option, sandbox_option
from klavier.cli.plan import open_sources, plan_lines, print_skipped
from klavier.cli.private_files import check_output, open_private
from klavier.cli.progress import with_progress
from klavier.cli.queries import query_options
from klavier.cli.rows import check_vendor
from klavier.cli.setup import Choice, Setup, choice_options, history_options, prepare
from klavier.cli.signals import StopSignals
from klavier.cli.summary import Summary
from klavier.errors import UsageError
from klavier.streams.result import Result
from klavier.streams.sources import STDIN, Sources, rows_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from klavier.cli.queries import Cursor
    from klavier.streams.lines import Line
    from klavier.streams.queries import Query
    from klavier.streams.run import StreamRun

_UNREADABLE, _INTERRUPTED = 2, 130

ResultHandler = Callable[[Result], None]


@click.command("send", short_help="Deliver events.")
@click.argument("files", metavar="[FILE]...", type=FILE, nargs=-1)
@choice_options
@click.option("--dry-run", is_flag=True, help="Send nothing: show what would be sent, as klavier plan does.")
@sandbox_option("Send to")
@format_option(text="A summary, or one JSON object for each event.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the lines that were rejected or failed to FILE, unchanged, so that you can correct and resend them.",
)
@click.option(
    "--bulk",
    type=click.Choice(["vendor", "max"]),
    help="vendor: the requests that the vendor would send; max: as few requests as possible.  Overrides the "
    "configuration's.",
)
@history_options
@click.option(
    "--resume",
    is_flag=True,
    help=f"Record progress in FILE{ENDING}, and continue from there after an earlier run.",
)
@click.option(
    "--progress",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Like --resume with another file; works for standard input too, if the same input is piped in again.",
)
@click.option("--rows", is_flag=True, help="Each FILE holds rows of a warehouse, which an installed plugin reads.")
@click.option(
    "--mode",
    type=click.Choice(["added", "updated", "deleted"]),
    help="With --rows: what happened to the rows; added by default.",
)
@click.option("--id-column", metavar="NAME", help="With --rows: the column that holds the profile's id.")
@query_options
def command(  # noqa: PLR0913 -- one for each option
    *,
    files: Sequence[str],
    choice: Choice,
    rejects: Path | None,
    resume: bool,
    progress: Path | None,
    as_: str,
    dry_run: bool,
    rows: bool,
    mode: str | None,
    query: "Query | None",
    cursor: "Cursor | None",
    **options: str | None,
) -> None:
    """Deliver the events of each FILE to Klaviyo; without FILE, or with -, those of standard input.

    FILE is JSON Lines, JSON, CSV or Parquet, compressed or not, or a folder of such files.
    With --from and --query the events are the rows of a database.
    Every event gets an outcome, and one that fails does not stop the others.
    Ctrl-C or SIGTERM ends the run after the requests in flight.
    Sending a file twice is harmless on the current wire: each event keeps its id.
    """
    names = list(files) or [STDIN]
    _check_rows(names, mode or options["id_column"], rows=rows)
    sources = None if rows else query or open_sources(files)
    if dry_run:
        _plan(sources, choice, as_)
    setup = prepare(choice, base_url=options["sandbox"], purpose="send")
    checkpoint = _open_checkpoint(setup, names, progress, resume=resume)
    summary = Summary() if checkpoint is None else checkpoint.summary
    signals = StopSignals()
    run = stream_run(setup, options["bulk"], signals, is_ready=None if sources is None else sources.asked)
    lines = _read_rows(names, setup, mode, options["id_column"]) if sources is None else sources.lines()
    with _open_rejects(rejects, names, checkpoint) as rejects_file, signals, closing(lines):
        remaining = check_vendor(lines, setup.vendor) if rows else lines
        if checkpoint is not None:
            checkpoint.count_requests = lambda: run.requests
            remaining = checkpoint.lines(remaining)
        size = None if sources is None else sources.size  # a row does not know its position in the file
        results = with_progress(run.run(signals.lines(remaining)), size, run.limiter)
        positions = [each for each in (checkpoint, cursor) if each is not None]
        handlers: list[ResultHandler] = [partial(_write_result, secrets=setup.secrets)] if as_ == "json" else []
        handlers += [each.add for each in positions]
        code = _deliver(results, summary, rejects_file, handlers) or signals.exit_code
        for position in positions:
            position.write(is_complete=not code)
    summary.requests += run.requests
    _print_end(run, summary, _remedy(positions, query) if code else "", is_json=as_ == "json")
    raise SystemExit(code or summary.exit_code)


def _read_rows(names: Sequence[str], setup: Setup, mode: str | None, id_column: str | None) -> "Generator[Line]":
    return rows_of(names, partial(setup.plugins.read_rows, mode=mode or "added", id_column=id_column))


def _plan(sources: "Sources | Query | None", choice: Choice, as_: str) -> NoReturn:
    if sources is None:
        raise click.UsageError("--dry-run reads events: convert the rows of --rows to events first")
    setup = prepare(choice, purpose="plan")
    summary = plan_lines(sources, setup, as_, batch_size=setup.config.delivery.batch_size)
    raise SystemExit(summary.exit_code)


def stream_run(setup: Setup, bulk: Any, signals: StopSignals | None = None, **options: Any) -> "StreamRun":
    """Return what delivers lines; `bulk` overrides the configuration's, `options` are those of `StreamRun`.

    A run with `signals` stops where one was received.

    Raises `ConfigError` where no key is configured.
    """
    from klavier.streams.run import StreamRun  # noqa: PLC0415 -- as above
    from klavier.worker.factory import make_connect, make_options  # noqa: PLC0415 -- loads what delivers

    setup.check_keys()
    config = setup.config
    if signals is not None:
        options["is_stopping"] = lambda: signals.received is not None
    if bulk is not None:
        config = evolve(config, delivery=evolve(config.delivery, bulk=bulk))
    return StreamRun(
        setup.vendor,
        make_connect(config, setup.vendor),
        plugins=setup.plugins,
        options=make_options(config, setup.vendor),
        **options,
    )


def _check_rows(names: Sequence[str], row_option: str | None, *, rows: bool) -> None:
    """Refuse options about rows without --rows, and rows from standard input, which has no file type."""
    if row_option and not rows:
        raise click.UsageError("--mode and --id-column describe the rows of --rows: pass --rows too")
    if rows and STDIN in names:
        raise click.UsageError("--rows: pass the name of a file of rows")


def _open_checkpoint(setup: Setup, names: Sequence[str], path: Path | None, *, resume: bool) -> Checkpoint | None:
    """Open the checkpoint that the options name, and print where the run continues."""
    if path is None and not resume:
        return None
    if path is None and STDIN in names:
        raise click.UsageError("--resume: standard input has no name; pass --progress FILE instead")
    path = path or Path(f"{names[0]}{ENDING}")
    found = open_checkpoint(path, setup.vendor.name, setup.config.klaviyo.base_url, names)
    if found.done:
        note(f"{path}: {found.done:,} lines are done; continuing after them")
    return found


def _deliver(
    results: Iterable[Result], summary: Summary, rejects: BinaryIO | None, handlers: Sequence[ResultHandler]
) -> int:
    """Take all results, or those up to a second signal or to input that cannot be read; return the exit code, or 0."""
    has_result = False
    try:
        for result in results:
            has_result = True
            summary.add(result)
            if rejects is not None and result.outcome.kind in ("rejected", "failed"):
                rejects.write(_rejected_text(result.line) + b"\n")
            for handle in handlers:
                handle(result)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except UsageError as error:
        if not has_result:
            raise
        print_error(f"Error: {error}")  # such as a database that closed the connection: what was sent counts
        return _UNREADABLE
    return 0


def _print_end(run: "StreamRun", summary: Summary, remedy: str, *, is_json: bool) -> None:
    """Print the counts, and what no outcome shows: plugins that raised, and requests that are left to a browser.

    `remedy` is how to deliver the rest after a run that stopped.
    """
    for fault, times in run.observers.faults.items():
        warn(f"{fault} ({times:,} times); the outcomes are unchanged")
    if summary.kinds["delivered"] and not summary.requests:
        warn("nothing was sent: in device mode the vendor's browser code makes the calls")
    if remedy:
        print_error(f"stopped after {summary.last or 'the beginning'}; to deliver the rest, {remedy}")
    click.echo("\n".join(summary.lines()), err=is_json)
    if not remedy:
        print_skipped(summary)


def _remedy(positions: Sequence[object], query: "Query | None") -> str:
    if positions:
        return "run the same command again"
    return "send the input again: no event is doubled" + ("" if query else " (--resume would continue here)")


def _write_result(result: Result, secrets: Collection[str]) -> None:
    click.echo(json_line(result_object(result), secrets), nl=False)


def _open_rejects(
    path: Path | None, names: Sequence[str], checkpoint: Checkpoint | None
) -> AbstractContextManager[BinaryIO | None]:
    """Open the file of rejects before anything is sent; raises `UsageError` for one that cannot be written.

    A resumed run keeps the part of the file that belongs to the lines before.
    """
    if path is None:
        return nullcontext()
    check_output(path, "--rejects", names)
    is_resumed = checkpoint is not None and checkpoint.done > 0 and path.exists()
    file = open_private(path, keep=is_resumed)
    if checkpoint is not None:
        file.truncate(min(checkpoint.rejected_bytes, file.seek(0, os.SEEK_END)) if is_resumed else 0)
        file.seek(0, os.SEEK_END)
        checkpoint.flush_rejects = partial(_flush, file)
    return file


def _rejected_text(line: "Line") -> bytes:
    """Return the text of a line; of one that could not be read, such as a row of a table, where it is and why."""
    return line.text or json.dumps({"unreadable": line.place, "problem": line.problem}).encode()


def _flush(file: BinaryIO) -> int:
    """Write what is buffered; return the size of the file in bytes."""
    file.flush()
    return file.tell()
