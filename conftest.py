"""How the tests search, and the pages as tests.

Every block of Python in the README and the documentation runs as a test, and so do the commands of klavier in blocks of
`console`, whose output must be the one shown; TOML and JSON are read.
The blocks of one page run in order, in a folder of their own.  A block of TOML that begins with a comment like
`# klavier.toml` is written to the file of that name, so that the blocks after it find it there, as a reader would.
"""

import contextlib
import gc
import json
import logging
import os
import re
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from sybil import Example, Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from tests.support.console import run_console

set_hypothesis_home_dir(Path(__file__).parent / ".hypothesis")  # its tables of characters take seconds to make anew
# The same examples in each run: a test that turns red was turned red by a change.  New examples are what `deep` is for.
# A busy machine is no fault of the code.
settings.register_profile(
    "default",
    max_examples=50,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", max_examples=1000, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
PROFILE = os.environ.get("KLAVIER_PROFILE", "default")
settings.load_profile(PROFILE)
if PROFILE == "default":
    # Hypothesis also draws constants of the modules that are imported so far, so that the examples of a test depended
    # on which tests ran before it in the same process.  There is no setting for that.
    no_constants = Constants()
    providers._get_local_constants = lambda: no_constants  # noqa: SLF001 -- see above

# Programs that tests start by the hundred take the compiled code of the one before them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

KEYS = {"KLAVIYO_PRIVATE_API_KEY": "pk_from_the_environment", "KLAVIYO_PUBLIC_API_KEY": "AbC123"}
"""What a reader is told to have in the environment."""


def enter_folder(namespace: dict[str, Any]) -> None:
    """Give a page a folder of its own and the keys that it speaks of."""
    namespace["__name__"] = "__main__"  # as in a script: some libraries ask a function for its module
    stack = namespace["_folder"] = contextlib.ExitStack()
    stack.enter_context(contextlib.chdir(stack.enter_context(tempfile.TemporaryDirectory())))
    stack.enter_context(mock.patch.dict(os.environ, KEYS))


def leave_folder(namespace: dict[str, Any]) -> None:
    """Go back to where the tests run."""
    namespace["_folder"].close()


def read_toml(example: Example) -> None:
    """Take a block of TOML for good when it can be read; write it where it names its file."""
    text = str(example.parsed)
    tomllib.loads(text)
    name = re.match(r"# (\w+\.toml)\n", text)
    if name:
        Path(name[1]).write_text(text, "utf-8")


def read_json(example: Example) -> None:
    """Take a block of JSON for good when it can be read."""
    json.loads(example.parsed)


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes `-n auto` starts: three for two cores, since tests wait a third of their time."""
    return max(2, (os.cpu_count() or 1) * 3 // 2)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the garbage collector from the tests themselves: to pass over so many takes a twelfth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """Undo what a command that ran in this process did to klavier's log."""
    log = logging.getLogger("klavier")
    log.handlers.clear()
    log.setLevel(logging.NOTSET)


collect_ignore = ["docs/plugin-template/tests"]  # tests/end_to_end runs them where the plugin is installed

pytest_collect_file = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        CodeBlockParser("toml", read_toml),
        CodeBlockParser("json", read_json),
        CodeBlockParser("console", run_console),
    ],
    patterns=["*.md", "docs/*.md", "docs/**/*.md", "plugins/*/*.md"],
    setup=enter_folder,
    teardown=leave_folder,
).pytest()
