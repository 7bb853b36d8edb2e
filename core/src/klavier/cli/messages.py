"""Messages on standard error: warnings, notes and the log, in a form that is safe for a terminal."""

import logging
import os
import sys

import click

from klavier.cli.wording import plain

_QUIET = "klavier.quiet"
_MOST_REPEATED = 1000
"""Different log messages that are remembered so that each is shown once; further ones are shown every time."""


def print_error(text: str) -> None:
    """Print a line on standard error: where that cannot be written, nothing, since delivery must not end by it."""
    try:
        click.echo(text, err=True)
    except BrokenPipeError:
        forget_stream(sys.stderr.fileno())
    except (OSError, ValueError):  # a full disk, which may have room later; a stream that was closed
        pass


def forget_stream(number: int) -> None:
    """Redirect a standard stream whose reader is gone to nothing, also for what the interpreter writes at its exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, number)
    os.close(devnull)


def warn(text: str) -> None:
    """Print a warning."""
    print_error(f"warning: {plain(text)}")


def note(text: str) -> None:
    """Print what is good to know, unless --quiet was passed."""
    if not is_quiet():
        print_error(plain(text))


def is_quiet() -> bool:
    """Return whether notes and progress are not wanted."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().meta.get(_QUIET))


def shows_progress() -> bool:
    """Return whether a progress bar can be shown and is wanted."""
    return sys.stderr.isatty() and not is_quiet()


def add_verbosity_options(command: click.Command) -> None:
    """Add -q and -v to a command, as the group has them, so that both may follow the command's name."""
    known = {option for parameter in command.params for option in parameter.opts}
    for option in _verbosity_options():
        if not known & set(option.opts):
            command.params.append(option)
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            add_verbosity_options(inner)


def set_up_log(level: int = logging.WARNING) -> None:
    """Print the log of klavier from a level on; the last call counts."""
    log = logging.getLogger("klavier")
    for handler in [handler for handler in log.handlers if isinstance(handler, _Handler)]:
        log.removeHandler(handler)
    log.addHandler(_Handler(is_full=level < logging.WARNING))
    log.setLevel(level)


class _Handler(logging.Handler):
    """Prints log records to standard error as it is at that moment, which a progress bar may have replaced.

    Unless all is shown, a message that comes again and again is printed once: summaries count what happened.
    """

    def __init__(self, *, is_full: bool) -> None:
        super().__init__()
        self._is_full = is_full
        self._shown: set[str] = set()
        if is_full:
            self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        if self._is_full:
            print_error("\n".join(plain(line) for line in self.format(record).splitlines()))
            return
        text = f"{record.levelname.lower()}: {plain(record.getMessage())}"
        if text not in self._shown:
            if len(self._shown) < _MOST_REPEATED:
                self._shown.add(text)
            print_error(text)


def _verbosity_options() -> list[click.Option]:
    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=_set_quiet,
            help="Print no progress and no notes; warnings and errors only.",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=_set_verbose,
            help="Print the whole log to standard error; it holds no personal data.",
        ),
    ]


def _set_quiet(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click calls it so
    if value:
        context.find_root().meta[_QUIET] = True


def _set_verbose(_: click.Context, __: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click calls it so
    if value:
        set_up_log(logging.DEBUG)
