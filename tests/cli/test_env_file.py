"""`--env-file`: variables of a file, for whoever keeps keys in `.env`."""

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from tests.cli.conftest import Run

EVENT = b'{"type": "track", "event": "Signed Up", "userId": "u1"}\n'


@pytest.fixture(autouse=True)
def environ(folder: Path) -> Iterator[None]:
    """Leave the environment as it was, and ask the configuration for a variable of it."""
    (folder / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\nprivate_api_key = "${KEY}"\n')
    with mock.patch.dict(os.environ):
        yield


def write(folder: Path, text: str, mode: int = 0o600) -> None:
    path = folder / ".env"
    path.write_text(text, "utf-8")
    path.chmod(mode)


@pytest.mark.parametrize(
    "text", ["KEY=pk_1\n", "# keys\n\nexport KEY='pk_1'  # the key\n", '\ufeffKEY="pk_1"\r\nOTHER=\n']
)
def test_a_variable_of_the_file_is_set(run: Run, folder: Path, text: str) -> None:
    write(folder, text)
    assert run("doctor", "--offline").exit_code == 1
    result = run("doctor", "--offline", "--env-file", ".env")
    assert (result.exit_code, os.environ["KEY"]) == (0, "pk_1")


def test_the_environment_comes_first_and_nothing_is_filled_in(run: Run, folder: Path) -> None:
    write(folder, "KEY=pk_of_the_file\nRAW='${KEY}'\n")
    os.environ["KEY"] = "pk_of_the_environment"
    assert run("plan", "-", "--env-file", ".env", stdin=EVENT).exit_code == 0
    assert (os.environ["KEY"], os.environ["RAW"]) == ("pk_of_the_environment", "${KEY}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("''", ""),
        ('""', ""),
        ("", ""),
        (r'"a\"b\\c\d"', r'a"b\c\d'),
        ("'a # b'", "a # b"),
        ("a#b # c", "a#b"),
        ("a=b==", "a=b=="),
    ],
)
def test_values_are_read_as_shells_read_them(run: Run, folder: Path, text: str, value: str) -> None:
    write(folder, f"KEY=pk_1\nVALUE={text}\n")
    assert run("doctor", "--offline", "--env-file", ".env").exit_code == 0
    assert os.environ["VALUE"] == value


def test_it_may_name_the_configuration(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").rename(folder / "other.toml")
    write(folder, "KLAVIER_CONFIG=other.toml\nKEY=pk_1\n")
    assert "other.toml" in run("doctor", "--offline", "--env-file", ".env").output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("KEY=a\npk_secret\n", "line 2: write NAME=VALUE"),
        ("KEY='pk_secret\n", "line 1: write NAME=VALUE"),
        ("KEY=pk_secret and more\n", "line 1: write NAME=VALUE"),
    ],
)
def test_a_broken_line_is_named_and_not_shown(run: Run, folder: Path, text: str, message: str) -> None:
    write(folder, text)
    result = run("doctor", "--offline", "--env-file", ".env")
    assert (result.exit_code, message in result.output, "pk_secret" in result.output) == (2, True, False)


def test_a_missing_file_is_named(run: Run) -> None:
    result = run("plan", "-", "--env-file", "none.env", stdin=EVENT)
    assert (result.exit_code, "none.env: there is no such file; check the path" in result.output) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_can_read_is_warned_of(run: Run, folder: Path) -> None:
    write(folder, "KEY=pk_1\n", 0o644)
    assert "chmod 600 .env" in run("doctor", "--offline", "--env-file", ".env").stderr
