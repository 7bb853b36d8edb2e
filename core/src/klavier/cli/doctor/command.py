"""The command: runs every check in turn."""

from collections.abc import Iterator
from pathlib import Path

import click
from attrs import asdict

from klavier.cli.doctor.account import check_account
from klavier.cli.doctor.calls import outdated_calls
from klavier.cli.doctor.check import Check
from klavier.cli.doctor.outbox import check_outbox
from klavier.cli.doctor.versions import check_extras, check_versions
from klavier.cli.json_output import json_line
from klavier.cli.options import format_option
from klavier.cli.private_files import is_open_to_others
from klavier.cli.setup import KEYS, Choice, Setup, config_option, known_plugins, prepare, vendor_option
from klavier.cli.wording import count, hanging, paint
from klavier.config.location import CONFIG_FILE
from klavier.config.model import BASE_URL
from klavier.errors import ConfigError
from klavier.plugins import NO_VENDOR, Plugins


@click.command("doctor", short_help="Check the configuration, the plugins, the outbox and the key.")
@vendor_option
@config_option
@click.option("--offline", is_flag=True, help="Leave out the checks that send a request to Klaviyo.")
@format_option(text="A table, or one JSON object for each check.")
def command(*, vendor: str | None, config_file: Path | None, offline: bool, as_: str) -> None:
    """Check the configuration, the plugins, the versions, the files, the outbox, its disk and the key.

    The key is checked by reading the account from Klaviyo.

    The exit code is 1 if something is wrong.
    """
    has_wrong = False
    for check in _checks(Choice(vendor, None, config_file), offline=offline):
        has_wrong = has_wrong or check.state == "wrong"
        _print(check, as_)
    raise SystemExit(1 if has_wrong else 0)


def _print(check: Check, as_: str) -> None:
    if as_ == "json":
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
    yield from check_versions()
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
    yield from _check_history(setup)
    yield from _check_files(setup)
    yield from check_extras(setup.config)
    yield from check_outbox(setup)
    yield from _check_calls(setup)
    yield from _check_keys(setup, offline=offline)


def _check_plugins(plugins: Plugins) -> Iterator[Check]:
    if plugins.vendors:
        yield Check("plugins", "ok", f"{count(len(plugins.vendors), 'vendor')}: {', '.join(sorted(plugins.vendors))}")
    else:
        yield Check("plugins", "wrong", *NO_VENDOR.split("; "))
    for plugin in plugins.broken:
        yield Check(
            "plugins",
            "wrong",
            f"{plugin.name}: {plugin.reason}",
            "fix the plugin or uninstall it; events are not sent without it",
        )


def _check_address(setup: Setup) -> Iterator[Check]:
    klaviyo = setup.config.klaviyo
    if klaviyo.base_url.startswith("https://"):
        yield Check("address", "ok", klaviyo.base_url)
    else:
        yield Check("address", "note", f"{klaviyo.base_url} is not encrypted", "use http:// for a sandbox only")
    if not klaviyo.verify:
        yield Check("address", "note", "certificates are not checked (verify = false)", "remove it, except for tests")


def _check_history(setup: Setup) -> Iterator[Check]:
    """Check whether everything is delivered as history, which nobody means for long."""
    delivery = setup.config.delivery
    if delivery.backfill:
        yield Check("history", "note", "no event starts a flow (backfill = true)", "remove it after the history")
    if delivery.consent_import:
        problem = "every subscription is imported without an opt-in message (consent_import = true)"
        yield Check("history", "note", problem, "remove it after the history")


def _check_files(setup: Setup) -> Iterator[Check]:
    """Check that files with personal data or keys cannot be read by other users of this machine."""
    outbox = setup.config.folder / setup.config.delivery.outbox
    files = [Path(f"{outbox}{ending}") for ending in ("", "-wal", "-shm")]
    found = [file for file in files if is_open_to_others(file)]
    if setup.file is not None and setup.has_written_key and is_open_to_others(setup.file):
        found.append(setup.file)
    for file in found:
        yield Check("files", "note", f"{file} can be read by other users of this machine", f"chmod 600 {file}")


def _check_calls(setup: Setup) -> Iterator[Check]:
    """Check the endpoints that the vendor calls for one event of each kind against Klaviyo's retirement dates."""
    for found, is_gone in outdated_calls(setup.vendor):
        is_real = is_gone and setup.config.klaviyo.base_url == BASE_URL
        yield Check("calls", "wrong" if is_real else "note", found, 'set wire = "current" to use today\'s API')


def _check_keys(setup: Setup, *, offline: bool) -> Iterator[Check]:
    keys = setup.config.keys_for(setup.vendor)
    if not any(keys.values()):
        remedy = f"set private_api_key or access_token under [klaviyo] in {CONFIG_FILE}, or {KEYS['private_api_key']}"
        yield Check("key", "wrong", "no key is configured", remedy)
    elif not (keys["private_api_key"] or keys["access_token"]):
        yield Check("key", "note", "only the public key is configured; requests from a server need the private one")
    elif not offline:
        name = "access token" if keys["access_token"] else "private key"
        yield from check_account(setup, keys["public_api_key"], name)
