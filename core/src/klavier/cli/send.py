"""`klavier send`: deliver events from files or standard input to Klaviyo."""

import os
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson
from attrs import evolve

from klavier.cli.checkpoint import ENDING, Checkpoint, open_checkpoint
from klavier.cli.json_output import json_line, result_object
from klavier.cli.plan import open_sources
from klavier.cli.progress import with_progress
from klavier.cli.setup import Choice, Setup, choice_options, prepare
from klavier.cli.signals import StopSignals
from klavier.cli.summary import Summary
from klavier.errors import UsageError
from klavier.flows.rehearsal import rehearse
from klavier.streams.lines import Line
from klavier.streams.result import Result
from klavier.streams.sources import STDIN, rows_of

if TYPE_CHECKING:
    from klavier.events.model import Event
    from klavier.streams.run import StreamRun
    from klavier.vendor import Vendor

_INTERRUPTED = 130

ResultHandler = Callable[[Result], None]


@click.command("send", short_help="Deliver events.")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@choice_options
@click.option("--sandbox", metavar="URL", help="Send to this address instead of Klaviyo's, such as a sandbox's.")
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
    help="Write the lines that were rejected or failed to FILE, unchanged, so that you can correct and resend them.",
)
@click.option(
    "--bulk",
    type=click.Choice(["vendor", "max"]),
    help="vendor: the requests that the vendor would send; max: as few requests as possible.  Overrides the "
    "configuration's.",
)
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
    """Deliver the events of each FILE to Klaviyo; without FILE, or with -, those of standard input.

    FILE is JSON Lines, JSON, CSV or Parquet, compressed or not, or a folder of such files.
    Every event gets an outcome, and one that fails does not stop the others.
    Ctrl-C or SIGTERM ends the run after the requests in flight.
    Sending a file twice is harmless on the current wire: each event keeps its id.
    """
    names = list(files) or [STDIN]
    _check_rows(names, mode or options["id_column"], rows=rows)
    sources = None if rows else open_sources(names)
    setup = prepare(choice, base_url=options["sandbox"])
    checkpoint = _open_checkpoint(setup, names, progress, resume=resume)
    summary = Summary() if checkpoint is None else checkpoint.summary
    signals = StopSignals()
    is_ready = None if sources is None else sources.asked
    run = stream_run(setup, options["bulk"], is_ready=is_ready, is_stopping=lambda: signals.received is not None)
    with _open_rejects(rejects, names, checkpoint) as rejects_file, signals:
        read = partial(setup.plugins.read_rows, mode=mode or "added", id_column=options["id_column"])
        lines = _check_rows_vendor(rows_of(names, read), setup.vendor) if sources is None else sources.lines()
        if checkpoint is not None:
            checkpoint.count_requests = lambda: run.requests
            lines = checkpoint.lines(lines)
        size = None if sources is None else sources.size  # a row does not know its position in the file
        results = with_progress(run.run(signals.lines(lines)), size, run.limiter)
        handlers: list[ResultHandler] = [partial(_write_result, secrets=setup.secrets)] if as_ == "jsonl" else []
        handlers += [] if checkpoint is None else [checkpoint.add]
        code = _deliver(results, summary, rejects_file, handlers) or signals.exit_code
        if checkpoint is not None:
            checkpoint.write()
    summary.requests += run.requests
    _warn(run, summary)
    if code:
        click.echo(_describe_stop(summary, checkpoint), err=True)
    click.echo("\n".join(summary.lines()), err=as_ == "jsonl")
    raise SystemExit(code or summary.exit_code)


def _check_rows_vendor(lines: Iterator[Line], vendor: "Vendor") -> Iterator[Line]:
    """Return the lines of rows; raises `UsageError` where the vendor would send the first one as an event of its name.

    Rows are events named `new`, `updated` or `deleted`, which only mappings are meant to read.
    """
    read: list[Line] = []
    event = None
    while event is None and (line := next(lines, None)) is not None:
        read.append(line)
        event = line.event
    if event is not None and _sends_own_name(vendor, event):
        raise UsageError(
            f"--rows: {vendor.name} would send each row as an event named {event.payload['event']!r}; map rows to "
            "profiles, to subscriptions or to a metric name of their own"
        )
    return chain(read, lines)


def _sends_own_name(vendor: "Vendor", event: "Event") -> bool:
    """Return whether the event's name is in a request although no property of the event has that value."""
    name = event.payload["event"]
    if name in _strings(event.payload.get("properties")):
        return False
    requests = rehearse(vendor, [event]).requests
    return any(name in _strings([request.json, request.form, request.params]) for request in requests)


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a JSON value; the parameter `data` of legacy calls is JSON in Base64."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
            with suppress(ValueError):
                stack.append(orjson.loads(item if item.startswith("{") else b64decode(item, validate=True)))
        elif isinstance(item, dict):
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)


def stream_run(setup: Setup, bulk: Any, **options: Any) -> "StreamRun":
    """Return what delivers lines; `bulk` overrides the configuration's, `options` are those of `StreamRun`.

    Raises `ConfigError` where no key is configured.
    """
    from klavier.relay.factory import make_connect, make_options  # noqa: PLC0415 -- loads what delivers
    from klavier.streams.run import StreamRun  # noqa: PLC0415 -- as above

    setup.check_keys()
    config = setup.config
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
        click.echo(f"{path}: {found.done:,} lines are done; continuing after them", err=True)
    return found


def _deliver(
    results: Iterable[Result], summary: Summary, rejects: BinaryIO | None, handlers: Sequence[ResultHandler]
) -> int:
    """Take all results, or those up to a second signal; return its exit code, or 0."""
    try:
        for result in results:
            summary.add(result)
            if rejects is not None and result.outcome.kind in ("rejected", "failed"):
                rejects.write(result.line.text + b"\n")
            for handle in handlers:
                handle(result)
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _warn(run: "StreamRun", summary: Summary) -> None:
    """Print what no outcome shows: plugins that raised, and a vendor that leaves the requests to a browser."""
    for fault, times in run.observers.faults.items():
        click.echo(f"warning: {fault} ({times:,} times); the outcomes are unchanged", err=True)
    if summary.kinds["delivered"] and not summary.requests:
        click.echo("warning: nothing was sent: in device mode the vendor's browser code makes the calls", err=True)


def _describe_stop(summary: Summary, checkpoint: Checkpoint | None) -> str:
    last = f"stopped after {summary.last or 'the beginning'}"
    if checkpoint is None:
        return f"{last}; to deliver the rest, send the input again: no event is doubled (--resume would continue here)"
    return f"{last}; to deliver the rest, run the same command again"


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
    if path.exists() and any(name != STDIN and path.samefile(name) for name in names):
        raise UsageError(f"{path}: is an input file as well; pass another name to --rejects")
    try:
        is_resumed = checkpoint is not None and checkpoint.done > 0 and path.exists()
        file = path.open("r+b" if is_resumed else "wb")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{path}: cannot be written: {why}") from None
    if checkpoint is not None:
        file.truncate(min(checkpoint.rejected_bytes, file.seek(0, os.SEEK_END)) if is_resumed else 0)
        file.seek(0, os.SEEK_END)
        checkpoint.flush_rejects = partial(_flush, file)
    return file


def _flush(file: BinaryIO) -> int:
    """Write what is buffered; return the size of the file in bytes."""
    file.flush()
    return file.tell()
