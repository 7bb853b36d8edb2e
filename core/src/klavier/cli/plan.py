"""`klavier plan`: show what would be sent for a file of events, without sending anything."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from klavier.cli.dry_run import DryRun, DryRunResult
from klavier.cli.json_output import dry_run_object, json_line, request_object
from klavier.cli.output import Output
from klavier.cli.setup import Choice, Setup, choice_options, prepare
from klavier.cli.summary import Summary
from klavier.cli.wording import COLORS, call_title, event_title, hanging, paint, plain, request_title
from klavier.klaviyo.operations import usual_success
from klavier.streams.sources import STDIN, Sources

_INDENT = 12


@click.command("plan", short_help="Show what would be sent.")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@choice_options
@click.option(
    "--format",
    "as_",
    type=click.Choice(["table", "jsonl"]),
    default="table",
    show_default=True,
    help="Output format.",
)
@click.option("--bodies", is_flag=True, help="Show the body of each request in the table too; it holds personal data.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Events passed to the vendor together; by default as many as its own servers do.",
)
def command(*, files: Sequence[str], choice: Choice, as_: str, bodies: bool, batch_size: int | None) -> None:
    """Show what would be sent to Klaviyo for each event of each FILE; without FILE, or with -, of standard input.

    Nothing is sent, and no key is needed.
    Each request is assumed to succeed.
    In device mode the calls of the vendor's browser code are shown as well.
    """
    sources = open_sources(files)
    setup = prepare(choice, placeholders=True)
    size = setup.config.delivery.batch_size if batch_size is None else batch_size
    dry_run = DryRun(setup.vendor, usual_success, plugins=setup.plugins, batch_size=size)
    summary = Summary()
    with Output(is_eager=sources.asked is not None) as output:
        if as_ == "table":
            output.write_line(paint(f"{'line':>6}  {'event':<50}  outcome", bold=True))
        for result in dry_run.run(sources.lines()):
            count_result(summary, result)
            if as_ == "jsonl":
                output.write(json_line(dry_run_object(result), setup.secrets))
            else:
                output.write_line(format_result(result, setup, bodies=bodies))
    if as_ == "table":
        _print_summary(summary, setup)
    raise SystemExit(summary.exit_code)


def open_sources(names: Sequence[str]) -> Sources:
    """Return the sources that a command names, standard input where it names none; raises `UsageError`."""
    if not names and sys.stdin is not None and sys.stdin.isatty():
        raise click.UsageError("no events: pass a FILE, or pipe events in")
    return Sources(list(names) or [STDIN])


def count_result(summary: Summary, result: DryRunResult) -> None:
    """Count a result with its requests and browser calls."""
    summary.add(result)
    summary.requests += len(result.requests)
    summary.browser_calls += len(result.browser_calls)


def format_result(result: DryRunResult, setup: Setup, *, bodies: bool = False, has_replies: bool = False) -> str:
    """Return one event as text: its outcome, then its requests, browser calls, reason and notes below it.

    `has_replies` means that the requests were really sent, so that the status of each reply is shown.
    """
    kind = result.outcome.kind
    lines = [f"{result.line.number:>6}  {event_title(result.event):<50}  {paint(kind, COLORS[kind])}"]
    lines += [_detail("", call_title(call)) for call in result.browser_calls]
    for request, status in zip(result.requests, result.statuses, strict=True):
        lines.append(_detail("", f"{request_title(request)}{f'  {status}' if has_replies else ''}"))
        if bodies:
            lines.append(_body(request_object(request, setup.secrets)))
    if result.sent_with is not None:
        lines.append(_detail("", f"together with line {result.sent_with}"))
    if result.outcome.reason:
        lines.append(_detail("because ", result.outcome.reason.removeprefix(f"{result.line.place}: ")))
    lines += [_detail("note: ", note) for note in result.outcome.notes]
    return "\n".join(lines)


def _detail(label: str, text: str) -> str:
    return hanging(text, " " * (_INDENT - 2) + paint(label, dim=True), _INDENT)


def _body(request: dict[str, Any]) -> str:
    parts = {name: request[name] for name in ("params", "form", "json") if name in request}
    text = json.dumps(next(iter(parts.values())) if len(parts) == 1 else parts, indent=2, ensure_ascii=False)
    return "\n".join(" " * _INDENT + plain(line) for line in text.split("\n"))


def _print_summary(summary: Summary, setup: Setup) -> None:
    click.echo()
    click.echo("\n".join(summary.lines()))
    keys = " with a placeholder for each key that is not set" if setup.has_placeholders else ""
    click.echo(f"Planned as {setup.vendor.name}{keys}; nothing was sent.")
