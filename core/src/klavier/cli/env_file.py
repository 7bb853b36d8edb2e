"""Files of environment variables, such as `.env`."""

import re
from collections.abc import Iterator
from pathlib import Path

from klavier.cli.messages import warn
from klavier.cli.private_files import is_open_to_others
from klavier.errors import UsageError

_LINE = re.compile(
    r"""(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*
    (?:'(?P<single>[^']*)'|"(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"|(?P<bare>[^\s"'#][^"'\s]*)?)
    [ \t]*(?:\#.*)?""",
    re.VERBOSE,
)
"""A variable: its value between quotes, or one word; a comment may follow."""


def read_env_file(path: Path) -> dict[str, str]:
    r"""Return the variables of a file of `NAME=VALUE` lines; raises `UsageError` that names the line, not its content.

    `export`, quotes and comments are read as shells read them, `\"` and `\\` between double quotes as well; no other
    variable is filled in, and a value ends with its line.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"--env-file: {path}: there is no such file; check the path") from None
    except IsADirectoryError:
        raise UsageError(f"--env-file: {path}: is a folder; pass the path of a file") from None
    except OSError as error:
        raise UsageError(f"--env-file: {path}: cannot be read: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--env-file: {path}: not UTF-8 text; save it as UTF-8") from None
    if is_open_to_others(path):
        warn(f"{path} can be read by other users of this machine: chmod 600 {path}")
    return dict(_variables(text, path))


def _variables(text: str, path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise UsageError(
                f"--env-file: {path}: line {number}: write NAME=VALUE, the value between quotes if it is not one word"
            )
        double = match["double"]
        value = match["single"] or match["bare"] or "" if double is None else re.sub(r"\\([\\\"])", r"\1", double)
        yield match["name"], value
