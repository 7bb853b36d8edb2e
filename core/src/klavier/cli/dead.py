"""`klavier dead`: list the dead letters, retry, export or delete them."""

import sys
from collections import Counter
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from klavier.cli.dead_letters import group_by_cause, print_table, summarize
from klavier.cli.json_output import json_line, pretty_json
from klavier.cli.open_outbox import find_dead_letter, open_existing
from klavier.cli.options import format_option
from klavier.cli.private_files import create_private
from klavier.cli.selection import Selection, selection_options
from klavier.cli.setup import Choice, Setup, config_option, prepare
from klavier.cli.wording import count, describe_cause, paint, plain, span
from klavier.errors import UsageError
from klavier.outbox import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group("dead", short_help="List, retry, export or delete dead letters.")
def command() -> None:
    """List the dead letters (events that were rejected or failed for good), retry, export or delete them.

    They stay in the outbox until they are retried or deleted; SEQ is an event's number in the order of acceptance.
    """


@command.command("list", short_help="List the dead letters.")
@selection_options(required=False)
@config_option
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="List at most so many as text."
)
@click.option(
    "--by", type=click.Choice(["cause"]), help="Count them by cause: outcome, status, reason and kind of event."
)
@format_option(text="A table, or one JSON object for each dead letter or cause.")
def list_letters(*, selection: Selection, config_file: Path | None, limit: int, by: str | None, as_: str) -> None:
    """List the dead letters, or the selected ones, in the order of acceptance and without personal data."""
    setup = _prepare(config_file)
    with open_existing(setup) as outbox:
        letters: Iterator[dict[str, Any]] = (
            summarize(letter, setup.plugins) for letter in selection.letters(outbox, setup.plugins)
        )
        if by is not None:
            letters = iter(group_by_cause(letters))
        if as_ == "json":
            for found in letters:
                click.echo(json_line(found), nl=False)
            return
        shown = list(islice(letters, limit))
        if shown:
            print_table(shown)
        if by is not None:
            return
        total = len(shown) + sum(1 for _ in letters)
        click.echo(count(total, "dead letter") + (f", {limit} shown" if total > limit else ""))


@command.command("show", short_help="Show one dead letter.")
@click.argument("seq", type=click.IntRange(min=1))
@config_option
@click.option("--payload", is_flag=True, help="Show the event as well, with its personal data.")
@format_option(text="For reading, or one JSON object.")
def show(*, seq: int, config_file: Path | None, payload: bool, as_: str) -> None:
    """Show why an event was not delivered: the last requests and replies, each value replaced by its kind."""
    setup = _prepare(config_file)
    with open_existing(setup) as outbox:
        letter = find_dead_letter(outbox, seq)
    summary = summarize(letter, setup.plugins)
    exchanges = orjson.loads(letter.requests)
    if as_ == "json":
        event = {"event": _read_event(letter)} if payload else {}
        click.echo(json_line({**summary, "exchanges": exchanges, **event}), nl=False)
        return
    for name, value in {**summary, "age": span(summary["age"])}.items():
        click.echo(f"{paint(f'{name:<9}', bold=True)} {'-' if value is None else plain(value)}")
    for exchange in exchanges:
        click.echo(f"\n{pretty_json(exchange)}")
    if payload:
        click.echo(f"\n{paint('event', bold=True)}\n{pretty_json(_read_event(letter))}")


@command.command("retry", short_help="Put dead letters back into the queue.")
@selection_options(required=True)
@config_option
def retry(*, selection: Selection, config_file: Path | None) -> None:
    """Put dead letters back at the end of the queue, to be tried like new events.

    A running relay, or klavier run, delivers them.
    """
    setup = _prepare(config_file)
    with open_existing(setup) as outbox:
        selected = [letter.seq for letter in selection.letters(outbox, setup.plugins)]
        click.echo(f"{count(outbox.requeue(selected), 'event')} put back into the queue")


@command.command("delete", short_help="Delete dead letters for good.")
@selection_options(required=True)
@config_option
@click.option("--yes", is_flag=True, help="Do not ask for confirmation; required where there is no terminal.")
def delete(*, selection: Selection, config_file: Path | None, yes: bool) -> None:
    """Delete dead letters for good, with their events.

    klavier dead export saves the events in a file.
    For seven days a new event with the message id of a deleted one still counts as a duplicate.
    """
    setup = _prepare(config_file)
    with open_existing(setup) as outbox:
        selected: list[int] = []
        causes: Counter[str] = Counter()
        for letter in selection.letters(outbox, setup.plugins):
            selected.append(letter.seq)
            causes[describe_cause(letter.kind, letter.status)] += 1
        if selected and not yes:
            _confirm(f"Delete {count(len(selected), 'dead letter')} for good ({_describe(causes)})?")
        deleted = f"{count(outbox.delete(selected), 'dead letter')} deleted"
        click.echo(f"{deleted} ({_describe(causes)})" if causes else deleted)


@command.command("export", short_help="Write the events of dead letters to a file.")
@click.argument("file", type=click.Path(path_type=Path))
@selection_options(required=False)
@config_option
def export(*, file: Path, selection: Selection, config_file: Path | None) -> None:
    """Write the events of the dead letters, or of the selected ones, to FILE (JSON Lines); - is standard output.

    Correct them there and send them again with klavier send.
    The file holds personal data, so only you can read it.  The dead letters stay in the outbox.
    """
    setup = _prepare(config_file)
    with open_existing(setup) as outbox:
        letters = selection.letters(outbox, setup.plugins)
        written = 0
        is_stdout = str(file) == "-"
        with nullcontext(sys.stdout.buffer) if is_stdout else create_private(file) as target:
            for letter in letters:
                target.write(letter.payload + b"\n")
                written += 1
    click.echo(f"{count(written, 'event')} written to {'standard output' if is_stdout else plain(file)}", err=is_stdout)


def _confirm(question: str) -> None:
    """Ask on the terminal; raises `UsageError` where there is none, `Abort` for a no."""
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"{question[:-1]}: not a terminal: pass --yes to confirm")
    click.confirm(question, abort=True, err=True)


def _describe(causes: "Counter[str]") -> str:
    return ", ".join(f"{number:,} {cause}" for cause, number in causes.most_common())


def _prepare(config_file: Path | None) -> Setup:
    """Read the configuration; keys are not needed."""
    return prepare(Choice(config_file=config_file, option=None), purpose="plan")


def _read_event(letter: DeadLetter) -> Any:
    """Return the event as JSON data; a payload that is not JSON as a string."""
    try:
        return orjson.loads(letter.payload)
    except orjson.JSONDecodeError:
        return letter.payload.decode("utf-8", "backslashreplace")
