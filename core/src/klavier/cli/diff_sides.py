"""The two sides of `klavier diff`: their options, their vendors and their names."""

import contextlib
import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import frozen

from klavier.cli.setup import Choice, Setup, config_option, known_plugins, prepare, warn_of_broken

if TYPE_CHECKING:
    from klavier.comparison.compare import OptIn

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


def side_options(command: _Command) -> _Command:
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
        decorated = _options_of(side)(decorated)
    return decorated


def _choice(side: str, options: dict[str, Any], config_file: Path | None) -> Choice:
    """Return the options of one side."""
    vendor, settings = options.pop(f"{side}_vendor"), options.pop(f"{side}_settings")
    chosen = {name: options.pop(f"{side}_{name}") for name in ("fidelity", "wire")}
    overrides = {name: value for name, value in chosen.items() if value is not None}
    return Choice(vendor, settings, config_file, overrides, option=f"--{side}")


def _options_of(side: str) -> Callable[[_Command], _Command]:
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


def prepare_sides(asked: Asked, *, quiet: bool = False) -> tuple[Setup, Setup]:
    """Build the vendors of both sides; `quiet` prints no warnings, where another process has."""
    with contextlib.redirect_stderr(io.StringIO()) if quiet else contextlib.nullcontext():
        plugins = known_plugins(asked.left.config_file)
        warn_of_broken(plugins)
        left, right = (prepare(choice, plugins, purpose="compare") for choice in (asked.left, asked.right))
    return left, right


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
