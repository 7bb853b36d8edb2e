"""`klavier dead`: look at the events that were given up, send them again, or delete them."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from klavier.cli.json_output import json_line
from klavier.cli.open_outbox import letter_of, opened
from klavier.cli.selection import Selection, selection_options
from klavier.cli.setup import Choice, config_option, prepare
from klavier.cli.wording import count, paint, plain, width
from klavier.errors import UsageError
from klavier.outbox import DeadLetter

_SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


@click.group("dead", short_help="Look at the events that were given up, and send them again.")
def command() -> None:
    """Look at dead letters, the events that ended as rejected or failed, and send them again.

    They are kept in the outbox until somebody retries or deletes them; SEQ is an event's place in the order of
    acceptance.
    """


@command.command("list", short_help="List the dead letters.")
@selection_options(required=False)
@config_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Show so many in the table at most."
)
@click.option(
    "--format", "as_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True, help="How to show it."
)
def list_letters(*, selection: Selection, config_file: Path | None, limit: int, as_: str) -> None:
    """List the dead letters, or those that are chosen, in the order of acceptance and without anybody's data."""
    with opened(_prepare(config_file)) as outbox:
        letters = selection.letters(outbox)
        if as_ == "jsonl":
            for letter in letters:
                click.echo(json_line(_summary(letter)), nl=False)
            return
        shown = list(islice(letters, limit))
        if shown:
            _table(shown)
        total = len(shown) + sum(1 for _ in letters)
        click.echo(count(total, "dead letter") + (f", {limit} shown" if total > limit else ""))


@command.command("show", short_help="Show one dead letter.")
@click.argument("seq", type=click.IntRange(min=1))
@config_option
@click.option("--payload", is_flag=True, help="Show the event itself too, with the personal data in it.")
def show(*, seq: int, config_file: Path | None, payload: bool) -> None:
    """Show why an event was given up: the last try's requests and replies, every value replaced by its kind."""
    with opened(_prepare(config_file)) as outbox:
        letter = letter_of(outbox, seq)
    for name, value in _summary(letter).items():
        click.echo(f"{paint(f'{name:<9}', bold=True)} {'-' if value is None else plain(value)}")
    for exchange in orjson.loads(letter.requests):
        click.echo(f"\n{_pretty(exchange)}")
    if payload:
        click.echo(f"\n{paint('event', bold=True)}\n{_event(letter)}")


@command.command("retry", short_help="Put dead letters back into the queue.")
@selection_options(required=True)
@config_option
def retry(*, selection: Selection, config_file: Path | None) -> None:
    """Put dead letters back at the end of the queue, to be tried as if they were new.

    A running relay, or klavier run, delivers them.
    """
    with opened(_prepare(config_file)) as outbox:
        chosen = [letter.seq for letter in selection.letters(outbox)]
        click.echo(f"{count(outbox.requeue(chosen), 'event')} put back into the queue")


@command.command("delete", short_help="Delete dead letters for good.")
@selection_options(required=True)
@config_option
@click.option("--yes", is_flag=True, help="Do not ask; needed where nobody can answer.")
def delete(*, selection: Selection, config_file: Path | None, yes: bool) -> None:
    """Delete dead letters for good, with the events in them.

    klavier dead export keeps the events in a file.
    An event with the message id of a deleted one is still taken for the same event for seven days.
    """
    with opened(_prepare(config_file)) as outbox:
        chosen: list[int] = []
        causes: Counter[str] = Counter()
        for letter in selection.letters(outbox):
            chosen.append(letter.seq)
            causes[letter.kind if letter.status is None else f"{letter.kind} with {letter.status}"] += 1
        if chosen and not yes:
            _ask(f"Delete {count(len(chosen), 'dead letter')} for good ({_join_causes(causes)})?")
        gone = f"{count(outbox.delete(chosen), 'dead letter')} deleted"
        click.echo(f"{gone} ({_join_causes(causes)})" if causes else gone)


@command.command("export", short_help="Write the dead letters' events to a file.")
@click.argument("file", type=click.Path(path_type=Path))
@selection_options(required=False)
@config_option
def export(*, file: Path, selection: Selection, config_file: Path | None) -> None:
    """Write the events of the dead letters, or of those that are chosen, to FILE (JSON Lines).

    They can be mended there and sent again with klavier send.
    The file holds personal data, so that only you may read it.  The dead letters stay in the outbox.
    """
    with opened(_prepare(config_file)) as outbox:
        letters = selection.letters(outbox)
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise UsageError(f"{file}: is there already; name a new file") from None
        with os.fdopen(handle, "wb") as target:
            written = 0
            for letter in letters:
                target.write(letter.payload + b"\n")
                written += 1
    click.echo(f"{count(written, 'event')} written to {plain(file)}")


def _ask(question: str) -> None:
    """Ask on the terminal; raises `UsageError` where there is none, `Abort` for a no."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question[:-1]}: nobody is there to ask; give --yes")
    click.confirm(question, abort=True, err=True)


def _join_causes(causes: "Counter[str]") -> str:
    return ", ".join(f"{number:,} {cause}" for cause, number in causes.most_common())


def _prepare(config_file: Path | None) -> Any:
    """Read the configuration; keys are not needed."""
    return prepare(Choice(config_file=config_file), placeholders=True)


def _summary(letter: DeadLetter) -> dict[str, Any]:
    return {
        "seq": letter.seq,
        "kind": letter.kind,
        "status": letter.status,
        "reason": letter.reason,
        "tries": letter.tries,
        "age": _age(time.time() - letter.died),
    }


def _age(seconds: float) -> str:
    """Write a time span in its largest whole unit."""
    unit, length = next(((unit, length) for unit, length in _SPANS if seconds >= length), ("s", 1))
    return f"{max(0, int(seconds // length))} {unit}"


def _table(letters: Iterable[DeadLetter]) -> None:
    from rich.console import Console  # noqa: PLC0415 -- takes its time to load
    from rich.table import Table  # noqa: PLC0415 -- as above
    from rich.text import Text  # noqa: PLC0415 -- as above

    table = Table(box=None, pad_edge=False)
    for name in ("seq", "kind", "status", "tries", "age"):
        table.add_column(name, justify="left" if name == "kind" else "right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for letter in letters:
        row = _summary(letter)
        cells = [row[name] for name in ("seq", "kind", "status", "tries", "age", "reason")]
        table.add_row(*(Text("-" if cell is None else plain(cell)) for cell in cells))
    Console(width=width(), highlight=False).print(table)


def _event(letter: DeadLetter) -> str:
    try:
        return _pretty(orjson.loads(letter.payload))
    except orjson.JSONDecodeError:
        return plain(letter.payload.decode("utf-8", "backslashreplace"))


def _pretty(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
