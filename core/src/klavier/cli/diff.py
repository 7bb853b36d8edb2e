"""`klavier diff`: the same events through two vendors, and the differences between the resulting data."""

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from attrs import frozen

from klavier.cli.diff_about import Period, about_rows
from klavier.cli.diff_table import table
from klavier.cli.options import format_option
from klavier.cli.private_files import open_private
from klavier.cli.progress import lines_with_progress
from klavier.cli.setup import Choice, Setup, config_option, known_plugins, prepare, warn_of_broken
from klavier.comparison.masking import mask_secrets
from klavier.comparison.wording import count
from klavier.errors import UsageError
from klavier.streams.result import Result, read_event
from klavier.streams.sources import Sources

if TYPE_CHECKING:
    from klavier.comparison.compare import Comparing, OptIn
    from klavier.comparison.report import Comparison
    from klavier.plugins import Plugins

_FEW = 5
"""Cases of each difference that the table and the page show."""

_TELLING = ("fidelity", "wire", "connection_mode")
"""Settings that name the sides where both are one vendor, the first that differs."""

_SIDES = ("from", "to")
_Command = Callable[..., Any]


@frozen
class Asked:
    """The options of the two sides and of the account."""

    left: Choice
    right: Choice
    opt_in: "OptIn"


def _sides(command: _Command) -> _Command:
    """Add the options of both sides; the command gets them as one `asked`."""

    @wraps(command)
    def with_sides(*args: Any, config_file: Path | None, opt_in: str, **options: Any) -> Any:
        left, right = (_choice(side, options, config_file) for side in _SIDES)
        asked = Asked(left, right, "single_opt_in" if opt_in == "single" else "double_opt_in")
        return command(*args, asked=asked, **options)

    decorated: _Command = click.option(
        "--opt-in",
        type=click.Choice(["single", "double"]),
        default="double",
        show_default=True,
        help="The opt-in process of the account's lists.",
    )(config_option(with_sides))
    for side in reversed(_SIDES):
        decorated = _side_options(side)(decorated)
    return decorated


def _choice(side: str, options: dict[str, Any], config_file: Path | None) -> Choice:
    """Return the options of one side."""
    vendor, settings = options.pop(f"{side}_vendor"), options.pop(f"{side}_settings")
    chosen = {name: options.pop(f"{side}_{name}") for name in ("fidelity", "wire")}
    return Choice(vendor, settings, config_file, {name: value for name, value in chosen.items() if value is not None})


def _side_options(side: str) -> Callable[[_Command], _Command]:
    word = "compare from" if side == "from" else "compare to"
    path = click.Path(path_type=Path)
    options = (
        click.option(
            f"--{side}", f"{side}_vendor", metavar="NAME", help=f"The vendor to {word}; else the configured one."
        ),
        click.option(
            f"--{side}-settings",
            type=path,
            metavar="FILE",
            help="Its settings, alone or in a klavier.toml; else the configuration's.",
        ),
        click.option(f"--{side}-fidelity", type=click.Choice(["documented", "deployed"]), help="Its fidelity."),
        click.option(f"--{side}-wire", type=click.Choice(["current", "native"]), help="Its wire."),
    )

    def add(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.command("diff", short_help="Compare two vendors.")
@click.argument("file", metavar="FILE")
@_sides
@format_option("text", "json", "html", text="A table, JSON with every case, or one web page that needs nothing else.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Where to write it.")
@click.option("--values", is_flag=True, help="Show people and values in the table and the page too: personal data.")
def command(*, file: str, asked: Asked, as_: str, output: Path | None, values: bool) -> None:
    """Compare the data in Klaviyo after two vendors delivered the events of FILE.

    FILE is JSON Lines; - reads standard input.
    Each side delivers into a Klaviyo inside this process; nothing is sent, and no key is needed.
    The sides may also be two settings, fidelities or wires of one vendor.
    JSON contains every case with its values, which are personal data.

    Exit codes: 0 no difference, 1 they differ, 2 wrong use.
    """
    from klavier.comparison.compare import Comparing  # noqa: PLC0415 -- loads the sandbox

    sources = Sources([file])
    if output is not None and not output.parent.is_dir():
        raise UsageError(f"{click.format_filename(output)}: there is no such folder; make it, or write elsewhere")
    left, right = _prepared(asked)
    names = names_of((left, asked.left), (right, asked.right))
    comparing = Comparing(left.vendor, right.vendor, names=names, plugins=left.plugins, opt_in=asked.opt_in)
    period = feed(comparing, sources, left.plugins)
    found = mask_secrets(comparing.finish(None if as_ == "json" else _FEW), {*left.secrets, *right.secrets})
    about = about_rows(sources.names, period, zip(names, (left, right), strict=True), asked.opt_in)
    _write(found, tuple(about), as_, output, values=values)
    raise SystemExit(1 if found.differs else 0)


def _prepared(asked: Asked) -> tuple[Setup, Setup]:
    plugins = known_plugins(asked.left.config_file)
    warn_of_broken(plugins)
    left, right = (prepare(choice, plugins, purpose="compare") for choice in (asked.left, asked.right))
    return left, right


def feed(comparing: "Comparing", sources: Sources, plugins: "Plugins") -> Period:
    """Add the events of the sources, and return the days that they are of.

    Raises `UsageError` where the sources have lines, and none of them is an event.
    """
    number, period = 0, Period()
    for line in lines_with_progress(sources.lines(), sources.size, "comparing"):
        number = max(line.number, number + 1)  # further files, and further events of a batch, go on counting
        event = read_event(line, plugins)
        if isinstance(event, Result):
            comparing.add_unread(number, event.cause)
        else:
            period.add(event)
            comparing.add(number, event)
    if number and not comparing.events:
        first = comparing.unread[0]
        raise UsageError(f"{sources.names[0]}: no line of it is an event; line {first.first}: {first.text}")
    return period


def names_of(left: tuple[Setup, Choice], right: tuple[Setup, Choice]) -> tuple[str, str]:
    """Name the sides: by vendor, and where that is the same by the settings that differ."""
    ours, theirs = left[0].vendor.name, right[0].vendor.name
    if ours != theirs:
        return ours, theirs
    text = [
        ([] if choice.settings is None else [click.format_filename(choice.settings)])
        + [
            str(getattr(setup.vendor.settings, name))
            for name in _TELLING
            if getattr(left[0].vendor.settings, name, None) != getattr(right[0].vendor.settings, name, None)
        ]
        for setup, choice in (left, right)
    ]
    if text[0] == text[1]:
        return f"{ours} (from)", f"{theirs} (to)"
    one, other = (f"{ours} ({', '.join(words)})" if words else ours for words in text)
    return one, other


def _write(
    found: "Comparison", about: Sequence[tuple[str, str]], as_: str, output: Path | None, *, values: bool
) -> None:
    if as_ == "text":
        text = "".join(f"{line}\n" for line in table(found, values=values, coloured=output is None))
        content = text.encode("utf-8", "backslashreplace")
    elif as_ == "json":
        content = orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        from klavier.comparison.frame import diff_frame  # noqa: PLC0415 -- the table does without
        from klavier.comparison.page import page  # noqa: PLC0415 -- the table does without

        content = page(found, values=values, frame=diff_frame(found, about)).encode()
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with open_private(output) as file:
        file.write(content)
    click.echo(f"{count(len(found.differences), 'difference')}, written to {output}", err=True)
