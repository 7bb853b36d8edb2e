"""Files with personal data: only their owner can read them, whatever the umask and the file before."""

import os
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from click import format_filename

from klavier.errors import UsageError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def check_output(output: Path | None, option: str, inputs: Iterable[str | Path | None]) -> None:
    """Raise `UsageError`, before any work, for a file in no folder, and for one that is read as well.

    Standard input, `-`, and None are no such files.
    """
    if output is None:
        return
    if not output.parent.is_dir():
        raise UsageError(f"{format_filename(output)}: there is no such folder; make it, or write elsewhere")
    names = [name for name in inputs if name is not None and str(name) != "-"]
    if output.exists() and any(output.samefile(name) for name in names):
        raise UsageError(f"{format_filename(output)}: is an input file as well; pass another name to {option}")


def create_private(path: Path) -> BinaryIO:
    """Create a file for writing; raises `UsageError` for one that exists or cannot be created."""
    return _open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, "wb")


def open_private(path: Path, *, keep: bool = False) -> BinaryIO:
    """Open a file for writing, and for reading its end with `keep`; without it an existing file is emptied."""
    return _open(path, os.O_RDWR | os.O_CREAT | (0 if keep else os.O_TRUNC), "r+b")


def write_content(content: bytes, output: Path | None) -> None:
    """Write what a command made to a private file, or to standard output without one."""
    if output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    with open_private(output) as file:
        file.write(content)


def is_open_to_others(path: Path) -> bool:
    """Return whether other users of this machine can read or write a file; False where it does not exist."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return os.name == "posix" and stat.S_ISREG(mode) and bool(mode & _OTHERS)


def _open(path: Path, flags: int, mode: str) -> BinaryIO:
    if str(path) == "-":
        raise UsageError("-: standard output cannot be used here; pass the name of a file")
    try:
        handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
    except FileExistsError:
        raise UsageError(f"{path}: exists already; pass the name of a new file") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise UsageError(f"{path}: cannot be written: {why}") from None
    with suppress(OSError):  # a device such as /dev/null keeps its mode, and Windows has none
        if stat.S_ISREG(os.fstat(handle).st_mode):
            os.fchmod(handle, 0o600)
    return cast("BinaryIO", os.fdopen(handle, mode))
