"""`klavier schema`: the JSON Schema of `klavier.toml`, by which editors complete and check it."""

from pathlib import Path

import click

from klavier.cli.json_output import pretty_json
from klavier.cli.options import OutputFile
from klavier.cli.setup import config_option, known_plugins
from klavier.config.json_schema import config_schema


@click.command("schema", short_help="Print the JSON Schema of klavier.toml.")
@config_option
@click.option("--output", type=OutputFile(), metavar="FILE", help="Write it to FILE.")
def command(*, config_file: Path | None, output: Path | None) -> None:
    """Print the JSON Schema of klavier.toml, with the settings of the installed vendors.

    Editors that understand TOML complete and check a file whose first line is `#:schema ./klavier.schema.json`, where
    the schema stands beside it.  Write it again after installing or upgrading a vendor.
    """
    text = pretty_json(config_schema(known_plugins(config_file)))
    if output is None:
        click.echo(text)
        return
    output.write_text(f"{text}\n", "utf-8")
    click.echo(f"{output}: written", err=True)
