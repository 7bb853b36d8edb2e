"""The group of all commands: the built-in ones by name, then what plugins add."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

from klavier import __version__
from klavier.cli.extras import all_commands, listed_commands
from klavier.errors import DeliveryError, KlavierError

COMMANDS = {
    "dead": "Look at the events that were given up, and send them again.",
    "doctor": "Check the configuration, the plugins and the key.",
    "send": "Deliver events from files or standard input.",
    "diff": "Compare what Klaviyo would hold after two vendors, or two settings of one.",
    "migrate": "Write one vendor's settings from another's; list what cannot be carried over.",
    "demo": "Deliver sample events to a built-in Klaviyo and show what it then holds.",
    "plan": "Show what would be sent for a file of events; sends nothing.",
    "probe": "Send one event and show Klaviyo's replies.",
    "run": "Deliver what is in the outbox.",
    "sandbox": "Serve a Klaviyo account in memory.",
    "serve": "Accept events over HTTP from SDKs, and deliver them.",
    "vendors": "List the installed vendors and their settings.",
}
"""The built-in commands, each in the module of its name, with the line that `klavier --help` shows for it."""

_INTERRUPTED = 130
_BROKEN_PIPE = 141


class CommandLine(click.Group):
    """A group that imports a command when it is asked for, and turns every klavier error into a message."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the built-in commands and those of plugins."""
        return sorted({*COMMANDS, *listed_commands(ctx)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a built-in command, or ask the plugins for it."""
        if cmd_name in COMMANDS:
            command = import_module(f"klavier.cli.{cmd_name}").command
            assert isinstance(command, click.Command)  # noqa: S101 -- a command module without one is a slip of ours
            return command
        return all_commands(ctx).get(cmd_name)

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
@click.option("-v", "--verbose", is_flag=True, help="Log to standard error what happens; no personal data is in it.")
def app(*, verbose: bool) -> None:
    """Deliver customer-data events to Klaviyo exactly as RudderStack, Segment or Freshpaint would."""
    log = logging.getLogger("klavier")
    # Outcomes tell what went wrong; the log is for those who look into why.
    if verbose and not any(isinstance(handler, logging.StreamHandler) for handler in log.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        log.addHandler(handler)
        log.setLevel(logging.DEBUG)
    elif not log.handlers:
        log.addHandler(logging.NullHandler())


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn errors that the user can do something about into a message and an exit code."""
    try:
        yield
    except KlavierError as error:
        raise Complaint(str(error), 1 if isinstance(error, DeliveryError) else 2) from error
    except BrokenPipeError:
        _forget_stdout()
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
        """Indent the lines of a message of several problems."""
        first, *rest = self.message.splitlines() or [""]
        return "\n".join([first, *(f"       {line}" for line in rest)])


def run() -> NoReturn:
    """Run the command line with the arguments of the process."""
    for stream in (sys.stdout, sys.stderr):
        # Event names hold any character; a terminal that cannot show one gets its escape, not an error.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app.main(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped", err=True)
        code = _INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        code = _BROKEN_PIPE
    sys.exit(code if isinstance(code, int) else 0)


def _forget_stdout() -> None:
    """Point standard output at nothing, so that the interpreter does not try the closed pipe again on its way out."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
