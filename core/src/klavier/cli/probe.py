"""`klavier probe`: send one event and show the requests and Klaviyo's replies, as Freshpaint's event tester does."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import click

from klavier.cli.json_output import json_line, pretty_json
from klavier.cli.options import FILE, format_option, sandbox_option
from klavier.cli.setup import Choice, Setup, choice_options, prepare
from klavier.cli.wording import COLORS, call_title, event_title, paint, plain
from klavier.errors import EventError, TransportError, UsageError
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.flows.drivers import deliver_async, plan
from klavier.klaviyo.request import Request
from klavier.klaviyo.request_json import request_object
from klavier.klaviyo.response import Response
from klavier.outcome import Outcome
from klavier.redaction import hide_secrets
from klavier.vendor import Delivery
from klavier.worker.factory import make_connect

Exchange = tuple[Request, Response]


@click.command("probe", short_help="Send one event and show Klaviyo's replies.")
@click.argument("file", metavar="[FILE]", type=FILE, default="-")
@choice_options
@sandbox_option("Send to")
@format_option(text="For reading, or one JSON object.")
def command(*, file: str, choice: Choice, sandbox: str | None, as_: str) -> None:
    """Send the event in FILE (JSON; standard input without FILE) and show each request with its reply.

    Each request is sent once.
    The event is delivered to the account: use a test account, or a sandbox.
    """
    text = _text(file)
    setup = prepare(choice, base_url=sandbox, purpose="send")
    event = _read(text, setup)
    exchanges: list[Exchange] = []
    dropped = setup.plugins.transform(event, setup.vendor.name)
    if isinstance(dropped, Outcome):
        calls: list[Any] = []
        outcome = dropped
    else:
        calls, outcome = _send(dropped, setup, exchanges)
    if as_ == "json":
        click.echo(json_line(_object(exchanges, calls, outcome, setup)), nl=False)
    else:
        click.echo("\n".join(_lines(event, exchanges, calls, outcome, setup)))
    raise SystemExit(0 if outcome.kind == "delivered" else 1)


def _send(event: Event, setup: Setup, exchanges: list[Exchange]) -> tuple[list[Any], Outcome]:
    """Deliver the event; each request is appended to `exchanges` with its reply."""
    setup.check_keys()
    (delivery,) = plan(setup.vendor, [event])
    outcome = asyncio.run(_deliver(delivery, setup, exchanges))
    return list(delivery.browser_calls), outcome


async def _deliver(delivery: Delivery, setup: Setup, exchanges: list[Exchange]) -> Outcome:
    async with make_connect(setup.config, setup.vendor)() as transport:

        async def send(request: Request) -> Response:
            try:
                reply = await transport(request)
            except TransportError as error:
                reply = Response.none(str(error))
            exchanges.append((request, reply))
            return reply

        (outcome,) = await deliver_async(delivery, send)
    return outcome


def _text(file: str) -> bytes:
    """Read one JSON document, on one line or several; raises `UsageError` for what cannot be read."""
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{file}: cannot be read: {why}") from None


def _read(text: bytes, setup: Setup) -> Event:
    """Parse the event; raises `EventError`, which for several lines says that one event is sent."""
    try:
        return parse_line(text, plugins=setup.plugins)
    except EventError as error:
        if len(text.split(b"}\n")) > 2:  # noqa: PLR2004 -- the end of one object, and what follows it
            raise UsageError(f"{error}; klavier probe sends one event: pass one JSON object") from None
        raise


def _object(exchanges: list[Exchange], calls: list[Any], outcome: Outcome, setup: Setup) -> dict[str, Any]:
    return {
        "exchanges": [
            {
                "request": request_object(request, setup.secrets),
                "reply": {
                    "status": reply.status,
                    "json": hide_secrets(reply.json, setup.secrets),
                    "problem": reply.problem,
                },
            }
            for request, reply in exchanges
        ],
        "browser_calls": hide_secrets(calls, setup.secrets),
        "outcome": {"kind": outcome.kind, "reason": outcome.reason, "notes": list(outcome.notes)},
    }


def _lines(event: Event, exchanges: list[Exchange], calls: list[Any], outcome: Outcome, setup: Setup) -> list[str]:
    lines = [f"{event_title(event)}, as {setup.vendor.name} would send it to {setup.config.klaviyo.base_url}"]
    lines += [f"\n  {call_title(call)}" for call in calls]
    for request, reply in exchanges:
        found = request_object(request, setup.secrets)
        lines.append(f"\n→ {found['method']} {plain(found['path'])}" + _revision(request))
        lines += [_pretty(found[part]) for part in ("params", "form", "json") if part in found]
        lines.append(f"← {reply.status or 'no reply: ' + plain(reply.problem)}")
        if reply.json not in (None, {}, ""):
            lines.append(_pretty(hide_secrets(reply.json, setup.secrets)))
    lines.append(
        f"\n{paint(outcome.kind, COLORS[outcome.kind])}{': ' + plain(outcome.reason) if outcome.reason else ''}"
    )
    lines += [f"  note: {plain(note)}" for note in outcome.notes]
    return lines


def _revision(request: Request) -> str:
    return f"  (revision {request.revision})" if request.revision else ""


def _pretty(value: Any) -> str:
    return "\n".join(f"    {line}" for line in pretty_json(value).split("\n"))
