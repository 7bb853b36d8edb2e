"""Types of options and arguments that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

_ALIASES = {"table": "text", "toml": "text", "jsonl": "json"}


class FileName(click.types.StringParamType):
    """The name of an input, which the shell completes; whoever opens it reports what is wrong with it."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 -- click calls it so
        """Return the shell's own completion of file and folder names."""
        return [CompletionItem(incomplete, type="file")]


FILE = FileName()


class OutputFile(click.Path):
    """The path of a file to write; `-` is standard output, as where the option is missing: None."""

    def __init__(self) -> None:
        """Accept no folder."""
        super().__init__(path_type=Path, dir_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or None for standard output."""
        return None if str(value) == "-" else super().convert(value, param, ctx)


class WebAddress(click.types.StringParamType):
    """The address of a server, such as a sandbox's."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the address; anything else is an error that names the option."""
        from klavier.config.model import check_web_address  # noqa: PLC0415 -- loading it takes its time

        try:
            check_web_address(str(value))
        except ValueError:
            self.fail("must be a web address without path or query, such as http://127.0.0.1:8765", param, ctx)
        return super().convert(value, param, ctx)


class OutputFormat(click.Choice[str]):
    """A choice of output formats; `table` and `toml` are accepted for `text`, `jsonl` for `json`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format's name."""
        name = _ALIASES.get(str(value).lower(), value)
        return super().convert(name, param, ctx)


class VendorName(click.types.StringParamType):
    """The name of an installed vendor, which the shell completes; whoever loads it reports one that is not known."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 -- click calls it so
        """Return the vendors whose names begin so."""
        from klavier.plugins import installed_plugins  # noqa: PLC0415 -- loading plugins takes its time

        vendors = sorted(installed_plugins().vendors.items())
        return [CompletionItem(name, help=spec.summary) for name, spec in vendors if name.startswith(incomplete)]


def sandbox_option(verb: str) -> Callable[[Any], Any]:
    """Add `--sandbox`; `verb` is what the command does with the address, such as `Send to`."""
    return click.option(
        "--sandbox",
        type=WebAddress(),
        metavar="URL",
        help=f"{verb} this address instead of Klaviyo's, such as a sandbox's.",
    )


def format_option(*formats: str, text: str) -> Callable[[Any], Any]:
    """Add `--format`; the command gets it as `as_`.  `text` says what each format is for."""
    return click.option(
        "--format", "as_", type=OutputFormat(formats or ("text", "json")), default="text", show_default=True, help=text
    )
