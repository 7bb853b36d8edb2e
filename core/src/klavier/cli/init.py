"""`klavier init`: write a first `klavier.toml`, check it, and show the next command."""

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, frozen

from klavier.cli.assignments import read_assignments
from klavier.cli.first_config import FirstConfig, Source, write_config
from klavier.cli.json_output import pretty_json
from klavier.cli.options import VendorName, sandbox_option
from klavier.cli.private_files import create_private
from klavier.cli.setup import KEYS, PLACEHOLDERS, warn_of_broken
from klavier.cli.wording import paint, plain
from klavier.config.environment import NAME_OF_VARIABLE
from klavier.config.json_schema import SCHEMA_FILE, config_schema
from klavier.config.load import check
from klavier.config.local_plugin import discover_with_local, is_allowed
from klavier.config.location import CONFIG_FILE
from klavier.config.toml import parse_toml
from klavier.errors import ConfigError, UsageError
from klavier.plugins import NO_VENDOR

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_OTHER_VARIABLE = "KLAVIYO_API_KEY"
"""What Klaviyo's own examples call the private key's variable."""

_SOURCES: dict[Source, str] = {
    "files": "files or a pipe, with klavier send",
    "program": "a Python program, with klavier.open",
    "sdk": "SDKs of Segment, RudderStack or Freshpaint, over HTTP, with klavier serve",
}

_NEXT: dict[Source, tuple[str, ...]] = {
    "files": ("klavier plan events.jsonl    # what would be sent", "klavier send events.jsonl    # deliver"),
    "program": (
        'python -c \'import klavier; klavier.open().track("Signed Up", user_id="u1")\'',
        "klavier run --until-empty    # deliver what is stored",
    ),
    "sdk": ("klavier serve                # accept events and deliver them",),
}


@frozen
class Answers:
    """The options of the command, completed by questions on a terminal."""

    vendor: str | None
    source: Source | None
    key_variable: str | None
    public_key: str | None
    sandbox: str | None
    archive: str | None


@click.command("init", short_help="Write a first klavier.toml.")
@click.option("--vendor", metavar="NAME", type=VendorName(), help="The vendor whose requests are sent.")
@click.option("--source", type=click.Choice(list(_SOURCES)), help="Where events come from; files by default.")
@click.option(
    "--key-variable",
    metavar="NAME",
    help=f"The environment variable with Klaviyo's private key; {KEYS['private_api_key']} by default.",
)
@click.option("--public-key", metavar="KEY", help="Klaviyo's public key (site id); it is no secret.")
@sandbox_option("Deliver to")
@click.option("--archive", metavar="FOLDER", help="With --source sdk: keep accepted events in FOLDER.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="A setting of the vendor; can be repeated.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=CONFIG_FILE,
    show_default=True,
    metavar="FILE",
    help="The file.",
)
def command(*, changes: tuple[str, ...], output: Path, **options: Any) -> None:
    """Write a commented klavier.toml, check it, and show the next command.

    On a terminal it asks for what no option sets.  Keys stay in the environment: the file names their variables.
    An existing configuration is never overwritten.  The JSON Schema is written beside it, for your editor.
    """
    if output.exists():
        raise UsageError(
            f"{click.format_filename(output)}: exists already; edit it, or pass another name with --output"
        )
    plugins = discover_with_local(output.parent, allowed=is_allowed({}, os.environ))
    warn_of_broken(plugins)
    answers = _asked(Answers(**options), plugins)
    config = _first_config(answers, plugins, read_assignments(changes))
    text = write_config(config)
    _check(text, config, plugins, output.parent)
    schema = output.parent / SCHEMA_FILE
    _write(output, text, is_private=config.write_key is not None)
    schema.write_text(f"{pretty_json(config_schema(plugins))}\n", "utf-8")
    _print_end(output, schema, config)


def _asked(answers: Answers, plugins: "Plugins") -> Answers:
    """Ask for what no option says; raises `UsageError` where there is nobody to ask and no default."""
    names = sorted(plugins.vendors)
    if not names:
        raise ConfigError(NO_VENDOR)
    if not _is_terminal():
        if answers.vendor is None and len(names) > 1:
            raise UsageError(f"--vendor: required where there is no terminal; one of {', '.join(names)}")
        return evolve(answers, vendor=answers.vendor or names[0], source=answers.source or "files")
    if answers.vendor is None:
        for name in names:
            click.echo(f"  {paint(f'{name:<16}', bold=True)}  {plain(plugins.vendors[name].summary)}")
        only = names[0] if len(names) == 1 else None
        vendor = click.prompt("Deliver as which vendor", default=only, type=click.Choice(names), show_choices=False)
        answers = evolve(answers, vendor=vendor)
    if answers.source is None:
        for source, text in _SOURCES.items():
            click.echo(f"  {paint(f'{source:<16}', bold=True)}  {text}")
        kind = click.Choice(list(_SOURCES))
        answers = evolve(
            answers, source=click.prompt("Where do events come from", default="files", type=kind, show_choices=False)
        )
    if answers.public_key is None and not os.environ.get(KEYS["public_api_key"]):
        key = click.prompt("Klaviyo's public key (six characters; Enter for none)", default="", show_default=False)
        answers = evolve(answers, public_key=key.strip() or None)
    return answers


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _first_config(answers: Answers, plugins: "Plugins", settings: dict[str, Any]) -> FirstConfig:
    variable = answers.key_variable
    if variable is None:
        usual = KEYS["private_api_key"]
        has_other = _OTHER_VARIABLE in os.environ and usual not in os.environ
        variable = _OTHER_VARIABLE if has_other else usual
    elif not NAME_OF_VARIABLE.fullmatch(variable) or variable.startswith("pk_"):
        raise UsageError("--key-variable: must be the name of the environment variable that holds the key, not the key")
    public_key = answers.public_key
    if public_key is None and os.environ.get(KEYS["public_api_key"]):
        public_key = f"${{{KEYS['public_api_key']}}}"
    source = answers.source or "files"
    if answers.archive is not None and source != "sdk":
        raise UsageError("--archive: keeps events that come over HTTP: pass --source sdk too")
    return FirstConfig(
        spec=plugins.vendor(answers.vendor or ""),
        source=source,
        key_variable=variable,
        public_key=public_key,
        settings=settings,
        write_key=secrets.token_hex(16) if source == "sdk" else None,
        base_url=answers.sandbox,
        archive=answers.archive,
    )


def _check(text: str, config: FirstConfig, plugins: "Plugins", folder: Path) -> None:
    """Check the configuration before it is written; a variable that is not set yet counts as set."""
    environ = {config.key_variable: PLACEHOLDERS["private_api_key"], **os.environ}
    check(parse_toml(text, CONFIG_FILE), environ, plugins, folder, needs_plugins=False)


def _write(path: Path, text: str, *, is_private: bool) -> None:
    """Write the file; only its owner can read one that holds a write key."""
    if str(path) == "-":
        raise UsageError("--output: pass the name of a file; the JSON Schema is written beside it")
    if is_private:
        with create_private(path) as file:
            file.write(text.encode())
        return
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _print_end(output: Path, schema: Path, config: FirstConfig) -> None:
    click.echo(f"{click.format_filename(output)}: written and checked")
    click.echo(f"{click.format_filename(schema)}: written, for your editor")
    if config.key_variable not in os.environ:
        click.echo(f"\nSet the key:  export {config.key_variable}=...    # Klaviyo: Settings, API keys")
    if config.write_key is not None:
        click.echo(f"Write key:    it stands in {click.format_filename(output)}; set up your SDK with it")
    if output != Path(CONFIG_FILE):
        click.echo(f"Use the file: export KLAVIER_CONFIG={click.format_filename(output)}")
    first, *more = ("klavier doctor               # is everything in place?", *_NEXT[config.source])
    click.echo("\n".join([f"\nNext:         {first}", *(f"              {line}" for line in more)]))
