"""The command: predicts, reads the account, and writes what differs."""

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from klavier.cli.messages import note, warn
from klavier.cli.options import FILE, OutputFile, format_option, sandbox_option
from klavier.cli.private_files import check_output, open_private
from klavier.cli.progress import Steps
from klavier.cli.setup import (
    Choice,
    Setup,
    choice_options,
    known_plugins,
    prepare,
    warn_of_address,
    warn_of_broken,
)
from klavier.cli.verify.keys import check_keys
from klavier.cli.verify.predictor import Asked, Predictor
from klavier.cli.verify.writer import Writer
from klavier.cli.wording import count
from klavier.errors import UsageError
from klavier.garbage import COMPARISON, rare_collection
from klavier.streams.sources import STDIN, Sources

if TYPE_CHECKING:
    from klavier.sandbox.account import OptIn
    from klavier.verification.journal import Journal
    from klavier.verification.prediction import Prediction
    from klavier.verification.report import Verification
    from klavier.verification.sampling import Sample

ENDING = ".verify"
"""The ending of the file that records what was read."""

_SAMPLE = 5000


class _Moment(click.ParamType):  # type: ignore[type-arg]  # it has a parameter since click 8.4
    """A date, or a date and time, in UTC unless it names an offset; the command gets seconds since 1970."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds since 1970."""
        if isinstance(value, float):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("must be a date such as 2026-11-01, or a time such as 2026-11-01T08:00:00Z", param, ctx)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


@click.command("verify", short_help="Check that Klaviyo holds what events should have left there.")
@click.argument("files", metavar="EVENTS...", type=FILE, nargs=-1, required=True)
@choice_options
@sandbox_option("Read from")
@click.option("--since", type=_Moment(), metavar="DATE", help="Leave out events before this date or time, in UTC.")
@click.option("--until", type=_Moment(), metavar="DATE", help="Leave out events from this date or time on, in UTC.")
@click.option("--all", "every", is_flag=True, help="Check every profile and event, not a sample.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=_SAMPLE,
    show_default=True,
    metavar="N",
    help="Check profiles, chosen at random, that have N events together.",
)
@click.option(
    "--opt-in",
    type=click.Choice(["single", "double"]),
    default="double",
    show_default=True,
    help="The opt-in process of subscriptions without a list; those of lists are read from the account.",
)
@format_option(text="A table, or one JSON object.")
@click.option(
    "--output",
    type=OutputFile(),
    metavar="FILE",
    help="Write the result to FILE too: as a page (.html), as JSON for --against (.json), else as a table.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Compare with the JSON of an earlier run: whether Klaviyo receives what it received then.",
)
@click.option("--values", is_flag=True, help="Show people and values: personal data.")
@click.option(
    "--resume",
    is_flag=True,
    help=f"Record what was read in EVENTS{ENDING}, and continue from there after an earlier run that was ended.",
)
@click.option("--progress", type=click.Path(path_type=Path), metavar="FILE", help="Like --resume with another file.")
def command(  # noqa: PLR0913 -- one for each option
    *,
    files: Sequence[str],
    choice: Choice,
    sandbox: str | None,
    since: float | None,
    until: float | None,
    every: bool,
    sample: int,
    opt_in: str,
    as_: str,
    output: Path | None,
    against: Path | None,
    values: bool,
    resume: bool,
    progress: Path | None,
) -> None:
    """Check that a Klaviyo account holds what EVENTS should have left in it, delivered as the vendor would.

    EVENTS are files or folders, as for klavier send.
    They are delivered into a Klaviyo inside this process; then the profiles, events, lists and consents of your
    account are read, within Klaviyo's rate limits, and compared.
    Nothing is ever written to the account.
    The result shows neither people nor values, unless you pass --values.

    Exit codes: 0 all as predicted (with --against: not worse than then), 1 it differs, 2 wrong use.
    """
    from klavier.verification.earlier import compare_runs, read_earlier  # noqa: PLC0415 -- loads the sandbox

    sources = Sources(list(files))
    check_output(output, "--output", sources.names)
    earlier = None if against is None else read_earlier(_read(against), str(against))
    setup = _prepared(choice, sandbox)
    path = progress if progress is not None or not resume else _default_progress(files)
    process: OptIn = "single_opt_in" if opt_in == "single" else "double_opt_in"
    asked = Asked(files, (since, until), process, None if every else sample, path)
    predictor = Predictor(setup, sources, asked)
    found = _run(setup, predictor, asked)
    runs = None if earlier is None else compare_runs(earlier, found)
    writer = Writer(found, setup, _describe_events(files, predictor), runs, values=values)
    writer.write(as_, None)
    if output is not None:
        writer.write({".html": "html", ".json": "json"}.get(output.suffix.lower(), "text"), output)
    raise SystemExit(int(found.differs if runs is None else runs.is_worse))


def _describe_events(files: Sequence[str], predictor: Predictor) -> str:
    """Write which events were predicted: the files as they were named, and the days."""
    days = str(predictor.period)
    return ", ".join(files) + (f", of {days}" if days else "")


# Preparing -----------------------------------------------------------------------------------------------------------


def _prepared(choice: Choice, sandbox: str | None) -> Setup:
    plugins = known_plugins(choice.config_file)
    warn_of_broken(plugins)
    setup = prepare(choice, plugins, base_url=sandbox, purpose="compare")
    warn_of_address(setup)
    check_keys(setup.config.keys_for(setup.vendor))
    return setup


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{click.format_filename(path)}: cannot be read: {error.strerror}") from None


def _default_progress(files: Sequence[str]) -> Path:
    if STDIN in files:
        raise click.UsageError("--resume: standard input has no name; pass --progress FILE instead")
    return Path(re.sub(r"[*?\[\]]", "_", files[0].rstrip("/\\")) + ENDING)


# Running -------------------------------------------------------------------------------------------------------------


def _run(setup: Setup, predictor: Predictor, asked: Asked) -> "Verification":
    with rare_collection(COMPARISON), ExitStack() as stack:
        journal = None if asked.progress is None else stack.enter_context(_journal(asked.progress, setup))
        found = asyncio.run(_verify(setup, predictor, asked, journal))
    if asked.progress is not None:
        asked.progress.unlink(missing_ok=True)  # another run is to read the account anew
    return found


def _nothing_to_check(setup: Setup, prediction: "Prediction", sample: "Sample") -> str:
    """Say why no profile can be looked at, so that nobody takes an empty result for a good one."""
    side = prediction.side
    dropped = side.outcomes.dropped.values()
    reasons = [outcome.reason or outcome.kind for outcome in dropped][:1] or list(sample.skipped)[:1]
    if prediction.out_of_span and not prediction.titles:
        reasons = ["all of them are before --since or after --until"]
    why = reasons[0] if reasons else "the files are empty"
    return f"nothing to check: {setup.vendor.name} leaves no profile in Klaviyo for these events: {why}"


@contextmanager
def _journal(path: Path, setup: Setup) -> "Iterator[Journal]":
    from klavier.verification.journal import Journal  # noqa: PLC0415 -- as above

    file: BinaryIO
    with open_private(path, keep=True) as file:
        identity = {"address": setup.config.klaviyo.base_url}
        journal = Journal(file, click.format_filename(path), identity)
        if len(journal):
            note(f"{count(len(journal), 'reply', 'replies')} of an earlier run are known: continuing")
        yield journal


async def _verify(setup: Setup, predictor: Predictor, asked: Asked, journal: "Journal | None") -> "Verification":
    from klavier.verification.account_reader import AccountReader  # noqa: PLC0415 -- as above
    from klavier.verification.reading import read_lists  # noqa: PLC0415 -- as above
    from klavier.verification.sampling import choose  # noqa: PLC0415 -- as above
    from klavier.verification.verify import verify  # noqa: PLC0415 -- as above
    from klavier.worker.factory import make_connect  # noqa: PLC0415 -- as above
    from klavier.worker.rate_limiter import RateLimiter  # noqa: PLC0415 -- as above

    delivery = setup.config.delivery
    async with make_connect(setup.config, setup.vendor, read_only=True)() as send:
        limiter = RateLimiter(time.monotonic, share=delivery.share)
        reader = AccountReader(send, limiter, time.monotonic, journal=journal, connections=delivery.connections)
        lists = await read_lists(reader)
        prediction = predictor.predict(lists)
        sample = choose(prediction, asked.sample if prediction.selected_from is None else None)
        if prediction.side.browser_calls:
            warn("device mode: what the browser code sends is not predicted, so that it is not checked")
        if not sample.profiles:
            raise UsageError(_nothing_to_check(setup, prediction, sample))
        note(
            f"reading {count(len(sample.profiles), 'profile')} with their events; "
            "each takes a call, and Klaviyo allows 3,500 in a minute"
        )
        with Steps() as steps:
            return await verify(
                prediction, sample, lists, reader, predict_others=predictor.predict_others, on_progress=steps.show
            )
