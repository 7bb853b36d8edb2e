"""`klavier vendors`: the installed vendors, their settings, and the plugins that are broken."""

from pathlib import Path
from typing import Any

import click
import orjson
from attrs import asdict

from klavier.cli.json_output import pretty_json
from klavier.cli.options import format_option
from klavier.cli.origin import origin_of
from klavier.cli.setup import config_option, known_plugins
from klavier.cli.wording import hanging, paint, plain
from klavier.plugins import NO_VENDOR, Plugins
from klavier.retry import describe_policy
from klavier.settings import SettingInfo, describe
from klavier.vendor import VendorSpec

_INDENT = 6
_RETRY_WIDTH = 11


@click.command("vendors", short_help="List the installed vendors.")
@click.argument("name", required=False)
@config_option
@format_option(text="For reading, or one JSON document.")
def command(*, name: str | None, config_file: Path | None, as_: str) -> None:
    """List the installed vendors; with NAME, describe that one and its settings.

    Broken plugins are listed with their faults.
    """
    plugins = known_plugins(config_file)
    plugins.add_commands(click.Group())  # finds those that fail there
    specs = sorted(plugins.vendors.values(), key=lambda spec: spec.name) if name is None else [plugins.vendor(name)]
    if as_ == "json":
        click.echo(pretty_json(_to_data(specs, plugins)))
    elif name is not None:
        _print_vendor(specs[0])
    else:
        _print_list(specs, plugins)


def _print_list(specs: list[VendorSpec], plugins: Plugins) -> None:
    widest = max((len(spec.name) for spec in specs), default=0)
    for spec in specs:
        label = f"{paint(f'{spec.name:<{widest}}', bold=True)}  {origin_of(spec).version or 'file':<8}  "
        click.echo(hanging(spec.summary, label, widest + 12))
    if not specs:
        click.echo(NO_VENDOR)
    for plugin in plugins.broken:
        label = f"{paint('broken', 'red')}  {plain(plugin.name)}: "
        click.echo(hanging(plugin.reason, label, len(plugin.name) + 10))
    if specs:
        click.echo(f"\nSettings of one of them: klavier vendors {specs[0].name}")


def _print_vendor(spec: VendorSpec) -> None:
    origin = origin_of(spec)
    source = f"{origin.distribution} {origin.version}" if origin.version else "a plugin file"
    click.echo(f"{paint(spec.name, bold=True)}, from {source}")
    click.echo(hanging(spec.summary, "", 0))
    click.echo("\nWhen a relay retries a failed event:\n")
    for name, text in describe_policy(spec.retry):
        click.echo(hanging(text, f"  {paint(f'{name:<{_RETRY_WIDTH}}', bold=True)}  ", _RETRY_WIDTH + 4))
    click.echo(f"\nSettings, in klavier.toml under [vendors.{spec.name}]:\n")
    for info in describe(spec.settings):
        click.echo(f"  {paint(info.name, bold=True)}  {info.type}, {_default(info)}")
        if info.doc:
            click.echo(hanging(info.doc, " " * _INDENT, _INDENT))


def _default(info: SettingInfo) -> str:
    """Return what applies if a setting is not set."""
    words = "required" if info.required else f"default {_shown(info)}"
    return f"{words}; filled from [klaviyo] {info.klaviyo}" if info.klaviyo else words


def _shown(info: SettingInfo) -> str:
    if info.default is None or (info.secret and not info.default):
        return "not set"
    if info.secret:
        return "(secret)"
    return plain(orjson.dumps(info.default, default=str).decode(), 60)


def _to_data(specs: list[VendorSpec], plugins: Plugins) -> dict[str, Any]:
    return {
        "vendors": [
            {
                "name": spec.name,
                "summary": spec.summary,
                **asdict(origin_of(spec)),
                "retry": {**asdict(spec.retry), "statuses": sorted(spec.retry.statuses)},
                "settings": [_setting_data(info) for info in describe(spec.settings)],
            }
            for spec in specs
        ],
        "broken": [plugin._asdict() for plugin in plugins.broken],
    }


def _setting_data(info: SettingInfo) -> dict[str, Any]:
    found = asdict(info)
    return {**found, "default": None} if info.secret else found
