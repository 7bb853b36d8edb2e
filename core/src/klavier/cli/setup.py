"""From the options of a command to a configuration: the file, the environment, and what the options override."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import field, frozen

from klavier.cli.where import find_config
from klavier.config.environment import REFERENCE
from klavier.config.load import check
from klavier.config.local_plugin import discover_beside
from klavier.config.location import CONFIG_FILE, CONFIG_VARIABLE
from klavier.config.model import Config
from klavier.config.toml import read_table, read_toml
from klavier.errors import ConfigError
from klavier.plugins import Plugins, installed_plugins
from klavier.settings import describe

if TYPE_CHECKING:
    from klavier.vendor import Vendor

KEYS = {"private_api_key": "KLAVIYO_PRIVATE_API_KEY", "public_api_key": "KLAVIYO_PUBLIC_API_KEY"}
"""The environment variables that give the keys where no configuration file is used."""

PLACEHOLDERS = {"private_api_key": "private-key", "public_api_key": "PUBLIC"}
"""Keys for commands that send nothing."""

_SHORTEST_SECRET = 4

_Command = Callable[..., Any]


@frozen
class Choice:
    """What the options `--vendor`, `--settings` and `--config` say; `overrides` replaces single settings."""

    vendor: str | None = None
    settings: Path | None = None
    config_file: Path | None = None
    overrides: Mapping[str, Any] = field(factory=dict, repr=False)


config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    envvar=CONFIG_VARIABLE,
    metavar="FILE",
    help=f"The configuration; {CONFIG_FILE} where it is present.",
)
vendor_option = click.option(
    "--vendor", metavar="NAME", help="The vendor; takes the place of the configuration's choice."
)
settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The vendor's settings, as TOML or JSON; takes the place of the configuration's.",
)


def choice_options(command: _Command) -> _Command:
    """Add the options that choose a vendor and its settings; the command gets them as one `choice`."""

    @wraps(command)
    def with_choice(
        *args: Any, vendor: str | None, settings: Path | None, config_file: Path | None, **options: Any
    ) -> Any:
        return command(*args, choice=Choice(vendor, settings, config_file), **options)

    return vendor_option(settings_option(config_option(with_choice)))


@frozen
class Setup:
    """What a command works with: the configuration, the vendor built from it, and the file it came from."""

    config: Config
    vendor: "Vendor" = field(repr=False)
    file: Path | None = None
    has_placeholders: bool = False

    @property
    def plugins(self) -> Plugins:
        """The plugins that the configuration was checked against."""
        return self.config.known_plugins()

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The secret values of this setup, which nothing may show.

        Placeholders are none, and texts of a few characters no keys: hiding them would hide half of every event.
        """
        values = [self.config.keys_for(self.vendor)["private_api_key"], self.config.klaviyo.private_api_key]
        values += [
            getattr(self.vendor.settings, info.name) for info in describe(type(self.vendor.settings)) if info.secret
        ]
        known = {value for value in values if isinstance(value, str) and len(value) >= _SHORTEST_SECRET}
        return tuple(known - set(PLACEHOLDERS.values()))

    def check_keys(self) -> None:
        """Raise `ConfigError` where no key is configured, so that nothing can be sent."""
        if not any(self.config.keys_for(self.vendor).values()):
            raise ConfigError(
                f"no key is configured: set private_api_key under [klaviyo] in {CONFIG_FILE}, "
                f"or the environment variable {KEYS['private_api_key']}"
            )


def known_plugins(config_file: Path | None) -> Plugins:
    """Give the installed plugins and the one beside the configuration file."""
    file = find_config(config_file)
    return installed_plugins() if file is None else discover_beside(file.parent)


def prepare(
    choice: Choice,
    plugins: Plugins | None = None,
    *,
    base_url: str | None = None,
    placeholders: bool = False,
    every_key: bool = False,
) -> Setup:
    """Read what the options name and build the vendor.

    Without `plugins` they are discovered, and broken ones are warned of on standard error.
    `base_url` takes the place of the configuration's.  `placeholders` stand in for keys that are named but not set, and
    for both where neither a configuration nor settings are given; `every_key` puts one for each key that is missing.
    Raises `ConfigError` that names all that is wrong.
    """
    file = find_config(choice.config_file)
    if plugins is None:
        plugins = known_plugins(choice.config_file)
        warn_of_broken(plugins)
    data: dict[str, Any] = {"klaviyo": _keys_of(os.environ)} if file is None else read_toml(file)
    has_placeholders = placeholders and choice.settings is None and _put_placeholders(data, is_bare=file is None)
    if every_key and isinstance(data.setdefault("klaviyo", {}), dict):
        has_placeholders = _put_placeholders(data, is_bare=False) or has_placeholders
        data["klaviyo"] = {**PLACEHOLDERS, **data["klaviyo"]}
    if base_url is not None and isinstance(data.setdefault("klaviyo", {}), dict):
        data["klaviyo"]["base_url"] = base_url
    return _finish(choice, data, plugins, file, has_placeholders=has_placeholders)


def prepare_alone(choice: Choice, plugins: Plugins, klaviyo: Mapping[str, Any]) -> Setup:
    """Build the vendor without a configuration file or the environment, for an account that is given."""
    return _finish(choice, {"klaviyo": dict(klaviyo)}, plugins, None, has_placeholders=False)


def _finish(
    choice: Choice, data: dict[str, Any], plugins: Plugins, file: Path | None, *, has_placeholders: bool
) -> Setup:
    name = _choose(data, choice.vendor, plugins)
    if choice.settings is not None:
        sections = data.get("vendors")
        data["vendors"] = {**(sections if isinstance(sections, dict) else {}), name: read_table(choice.settings)}
    if choice.overrides:
        _override(data, name, choice.overrides)
    try:
        config = check(data, os.environ, plugins, Path() if file is None else file.parent)
    except ConfigError as error:
        raise _placed(error, file, choice.settings, name) from None
    return Setup(config, config.build_vendor(), file, has_placeholders)


def _override(data: dict[str, Any], name: str, overrides: Mapping[str, Any]) -> None:
    """Replace single settings of a vendor; what is no table is left for the check to find."""
    sections = data.setdefault("vendors", {})
    section = sections.setdefault(name, {}) if isinstance(sections, dict) else None
    if isinstance(section, dict):
        sections[name] = {**section, **overrides}


def warn_of_broken(plugins: Plugins) -> None:
    """Say on standard error which plugins were set aside."""
    for plugin in plugins.broken:
        click.echo(f"warning: plugin {plugin.name} is set aside: {plugin.reason}", err=True)


def _keys_of(environ: Mapping[str, str]) -> dict[str, Any]:
    return {key: environ[variable] for key, variable in KEYS.items() if environ.get(variable)}


def _put_placeholders(data: dict[str, Any], *, is_bare: bool) -> bool:
    """Put placeholders for keys that come from variables that are not set; tell whether there was one."""
    section = data.get("klaviyo")
    if is_bare and not section:
        data["klaviyo"] = dict(PLACEHOLDERS)
        return True
    if not isinstance(section, dict):
        return False
    unset = [key for key in KEYS if _is_unset(section.get(key))]
    section.update({key: PLACEHOLDERS[key] for key in unset})
    return bool(unset)


def _is_unset(value: Any) -> bool:
    found = REFERENCE.finditer(value) if isinstance(value, str) else ()
    return any(match[1] and match[1] not in os.environ for match in found)


def _choose(data: dict[str, Any], vendor: str | None, plugins: Plugins) -> str:
    """Put the chosen vendor into the data; raises `ConfigError` where nobody chose one."""
    if vendor is not None:
        data["vendor"] = vendor
    if data.get("vendor") is None:
        here = ", ".join(sorted(plugins.vendors)) or "none; try: pip install klavier-rudderstack"
        raise ConfigError(f"no vendor is chosen; give --vendor NAME or set it in {CONFIG_FILE} (installed: {here})")
    return str(data["vendor"])


def _placed(error: ConfigError, file: Path | None, settings: Path | None, name: str) -> ConfigError:
    """Name the file that a problem stands in, where the options name one."""
    inner = f"vendors.{name}"
    lines = []
    for problem in error.problems:
        if settings is not None and problem.startswith(inner):
            lines.append(f"{settings}: {problem.removeprefix(inner).lstrip('.: ')}")
        else:
            lines.append(problem if file is None else f"{file}: {problem}")
    return ConfigError(lines)
