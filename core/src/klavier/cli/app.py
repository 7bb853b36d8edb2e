"""The group of all commands: the built-in ones by name, then what plugins add."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from klavier import __version__
from klavier.cli.completion import VARIABLE
from klavier.cli.extras import find_command, installed_commands, listed_commands
from klavier.cli.messages import add_verbosity_options, forget_stream, print_error, set_up_log
from klavier.cli.wording import has_color, plain
from klavier.errors import DeliveryError, KlavierError

COMMANDS = {
    "completion": "Print the completion script of a shell.",
    "dead": "List, retry, export or delete dead letters.",
    "demo": "Deliver sample events to a sandbox in this process, and show the result.",
    "diff": "Compare the data in Klaviyo after two vendors, or two settings of one.",
    "doctor": "Check the configuration, the plugins, the files and the key.",
    "init": "Write a first klavier.toml, and check it.",
    "migrate": "Write one vendor's settings from another's; list what cannot be carried over.",
    "new-vendor": "Write a plugin for a vendor of your own, with its tests.",
    "plan": "Show what would be sent for files of events; sends nothing.",
    "probe": "Send one event and show Klaviyo's replies.",
    "run": "Deliver what is in the outbox.",
    "sandbox": "Serve a Klaviyo account in memory.",
    "schema": "Print the JSON Schema of klavier.toml, for editors.",
    "send": "Deliver events from files or standard input.",
    "serve": "Accept events over HTTP from SDKs, and deliver them.",
    "status": "Show what waits, who delivers, and what holds it back.",
    "vendors": "List the installed vendors and their settings.",
    "verify": "Check that Klaviyo holds what events should have left there.",
}
"""The built-in commands, each in the module of its name, with the line that `klavier --help` shows for it."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141


class CommandLine(click.Group):
    """A group that imports a command when it is used, and turns every klavier error into a message."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options before the command; until one says otherwise, warnings of the log are printed."""
        set_up_log()
        if has_color():
            ctx.color = True  # click removes colors from what is no terminal otherwise
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the built-in commands and those of plugins."""
        return sorted({*COMMANDS, *listed_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a built-in command, or ask the plugins for it."""
        if cmd_name in COMMANDS:
            command = import_module(f"klavier.cli.{cmd_name.replace('-', '_')}").command
            assert isinstance(command, click.Command)  # noqa: S101 -- a command module without one is a mistake of ours
        else:
            found = find_command(ctx, cmd_name)
            if found is None:
                return None
            command = found
        add_verbosity_options(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named; an error for an unknown one names the closest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            close = get_close_matches(args[0], [*COMMANDS, *installed_commands(ctx)], n=1) if args else []
            if close:
                raise click.UsageError(f"{error.message} Did you mean {close[0]!r}?", ctx) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing the built-in ones."""
        extra = listed_commands(ctx)
        rows = [
            (name, COMMANDS.get(name) or extra[name].get_short_help_str(70))
            for name in self.list_commands(ctx)
            if name in COMMANDS or not extra[name].hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; its klavier errors become messages and exit codes."""
        with errors_as_messages():
            return super().invoke(ctx)


@click.group(
    cls=CommandLine,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 all delivered or skipped, 1 some rejected or failed, 2 wrong use.",
)
@click.version_option(__version__, message="klavier %(version)s")
def app() -> None:
    """Deliver customer-data events to Klaviyo exactly as RudderStack, Segment or Freshpaint would."""


add_verbosity_options(app)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn klavier's errors and those of files into a message and an exit code."""
    try:
        yield
    except KlavierError as error:
        raise Complaint(str(error), 1 if isinstance(error, DeliveryError) else 2) from error
    except BrokenPipeError:
        forget_stream(sys.stdout.fileno())
        raise click.exceptions.Exit(_BROKEN_PIPE) from None
    except OSError as error:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        raise Complaint(f"{where}{error.strerror or type(error).__name__}", 2) from error


class Complaint(click.ClickException):
    """A message on standard error, one line for each problem, and an exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # click does the same

    def format_message(self) -> str:
        """Return the message, the lines of several problems indented, without control characters."""
        first, *rest = [plain(line) for line in self.message.splitlines()] or [""]
        return "\n".join([first, *(f"       {line}" for line in rest)])


def run() -> NoReturn:
    """Run the command line with the arguments of the process."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        # Event names hold any character; a terminal that cannot show one gets its escape instead of an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app.main(prog_name="klavier", complete_var=VARIABLE, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        print_error("\nstopped")
        code = _INTERRUPTED
    except BrokenPipeError:
        forget_stream(sys.stdout.fileno())
        code = _BROKEN_PIPE
    sys.exit(code if isinstance(code, int) else 0)


def _open_missing_streams() -> None:
    """Open the standard streams that the caller has closed: else the next file gets their numbers, and what is printed.

    Source: POSIX, `open` returns the lowest number that is free.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
