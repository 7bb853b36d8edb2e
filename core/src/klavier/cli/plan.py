"""`klavier plan`: what would be sent for a file of events, without sending anything."""

import json
from typing import Any

import click

from klavier.cli.json_output import line_of, request_object, result_object
from klavier.cli.output import Output
from klavier.cli.setup import Choice, Setup, choice_options, prepare
from klavier.cli.sources import check_readable, lines_of
from klavier.cli.summary import Tally
from klavier.cli.wording import COLOURS, call_title, event_title, hanging, paint, plain, request_title
from klavier.klaviyo.operations import usual_success
from klavier.streams.pipeline import Pipeline, Result

_INDENT = 12


@click.command("plan", short_help="Show what would be sent.")
@click.argument("file", metavar="FILE")
@choice_options
@click.option(
    "--format", "as_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True, help="How to show it."
)
@click.option("--bodies", is_flag=True, help="Show the body of each request in the table too; it holds personal data.")
@click.option(
    "--batch-size",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Events handed to the vendor together; by default what its own servers do.",
)
def command(*, file: str, choice: Choice, as_: str, bodies: bool, batch_size: int | None) -> None:
    """Show what would be sent to Klaviyo for each event of FILE (JSON Lines; - reads standard input).

    Nothing is sent, and no key is needed.
    Each request is taken to succeed.
    In device mode the calls of the vendor's browser code are shown as well.
    """
    check_readable([file])
    setup = prepare(choice, placeholders=True)
    size = setup.config.delivery.batch_size if batch_size is None else batch_size
    pipeline = Pipeline(setup.vendor, usual_success, plugins=setup.plugins, batch_size=size)
    tally = Tally()
    with Output([file]) as output:
        if as_ == "table":
            output.write_line(paint(f"{'line':>6}  {'event':<50}  outcome", bold=True))
        for result in pipeline.run(lines_of([file])):
            tally.add(result)
            if as_ == "jsonl":
                output.write(line_of(result_object(result, bodies=True), setup.secrets))
            else:
                output.write_line(shown(result, setup, bodies=bodies))
    if as_ == "table":
        _close(tally, setup)
    raise SystemExit(tally.exit_code)


def shown(result: Result, setup: Setup, *, bodies: bool = False, has_replies: bool = False) -> str:
    """Write one event: its outcome, then its requests, browser calls, reason and notes below it.

    `has_replies` says that the requests were really sent, so that the status of each reply is shown.
    """
    kind = result.outcome.kind
    lines = [f"{result.line.number:>6}  {event_title(result.event):<50}  {paint(kind, COLOURS[kind])}"]
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


def _close(tally: Tally, setup: Setup) -> None:
    click.echo()
    click.echo("\n".join(tally.lines()))
    keys = " with a placeholder for each key that is not set" if setup.has_placeholders else ""
    click.echo(f"Planned as {setup.vendor.name}{keys}; nothing was sent.")
