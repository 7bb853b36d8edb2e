"""`klavier status`: what waits, who delivers, what holds it back; for people and for monitors."""

from pathlib import Path

import click

from klavier.cli.json_output import json_line
from klavier.cli.open_outbox import open_existing
from klavier.cli.options import format_option
from klavier.cli.setup import Choice, config_option, prepare
from klavier.cli.wording import count, describe_cause, paint, plain, span
from klavier.outcome import KINDS
from klavier.worker.report import WorkerReport
from klavier.worker.status import Limits, Status, find_problems, read_status

_DEFAULT = Limits()
_MEGABYTE = 1_000_000


@click.command("status", short_help="Show what waits, who delivers, and what holds it back.")
@config_option
@click.option(
    "--max-age",
    type=click.FloatRange(min=0),
    default=_DEFAULT.max_age,
    show_default=True,
    metavar="SECONDS",
    help="Attention: the oldest event has waited for longer.",
)
@click.option(
    "--max-dead",
    type=click.IntRange(min=0),
    default=_DEFAULT.max_dead,
    show_default=True,
    metavar="N",
    help="Attention: there are more dead letters.",
)
@click.option(
    "--min-free",
    type=click.IntRange(min=0),
    default=_DEFAULT.min_free // _MEGABYTE,
    show_default=True,
    metavar="MB",
    help="Attention: the disk of the outbox has fewer megabytes left.",
)
@format_option(text="For reading, or one JSON object.")
def command(*, config_file: Path | None, max_age: float, max_dead: int, min_free: int, as_: str) -> None:
    """Show what waits in the outbox, who delivers, and what holds it back, as that process last reported it.

    The exit code is 0 when all is well, and 1 when something calls for attention: events wait for longer than --max-age
    or nobody delivers them, delivery is paused, an endpoint accepts no requests, there are dead letters, the disk is
    nearly full. It sends nothing and changes nothing.
    """
    with open_existing(prepare(Choice(config_file=config_file, option=None), purpose="plan")) as outbox:
        status = read_status(outbox)
    problems = list(find_problems(status, Limits(max_age, max_dead, min_free * _MEGABYTE)))
    if as_ == "json":
        click.echo(json_line({**status.to_json(), "problems": problems}), nl=False)
    else:
        for name, value in _rows(status):
            click.echo(f"{paint(f'{name:<13}', bold=True)} {value}")
        for problem in problems:
            click.echo(f"{paint('attention', 'red', bold=True)}     {plain(problem)}")
    raise SystemExit(1 if problems else 0)


def _rows(status: Status) -> list[tuple[str, str]]:
    """Return the lines of the text, each with its name."""
    oldest = "" if status.oldest_age is None else f", the oldest for {span(status.oldest_age)}"
    rows = [("waiting", f"{count(status.waiting, 'event')}{oldest}")]
    worker = status.worker
    if worker is not None:
        rows.append(("in flight", f"{count(worker.events_in_flight, 'event')} in {_requests(worker)}"))
        last = {kind: sum(item.count for item in worker.last_minute if item.kind == kind) for kind in KINDS}
        rows.append(("last minute", ", ".join(f"{last[kind]:,} {kind}" for kind in KINDS)))
        if worker.refused:
            refused = ", ".join(f"{number:,} of {plain(source, 60)}" for source, number in worker.refused)
            rows.append(("refused", f"{refused}, since the start: its log says why"))
    causes = ", ".join(f"{cause.count:,} {describe_cause(cause.kind, cause.status)}" for cause in status.dead_causes)
    rows.append(("dead letters", f"{status.dead:,} ({causes})" if causes else f"{status.dead:,}"))
    rows.append(("delivered by", _holder(status)))
    if worker is not None:
        used = sorted(worker.limits, key=lambda limit: -limit.share)[:3]
        limits = ", ".join(f"{plain(limit.endpoint)} {limit.share:.0%}" for limit in used)
        rows.append(("rate limits", limits or "not in use"))
        rows += _shadow(worker)
    free = "" if status.free_bytes is None else f", {_megabytes(status.free_bytes)} free on its disk"
    rows.append(("outbox", f"{_megabytes(status.used_bytes)}{free}"))
    return rows


def _holder(status: Status) -> str:
    holder, worker = status.holder, status.worker
    if holder is None:
        return "nobody at this moment"
    name = plain(holder.name, 60)
    if worker is not None:
        name = f"process {worker.pid} on {plain(worker.host, 60)}, as {plain(worker.vendor, 60)}"
    return f"{name}, heard of {span(holder.age)} ago{'' if holder.is_alive else ': it has ended, or stands still'}"


def _shadow(worker: WorkerReport) -> list[tuple[str, str]]:
    """Return the line of the second vendor, where there is one; the rows are in the JSON."""
    found = worker.parts.get("shadow")
    if not isinstance(found, dict):
        return []
    try:
        vendor, compared = plain(found["vendors"][1], 60), count(found["events"], "event")
        return [("shadow", f"{vendor}: {compared} compared, {found['differences']:,} differences")]
    except (TypeError, KeyError, IndexError, ValueError):  # of another version of klavier
        return []


def _requests(worker: WorkerReport) -> str:
    return count(worker.requests_in_flight, "request")


def _megabytes(size: int) -> str:
    return f"{size / _MEGABYTE:,.1f} MB"
