"""`klavier migrate`: one vendor's settings from another's, with what cannot be carried over."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from klavier.cli.assignments import read_assignments
from klavier.cli.diff import feed
from klavier.cli.diff_table import table
from klavier.cli.options import format_option
from klavier.cli.private_files import check_output, open_private
from klavier.cli.settings_file import read_settings
from klavier.cli.setup import config_option, known_plugins, warn_of_broken
from klavier.cli.wording import plain
from klavier.comparison.masking import mask_secrets
from klavier.config.location import find_config
from klavier.config.toml import read_toml
from klavier.errors import UsageError
from klavier.loading import load_vendor
from klavier.migration.keys import given_keys, with_stand_ins
from klavier.settings import fill_from_klaviyo
from klavier.streams.sources import Sources
from klavier.version import VERSION

if TYPE_CHECKING:
    from klavier.comparison.report import Comparison
    from klavier.migration import Migration
    from klavier.plugins import Plugins

STDOUT = "-"


@click.command("migrate", short_help="Write one vendor's settings from another's.")
@click.option("--from", "source", metavar="NAME", help="The vendor you leave; the configuration's where not given.")
@click.option("--to", "target", metavar="NAME", help="The vendor you move to; the same one where only --set is given.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The old vendor's settings, as TOML or JSON, alone or in a klavier.toml; overrides the configuration's.",
)
@config_option
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting of the new vendor, such as api_version=v3; may be given many times.",
)
@click.option("--sample", metavar="FILE", help="Compare both vendors over a file or folder of events.")
@click.option("--output", metavar="FILE", help="Write the configuration to FILE, or alone to standard output (-).")
@click.option("--force", is_flag=True, help="Overwrite the file of --output.")
@click.option(
    "--page",
    "page_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the lists as a web page too: before, after, what you must do.",
)
@format_option(text="The configuration as TOML, or everything as JSON.")
def command(  # noqa: PLR0913 -- one for each option
    *,
    source: str | None,
    target: str | None,
    settings: Path | None,
    config_file: Path | None,
    changes: tuple[str, ...],
    sample: str | None,
    output: str | None,
    force: bool,
    page_file: Path | None,
    as_: str,
) -> None:
    """Write the settings of one vendor from those of another, and list what cannot be carried over.

    The result is a whole klavier.toml, with a comment where a person has to decide; the lists follow it as comments.
    With --output they stand apart: on standard output, or on standard error where that holds the configuration.
    Keys are never written: they become references to environment variables.

    Exit codes: 0 all was carried over, 1 something is lost or to be decided, 2 wrong use.
    """
    sources = None if sample is None else Sources([sample])
    _check_free(output, force=force)
    events = [] if sources is None else sources.names
    written = None if output in (None, STDOUT) else Path(str(output))
    check_output(written, "--output", events)
    check_output(page_file, "--page", [*events, settings, find_config(config_file)])
    if page_file is not None and written is not None and page_file.resolve() == written.resolve():
        raise UsageError("--page: names the file of --output; pass another name")
    plugins = known_plugins(config_file)
    warn_of_broken(plugins)
    old, given = _source(source, settings, config_file, plugins)
    new = target or (old if changes else None)
    if new is None:
        raise UsageError("--to: required; name the vendor to move to, or change the same one by --set NAME=VALUE")
    from klavier.migration import migrate  # noqa: PLC0415 -- the other commands do without

    migration = migrate(old, new, given, changes=read_assignments(changes), plugins=plugins)
    compared = None if sources is None else _compared(migration, given, sources, plugins)
    _write(migration, compared, output, as_)
    if page_file is not None:
        _write_page(migration, page_file, settings or find_config(config_file), output)
    raise SystemExit(0 if migration.is_complete and not (compared and compared.differs) else 1)


def _check_free(output: str | None, *, force: bool) -> None:
    """Look before any work whether the file may be written."""
    if output not in (None, STDOUT) and not force and Path(str(output)).exists():
        raise UsageError(f"{output}: exists already; give another name, or --force to overwrite it")


def _source(
    name: str | None, settings: Path | None, config_file: Path | None, plugins: "Plugins"
) -> tuple[str, dict[str, Any]]:
    """Return the old vendor's name and settings, its keys filled from `[klaviyo]`, references as they stand."""
    file = find_config(config_file)
    data = {} if file is None else read_toml(file)
    passed = None if settings is None else read_settings(settings, name, plugins)
    chosen = name or (passed and passed.vendor) or data.get("vendor")
    if not isinstance(chosen, str):
        raise UsageError("--from: required; name the vendor you leave")
    sections = data.get("vendors")
    own = sections.get(chosen, {}) if isinstance(sections, dict) else {}
    klaviyo = data.get("klaviyo")
    if passed is not None:
        own = passed.settings_of(chosen)
        klaviyo = passed.klaviyo if passed.is_whole else klaviyo
    if not isinstance(own, dict):
        raise UsageError(f"vendors.{chosen}: must be a table")
    if not own:
        click.echo(f"note: no settings of {plain(chosen)} were found, so its defaults are migrated", err=True)
    return chosen, fill_from_klaviyo(plugins.vendor(chosen).settings, own, klaviyo if isinstance(klaviyo, dict) else {})


def _compared(migration: "Migration", given: dict[str, Any], sources: Sources, plugins: "Plugins") -> "Comparison":
    """Run a file of events through both vendors; no key is needed, and none is in the result."""
    from klavier.comparison.compare import Comparing  # noqa: PLC0415 -- loads the sandbox

    old, new = plugins.vendor(migration.source), plugins.vendor(migration.target)
    left = load_vendor(old.name, with_stand_ins(old, given), plugins=plugins)
    right = load_vendor(new.name, with_stand_ins(new, migration.settings), plugins=plugins)
    names = (old.name, new.name) if old.name != new.name else (f"{old.name} (from)", f"{new.name} (to)")
    comparing = Comparing(left, right, names=names, plugins=plugins)
    feed(comparing, sources, plugins)
    keys = {value for value in given_keys(old, given).values() if isinstance(value, str)}
    return mask_secrets(comparing.finish(0), keys)


def _write(migration: "Migration", compared: "Comparison | None", output: str | None, as_: str) -> None:
    """Write the configuration, and the lists beside it or below it."""
    lists = migration.report().splitlines()
    if compared is not None:
        lists += ["", *table(compared, coloured=output not in (None, STDOUT))]
    if as_ == "json":
        found = migration.to_dict() | ({} if compared is None else {"comparison": compared.as_json()})
        text = orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"
    else:
        text = migration.to_toml()
    if output is None:
        click.echo(text, nl=False)
        if as_ == "text":
            click.echo("\n" + "\n".join(f"# {plain(line)}".rstrip() for line in lists))
        return
    if output == STDOUT:
        click.echo(text, nl=False)
    else:
        with open_private(Path(output)) as file:
            file.write(text.encode())
    for line in lists:
        click.echo(line, err=output == STDOUT)
    if output != STDOUT:
        click.echo(f"\n{output}: written")


def _write_page(migration: "Migration", path: Path, source: Path | None, output: str | None) -> None:
    """Write the lists as a page that names where the settings came from and went to."""
    from klavier.migration.page import page  # noqa: PLC0415 -- few migrations have one

    about = [
        ("from", f"{migration.source}, " + ("its defaults" if source is None else click.format_filename(source))),
        ("to", migration.target + ("" if output in (None, STDOUT) else f", {output}")),
        ("made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC with klavier {VERSION}"),
    ]
    with open_private(path) as file:
        file.write(page(migration, about).encode())
    click.echo(f"{click.format_filename(path)}: written", err=True)
