"""Every built-in command and each of its options stands in docs/reference/cli.md."""

from collections.abc import Iterator

import click
import pytest

from klavier.cli.app import COMMANDS, app
from tests.support.repository import ROOT

PAGE = (ROOT / "docs" / "reference" / "cli.md").read_text("utf-8")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Walk the built-in commands, those inside groups as `dead list`."""
    context = click.Context(app)
    waiting = [(name, app.get_command(context, name)) for name in COMMANDS]
    while waiting:
        name, command = waiting.pop(0)
        assert command is not None
        if isinstance(command, click.Group):
            waiting.extend((f"{name} {inner}", found) for inner, found in command.commands.items())
        if not command.hidden:
            yield name, command


EVERY_COMMAND = pytest.mark.parametrize(
    ("name", "command"), [pytest.param(*found, id=found[0]) for found in commands()]
)


@EVERY_COMMAND
def test_the_page_shows_the_command(name: str, command: click.Command) -> None:
    assert f"klavier {name}" in PAGE
    options = {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    assert sorted(option for option in options if option not in PAGE) == []


@EVERY_COMMAND
def test_help_describes_a_command_and_its_options(name: str, command: click.Command) -> None:
    assert command.help, name
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert [option.name for option in options if not option.help and not option.hidden] == []
