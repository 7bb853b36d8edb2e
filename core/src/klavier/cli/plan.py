"""`klavier plan`: show what would be sent for a file of events, without sending anything."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from klavier.cli.dry_run import DryRun, DryRunResult
from klavier.cli.json_output import dry_run_object, json_line
from klavier.cli.options import FILE, format_option
from klavier.cli.output import Output
from klavier.cli.setup import Choice, Setup, choice_options, history_options, prepare
from klavier.cli.summary import Summary
from klavier.cli.wording import COLORS, call_title, event_title, hanging, paint, plain, request_title
from klavier.klaviyo.operations import usual_success
from klavier.klaviyo.request_json import request_object
from klavier.streams.sources import STDIN, Sources

if TYPE_CHECKING:
    from klavier.streams.queries import Query

_INDENT = 12


@click.command("plan", short_help="Show what would be sent.")
@click.argument("files", metavar="[FILE]...", type=FILE, nargs=-1)
@choice_options
@history_options
@format_option(text="For reading, or one JSON object for each event, with the bodies of its requests.")
@click.option("--bodies", is_flag=True, help="Show the body of each request as text too; it holds personal data.")
@click.option("--summary", "only_summary", is_flag=True, help="Show only the counts.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read only the first N events.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Events passed to the vendor together; by default as many as its own servers do.",
)
def command(  # noqa: PLR0913 -- one for each option
    *,
    files: Sequence[str],
    choice: Choice,
    as_: str,
    bodies: bool,
    only_summary: bool,
    limit: int | None,
    batch_size: int | None,
) -> None:
    """Show what would be sent to Klaviyo for each event of each FILE; without FILE, or with -, of standard input.

    Nothing is sent.
    Placeholders stand in for the keys whose variables are not set, and without a configuration for all keys.
    Each request is assumed to succeed.
    In device mode the calls of the vendor's browser code are shown as well.
    """
    sources = open_sources(files)
    setup = prepare(choice, purpose="plan")
    size = setup.config.delivery.batch_size if batch_size is None else batch_size
    summary = plan_lines(sources, setup, as_, bodies=bodies, shown=not only_summary, limit=limit, batch_size=size)
    raise SystemExit(summary.exit_code)


def plan_lines(  # noqa: PLR0913 -- what to read, as what, and how to show it
    sources: "Sources | Query",
    setup: Setup,
    as_: str,
    *,
    bodies: bool = False,
    shown: bool = True,
    limit: int | None = None,
    batch_size: int | None = None,
) -> Summary:
    """Print what would be sent for each event, and return the counts."""
    dry_run = DryRun(setup.vendor, usual_success, plugins=setup.plugins, batch_size=batch_size)
    summary = Summary()
    with Output(is_eager=sources.asked is not None) as output, closing(sources.lines()) as lines:
        if as_ == "text" and shown:
            output.write_line(paint(f"{'line':>6}  {'event':<50}  outcome", bold=True))
        for result in dry_run.run(islice(lines, limit)):
            count_result(summary, result)
            if as_ == "json" and shown:
                output.write(json_line(dry_run_object(result), setup.secrets))
            elif shown:
                output.write_line(format_result(result, setup, bodies=bodies))
        if as_ == "json" and not shown:
            output.write(json_line(summary.to_json()))
    if as_ == "text":
        _print_summary(summary, setup, is_first=not shown)
    return summary


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
    if result.reason:
        lines.append(_detail("because ", result.reason))
    lines += [_detail("note: ", note) for note in result.outcome.notes]
    return "\n".join(lines)


def _detail(label: str, text: str) -> str:
    return hanging(text, " " * (_INDENT - 2) + paint(label, dim=True), _INDENT)


def _body(request: dict[str, Any]) -> str:
    parts = {name: request[name] for name in ("params", "form", "json") if name in request}
    text = json.dumps(next(iter(parts.values())) if len(parts) == 1 else parts, indent=2, ensure_ascii=False)
    return "\n".join(" " * _INDENT + plain(line) for line in text.split("\n"))


def _print_summary(summary: Summary, setup: Setup, *, is_first: bool) -> None:
    if not is_first:
        click.echo()
    click.echo("\n".join(summary.lines()))
    keys = " with a placeholder for each key that is not set" if setup.has_placeholders else ""
    click.echo(f"Planned as {setup.vendor.name}{keys}; nothing was sent.")
    print_skipped(summary)


def print_skipped(summary: Summary) -> None:
    """Print why nothing was delivered, where every event was skipped: exit code 1 with the reason on the last line."""
    if summary.is_all_skipped:
        click.echo(summary.skip_reason(), err=True)
