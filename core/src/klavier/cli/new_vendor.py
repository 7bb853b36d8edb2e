"""`klavier new-vendor`: write a plugin for a vendor of one's own, from the template that ships with klavier."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import click

import klavier
from klavier.errors import UsageError
from klavier.hookspecs import VENDOR_NAME
from klavier.plugins import installed_plugins

_NAME_OF_TEMPLATE = "pigeonry"
_SUFFIXES = {".py", ".md", ".toml"}
_NAMES_IN_TEMPLATE = {"any", "iterator", "klavier", "sequence", "settings"}
"""Names whose class would have the name of another one in the template."""


@click.command("new-vendor", short_help="Write a plugin for a vendor of your own.")
@click.argument("name")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FOLDER", help="The new folder; klavier-NAME by default."
)
def command(*, name: str, output: Path | None) -> None:
    """Write a plugin for the vendor NAME into a new folder: a package with settings, a vendor and tests that pass.

    NAME is the vendor's name in klavier.toml, such as my-shop.
    """
    if not VENDOR_NAME.fullmatch(name):
        raise UsageError("NAME: write small letters, digits and single hyphens, such as my-shop; a letter comes first")
    if name in _NAMES_IN_TEMPLATE or name in installed_plugins().vendors:
        raise UsageError(f"NAME: {name} is taken already; choose another name")
    folder = Path(f"klavier-{name}") if output is None else output
    if folder.exists():
        raise UsageError(f"{click.format_filename(folder)}: exists already; pass another folder with --output")
    written = write_plugin(name, folder)
    for path in written:
        click.echo(path)
    shown = click.format_filename(folder)
    click.echo(
        f"\nInstall it:  pip install '{shown if folder.is_absolute() else f'./{shown}'}[test]'"
        f"\nTest it:     python -m pytest {shown}"
        f"\nUse it:      klavier vendors {name}"
    )


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write the template under another name into a new folder; return the paths of the files."""
    written, template = [], _template()
    for source in _sources(template):
        path = folder / _renamed(source.relative_to(template).as_posix(), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_renamed(source.read_text("utf-8"), name), "utf-8")
        written.append(path)
    return written


def _template() -> Path:
    """Return the template's folder, which stands in `docs` where klavier runs from its sources."""
    packaged = Path(str(files("klavier"))) / "plugin_template"
    return packaged if packaged.is_dir() else Path(klavier.__file__).parents[3] / "docs" / "plugin-template"


def _sources(template: Path) -> Iterator[Path]:
    for path in sorted(template.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(template).parts)  # caches of its tests
        if path.suffix in _SUFFIXES and not is_hidden:
            yield path


def _renamed(text: str, name: str) -> str:
    """Replace the template's name: as a module, as a class, and as a vendor."""
    module, title = name.replace("-", "_"), "".join(word.capitalize() for word in name.split("-"))
    for prefix in ("klavier_", "test_"):
        text = text.replace(f"{prefix}{_NAME_OF_TEMPLATE}", f"{prefix}{module}")
    return text.replace(_NAME_OF_TEMPLATE.capitalize(), title).replace(_NAME_OF_TEMPLATE, name)
