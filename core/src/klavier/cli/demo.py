"""`klavier demo`: deliver events to a sandbox in this process, and show the result."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klavier.cli.dry_run import DryRun
from klavier.cli.options import FILE, VendorName
from klavier.cli.plan import count_result, format_result
from klavier.cli.setup import Choice, prepare_alone, settings_option, warn_of_broken
from klavier.cli.summary import Summary
from klavier.cli.wording import paint
from klavier.errors import ConfigError
from klavier.plugins import NO_VENDOR, installed_plugins
from klavier.streams.lines import Line, read_lines
from klavier.streams.sources import Sources

if TYPE_CHECKING:
    from klavier.plugins import Plugins

FIRST_CHOICE = "rudderstack"
_GENERAL = "captured.jsonl"
"""The sample calls of RudderStack's documents, as posted by the SDKs of Segment and RudderStack."""


@click.command("demo", short_help="Deliver sample events to a sandbox.")
@click.argument("file", metavar="[FILE]", type=FILE, required=False)
@click.option(
    "--vendor",
    metavar="NAME",
    type=VendorName(),
    help=f"The vendor; {FIRST_CHOICE} where it is installed, else the first one.",
)
@settings_option
@click.option("--bodies", is_flag=True, help="Show the body of each request.")
def command(*, file: str | None, vendor: str | None, settings: Path | None, bodies: bool) -> None:
    """Deliver sample events, or those of FILE, to a sandbox in this process and show its content afterwards.

    The samples are those of the vendors' own documents.
    No account, no key and no network are needed, and no configuration is read.
    """
    from klavier.sandbox import Sandbox  # noqa: PLC0415 -- the other commands do without

    sources = None if file is None else Sources([file])
    plugins = installed_plugins()
    warn_of_broken(plugins)
    sandbox = Sandbox(unknown_lists="create")
    sandbox.add_list("Newsletter", "XUepkK", "single_opt_in")  # the lists that the sample events name
    sandbox.add_list("Customers", "listId", "double_opt_in")
    keys = {"private_api_key": sandbox.account.private_api_key, "public_api_key": sandbox.account.public_api_key}
    setup = prepare_alone(Choice(vendor, settings), plugins, keys, default=_first(plugins))
    click.echo(f"As {paint(setup.vendor.name, bold=True)} would send them, delivered to a sandbox in this process:\n")
    summary = Summary()
    dry_run = DryRun(setup.vendor, sandbox.send, plugins=plugins)
    for result in dry_run.run(_samples(setup.vendor.name) if sources is None else sources.lines()):
        count_result(summary, result)
        click.echo(format_result(result, setup, bodies=bodies, has_replies=True))
    click.echo()
    click.echo("\n".join(summary.lines()))
    click.echo(f"\n{paint('The data in Klaviyo afterwards', bold=True)}\n\n{sandbox.summary()}")
    click.echo(
        f"\nYour own events:  klavier demo FILE --vendor {setup.vendor.name}"
        "\nDry run:          klavier plan FILE"
        "\nDeliver:          klavier send FILE"
    )
    # The samples contain events that vendors refuse; that is no failure of the demo.
    raise SystemExit(0 if file is None else summary.exit_code)


def _first(plugins: "Plugins") -> str:
    names = sorted(plugins.vendors, key=lambda name: (name != FIRST_CHOICE, name))
    if not names:
        raise ConfigError(NO_VENDOR)
    return names[0]


def _samples(vendor: str) -> Iterator[Line]:
    """Read the packaged sample events: the vendor's own where it has some, else the general ones."""
    folder = files("klavier.cli") / "samples"
    own = folder / f"{vendor}.jsonl"
    with (own if own.is_file() else folder / _GENERAL).open("rb") as stream:
        yield from read_lines(stream, "sample")
