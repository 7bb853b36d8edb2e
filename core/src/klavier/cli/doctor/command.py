"""The command: every check in turn."""

from collections.abc import Iterator
from pathlib import Path

import click
from attrs import asdict

from klavier.cli.doctor.account import ask_for_account
from klavier.cli.doctor.calls import outdated_calls
from klavier.cli.doctor.check import Check
from klavier.cli.json_output import json_line
from klavier.cli.setup import KEYS, Choice, Setup, config_option, known_plugins, prepare, vendor_option
from klavier.cli.wording import count, hanging, paint
from klavier.config.location import CONFIG_FILE
from klavier.config.model import BASE_URL
from klavier.errors import ConfigError
from klavier.plugins import Plugins


@click.command("doctor", short_help="Check the configuration, the plugins and the key.")
@vendor_option
@config_option
@click.option("--offline", is_flag=True, help="Leave out the checks that ask Klaviyo.")
@click.option(
    "--format", "as_", type=click.Choice(["table", "jsonl"]), default="table", show_default=True, help="How to show it."
)
def command(*, vendor: str | None, config_file: Path | None, offline: bool, as_: str) -> None:
    """Check the configuration, the plugins and the key; the key by asking Klaviyo for the account's name.

    Exit code 1 says that something is wrong.
    """
    has_wrong = False
    for check in _checks(Choice(vendor, None, config_file), offline=offline):
        has_wrong = has_wrong or check.state == "wrong"
        _show(check, as_)
    raise SystemExit(1 if has_wrong else 0)


def _show(check: Check, as_: str) -> None:
    if as_ == "jsonl":
        click.echo(json_line(asdict(check)), nl=False)
        return
    color = {"ok": "green", "note": "yellow"}.get(check.state, "red")
    label = f"{paint(f'{check.state:<5}', color)}  {check.name:<13}  "
    click.echo(hanging(check.found, label, 22))
    if check.remedy:
        click.echo(hanging(check.remedy, " " * 22, 22))


def _checks(choice: Choice, *, offline: bool) -> Iterator[Check]:
    plugins = known_plugins(choice.config_file)
    yield from _check_plugins(plugins)
    try:
        setup = prepare(choice, plugins)
    except ConfigError as error:
        for problem in error.problems:
            found, _, remedy = problem.partition("; ")
            yield Check("configuration", "wrong", found, remedy)
        return
    yield Check("configuration", "ok", str(setup.file or f"no {CONFIG_FILE} here; keys come from the environment"))
    yield Check("vendor", "ok", setup.vendor.name)
    yield from _check_address(setup)
    yield from _check_calls(setup)
    yield from _check_keys(setup, offline=offline)


def _check_plugins(plugins: Plugins) -> Iterator[Check]:
    if plugins.vendors:
        yield Check("plugins", "ok", f"{count(len(plugins.vendors), 'vendor')}: {', '.join(sorted(plugins.vendors))}")
    else:
        yield Check("plugins", "wrong", "no vendor is installed", "try: pip install klavier-rudderstack")
    for plugin in plugins.broken:
        yield Check("plugins", "wrong", f"{plugin.name}: {plugin.reason}", "mend the plugin or uninstall it")


def _check_address(setup: Setup) -> Iterator[Check]:
    address = setup.config.klaviyo.base_url
    if address.startswith("https://"):
        yield Check("address", "ok", address)
    else:
        yield Check("address", "note", f"{address} is not encrypted", "use http:// for a sandbox only")


def _check_calls(setup: Setup) -> Iterator[Check]:
    """Look at what the vendor calls for one event of each kind, against the days on which Klaviyo retires it."""
    for found, is_gone in outdated_calls(setup.vendor):
        is_real = is_gone and setup.config.klaviyo.base_url == BASE_URL
        yield Check("calls", "wrong" if is_real else "note", found, 'set wire = "current" to say the same today')


def _check_keys(setup: Setup, *, offline: bool) -> Iterator[Check]:
    keys = setup.config.keys_for(setup.vendor)
    if not any(keys.values()):
        remedy = f"set private_api_key under [klaviyo] in {CONFIG_FILE}, or {KEYS['private_api_key']}"
        yield Check("key", "wrong", "no key is given", remedy)
    elif not keys["private_api_key"]:
        yield Check("key", "note", "only the public key is given; calls of a server need the private one")
    elif not offline:
        yield from ask_for_account(setup, keys["public_api_key"])
