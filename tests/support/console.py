"""What a page shows of a terminal, run: blocks of `console` whose lines after `$ ` are commands.

A command of klavier runs in this process, and what it prints must be what the page shows; `...` stands for anything.
`klavier sandbox` serves until the page ends, on a free port wherever the page says another.  `export`, `cat` with a
text of its own and `curl` do what they do; other commands, such as installations, are for the reader.
"""

import doctest
import os
import re
import shlex
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner
from sybil import Example

from klavier.cli.app import app
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.waiting import LONG

if TYPE_CHECKING:
    from klavier.sandbox.account import OptIn

_WRONG_USE = 2
_PORT_OF_THE_PAGES = re.compile(r"http://127\.0\.0\.1:8765")


def run_console(example: Example) -> str | None:
    """Run the commands of a block; gives what differs, or nothing."""
    for command, shown in _commands(example.parsed):
        if command.startswith("cat >"):
            _write(command, shown)
            continue
        printed = _run(command, example)
        if shown and printed is not None and not _alike(shown, printed):
            return f"$ {command}\nprints\n{printed}\nand not what the page shows"
    return None


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Split a block into commands and what is shown of their output."""
    for part in re.split(r"^\$ ", text.replace("\\\n", ""), flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown.rstrip()


def _write(command: str, shown: str) -> None:
    """Write the text between `cat > FILE <<END` and END."""
    _, _, name, end = shlex.split(command)
    text, _, rest = shown.partition("\n" + end.removeprefix("<<"))
    assert not rest, f"{rest!r} stands after the text of {name}"
    Path(name).write_text(text + "\n", "utf-8")


def _run(command: str, example: Example) -> str | None:
    """Return what a command prints; None for one that is for the reader."""
    words = shlex.split(command)
    if words[:2] == ["klavier", "sandbox"]:
        _serve(example, words[2:])
        return None
    url = example.namespace.get("_sandbox_url")
    words = [_PORT_OF_THE_PAGES.sub(url, word) if url else word for word in words]
    match words[0]:
        case "klavier":
            return _as_on_the_page(_klavier(words[1:]), url)
        case "curl":
            with urllib.request.urlopen(words[-1], timeout=LONG) as reply:  # noqa: S310 -- a sandbox of this process
                return str(reply.read().decode())
        case "export":
            name, _, value = words[1].partition("=")
            os.environ[name] = value
    return None


def _klavier(words: list[str]) -> str:
    result = CliRunner().invoke(app, words, prog_name="klavier", terminal_width=88)
    assert result.exit_code != _WRONG_USE, result.output
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def _serve(example: Example, options: list[str]) -> None:
    """Serve a sandbox like that of `klavier sandbox`, with its lists and opt-in process, until the page ends."""
    opt_in: OptIn = "single_opt_in" if "single" in options else "double_opt_in"
    sandbox = Sandbox(public_api_key="SNDBX1", opt_in=opt_in, rate_limits="--rate-limits" in options)
    for place, option in enumerate(options):
        if option == "--list":
            sandbox.add_list(options[place + 1], options[place + 1])
    server = SandboxServer(sandbox)
    example.namespace["_sandbox_url"] = example.namespace["_folder"].enter_context(server).url


def _as_on_the_page(printed: str, url: str | None) -> str:
    return printed.replace(url, "http://127.0.0.1:8765") if url else printed


def _alike(shown: str, printed: str) -> bool:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(shown + "\n", printed.strip() + "\n", options)
