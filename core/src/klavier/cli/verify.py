"""`klavier verify`: whether a Klaviyo account holds what some events should have left in it."""

import asyncio
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import orjson
from attrs import evolve, frozen

from klavier.cli.diff_table import table
from klavier.cli.messages import note
from klavier.cli.options import FILE, format_option
from klavier.cli.private_files import open_private
from klavier.cli.progress import Steps, lines_with_progress
from klavier.cli.setup import (
    KEYS,
    PLACEHOLDERS,
    TOKEN_PLACEHOLDER,
    Choice,
    Setup,
    choice_options,
    known_plugins,
    prepare,
    warn_of_address,
    warn_of_broken,
)
from klavier.cli.wording import count
from klavier.comparison.masking import mask_secrets
from klavier.errors import ConfigError, UsageError
from klavier.streams.result import Result, read_event
from klavier.streams.sources import STDIN, Sources

if TYPE_CHECKING:
    from klavier.sandbox.account import OptIn
    from klavier.verification.earlier import Earlier
    from klavier.verification.journal import Journal
    from klavier.verification.prediction import AccountList, Predicting, Prediction
    from klavier.verification.report import Verification

ENDING = ".verify"
"""The ending of the file that records what was read."""

_FEW = 5
"""Cases of each difference that the table and the page show."""
_SAMPLE = 5000
_PUBLIC_KEY = re.compile(r"[A-Za-z0-9]{6}")
_PRIVATE_KEY = re.compile(r"pk_[A-Za-z0-9_-]+")


class _Moment(click.ParamType[float]):
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


@frozen
class Asked:
    """What a run is to look at."""

    files: Sequence[str]
    span: tuple[float | None, float | None]
    opt_in: "OptIn"
    sample: int | None
    progress: Path | None


@click.command("verify", short_help="Check that Klaviyo holds what events should have left there.")
@click.argument("files", metavar="EVENTS...", type=FILE, nargs=-1, required=True)
@choice_options
@click.option("--sandbox", metavar="URL", help="Read from this address instead of Klaviyo's, such as a sandbox's.")
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
    type=click.Path(path_type=Path, dir_okay=False),
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
    _check_output(output)
    earlier = None if against is None else read_earlier(_read(against), str(against))
    setup = _prepared(choice, sandbox)
    path = progress if progress is not None or not resume else _default_progress(files)
    process: OptIn = "single_opt_in" if opt_in == "single" else "double_opt_in"
    asked = Asked(files, (since, until), process, None if every else sample, path)
    found = _run(setup, sources, asked)
    runs = None if earlier is None else compare_runs(earlier, found)
    writer = _Writer(_masked(found, setup, values=values), setup, runs, values=values)
    writer.write(as_, None)
    if output is not None:
        writer.write({".html": "html", ".json": "json"}.get(output.suffix.lower(), "text"), output)
    raise SystemExit(int(found.differs if runs is None else runs.is_worse))


# Preparing -----------------------------------------------------------------------------------------------------------


def _prepared(choice: Choice, sandbox: str | None) -> Setup:
    plugins = known_plugins(choice.config_file)
    warn_of_broken(plugins)
    setup = prepare(choice, plugins, base_url=sandbox, purpose="compare")
    warn_of_address(setup)
    check_keys(setup.config.keys_for(setup.vendor))
    return setup


def check_keys(keys: Mapping[str, str | None]) -> None:
    """Raise `ConfigError` for what is no private key and no access token; the message never quotes it."""
    key, token = keys["private_api_key"], keys["access_token"]
    remedy = f"pass a private key with read access only (pk_...) in {KEYS['private_api_key']}"
    if token is not None and token != TOKEN_PLACEHOLDER and not _PUBLIC_KEY.fullmatch(token):
        return
    if token is None and (not key or key == PLACEHOLDERS["private_api_key"]):
        raise ConfigError(f"no private key is configured, which reading the account takes: {remedy}")
    name, key = ("access_token", token) if token is not None else ("private_api_key", key)
    if _PUBLIC_KEY.fullmatch(key or ""):
        raise ConfigError(f"{name}: is a public key (site id), which reads nothing: {remedy}")
    if not _PRIVATE_KEY.fullmatch(key or ""):
        what = f"{name}: is no private key of Klaviyo, but perhaps the write key of a platform"
        raise ConfigError(f"{what}: {remedy}")


def _check_output(output: Path | None) -> None:
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{click.format_filename(output)}: there is no such folder; make it, or write elsewhere")


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


def _run(setup: Setup, sources: Sources, asked: Asked) -> "Verification":
    with ExitStack() as stack:
        journal = None if asked.progress is None else stack.enter_context(_journal(asked.progress, setup))
        found = asyncio.run(_verify(setup, sources, asked, journal))
    if asked.progress is not None:
        asked.progress.unlink(missing_ok=True)  # another run is to read the account anew
    return found


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


async def _verify(setup: Setup, sources: Sources, asked: Asked, journal: "Journal | None") -> "Verification":
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
        prediction = _predict(setup, sources, lists, asked)
        sample = choose(prediction, asked.sample)
        note(
            f"reading {count(len(sample.people), 'profile')} of {sample.total_people:,} with their events; "
            "each takes a call, and Klaviyo allows 3,500 in a minute"
        )
        with Steps() as steps:
            return await verify(prediction, sample, lists, reader, on_progress=steps.show)


def _predict(setup: Setup, sources: Sources, lists: "Sequence[AccountList]", asked: Asked) -> "Prediction":
    from klavier.verification.prediction import Predicting  # noqa: PLC0415 -- as above

    predicting = Predicting(setup.vendor, setup.plugins, lists, now=time.time(), opt_in=asked.opt_in, span=asked.span)
    _feed(predicting, sources, setup)
    return predicting.finish()


def _feed(predicting: "Predicting", sources: Sources, setup: Setup) -> None:
    """Add the events of the sources; raises `UsageError` where they have lines, and none of them is an event."""
    number = 0
    for line in lines_with_progress(sources.lines(), sources.size, "predicting"):
        number = max(line.number, number + 1)  # further files, and further events of a batch, go on counting
        event = read_event(line, setup.plugins)
        if isinstance(event, Result):
            predicting.add_unread(number, event.cause)
        else:
            predicting.add(number, event)
    if number and not predicting.events:
        first = predicting.unread[0]
        raise UsageError(f"{sources.names[0]}: no line of it is an event; line {first.first}: {first.text}")


# Writing -------------------------------------------------------------------------------------------------------------


def _masked(found: "Verification", setup: Setup, *, values: bool) -> "Verification":
    from klavier.verification.masking import mask_values  # noqa: PLC0415 -- as above

    comparison = mask_secrets(found.comparison, setup.secrets)
    return evolve(found, comparison=comparison if values else mask_values(comparison))


class _Writer:
    """Writes one result in several forms."""

    def __init__(self, found: "Verification", setup: Setup, runs: "Earlier | None", *, values: bool) -> None:
        from klavier.verification.wording import frame_of  # noqa: PLC0415 -- as above

        self._found, self._setup, self._runs, self._values = found, setup, runs, values
        self._checked_at = datetime.now(UTC)
        self._frame = frame_of(found, setup.vendor.name, f"{self._checked_at:%Y-%m-%d %H:%M} UTC", runs)

    def write(self, as_: str, output: Path | None) -> None:
        """Write it to a file, or to standard output."""
        content = {"json": self._json, "html": self._page}.get(as_, lambda: self._table(output))()
        if output is None:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
            return
        if self._values:
            with open_private(output) as file:
                file.write(content)
        else:
            output.write_bytes(content)
        note(f"written to {click.format_filename(output)}")

    def _json(self) -> bytes:
        facts: dict[str, Any] = {
            "vendor": self._setup.vendor.name,
            "address": self._setup.config.klaviyo.base_url,
            "checked_at": self._checked_at.isoformat(timespec="seconds"),
            "headlines": list(self._frame.headlines),
        }
        if self._runs is not None:
            facts["earlier"] = self._runs.as_json()
        return orjson.dumps(self._found.as_json(facts), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    def _page(self) -> bytes:
        from klavier.comparison.page import page  # noqa: PLC0415 -- the table does without
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        return page(keep_few(self._found.comparison, _FEW), values=self._values, frame=self._frame).encode()

    def _table(self, output: Path | None) -> bytes:
        from klavier.verification.masking import keep_few  # noqa: PLC0415 -- as above

        few = keep_few(self._found.comparison, _FEW)
        lines = table(few, values=self._values, coloured=output is None, frame=self._frame)
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
