"""The configuration of a command: the file, the environment, and what its options override."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import evolve, field, frozen

from klavier.cli.messages import note, warn
from klavier.cli.options import VendorName
from klavier.cli.settings_file import SettingsFile, read_settings
from klavier.config.environment import REFERENCE
from klavier.config.load import check, unknown_keys
from klavier.config.local_plugin import PLUGIN_FILE, discover_with_local, is_allowed
from klavier.config.location import CONFIG_FILE, CONFIG_VARIABLE, find_config
from klavier.config.model import Config
from klavier.config.secrets import secret_values
from klavier.config.toml import read_toml
from klavier.errors import ConfigError
from klavier.http.encoding import is_loopback
from klavier.plugins import NO_VENDOR, Plugins, installed_plugins

if TYPE_CHECKING:
    from klavier.vendor import Vendor

KEYS = {
    "private_api_key": "KLAVIYO_PRIVATE_API_KEY",
    "public_api_key": "KLAVIYO_PUBLIC_API_KEY",
    "access_token": "KLAVIYO_ACCESS_TOKEN",
}
"""The environment variables that hold the keys where there is no configuration file."""

PLACEHOLDERS = {"private_api_key": "private-key", "public_api_key": "PUBLIC"}
"""Keys for commands that send nothing."""

TOKEN_PLACEHOLDER = "access-token"  # noqa: S105 -- no token
"""Stands for an access token whose variable is not set, in place of the private key."""

_Command = Callable[..., Any]

Purpose = Literal["inspect", "plan", "compare", "send"]
"""What a command does with a configuration.

- `inspect`: looks at it; keys whose variables are not set are a mistake.
- `plan`: sends nothing; such keys are replaced by placeholders, and so are both keys where there is neither a
  configuration nor settings.
- `compare`: sends no event; each missing key is replaced by a placeholder.
- `send`: a broken plugin that is not optional is a mistake, and an address that is not protected a warning.
"""


@frozen
class Choice:
    """The values of `--vendor`, `--settings` and `--config`.

    `overrides` replaces single settings of the vendor; `delivery` are the settings of `[delivery]` that an option
    switches on.
    """

    vendor: str | None = None
    settings: Path | None = None
    config_file: Path | None = None
    overrides: Mapping[str, Any] = field(factory=dict, repr=False)
    delivery: Mapping[str, bool] = field(factory=dict)
    option: str | None = "--vendor"
    """The option that names the vendor; None where the command has none."""


def _load_env_file(_: click.Context, __: click.Parameter, path: Path | None) -> None:
    if path is not None:
        from klavier.cli.env_file import read_env_file  # noqa: PLC0415 -- few runs have one

        for name, value in read_env_file(path).items():
            os.environ.setdefault(name, value)


def config_option(command: _Command) -> _Command:
    """Add `--config`, which the command gets as `config_file`, and `--env-file`."""
    with_env_file = click.option(
        "--env-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        is_eager=True,  # before the environment is looked at
        callback=_load_env_file,
        help="Read environment variables from FILE too, such as .env; those that are set stay as they are.",
    )(command)
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar=CONFIG_VARIABLE,
        metavar="FILE",
        help=f"The configuration file; {CONFIG_FILE} if it is present.",
    )(with_env_file)


vendor_option = click.option(
    "--vendor", metavar="NAME", type=VendorName(), help="The vendor; overrides the configuration's."
)
settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The vendor's settings, as TOML or JSON, alone or in a klavier.toml; overrides the configuration's.",
)


def choice_options(command: _Command) -> _Command:
    """Add the options that select a vendor and its settings; the command gets them as one `choice`."""

    @wraps(command)
    def with_choice(
        *args: Any, vendor: str | None, settings: Path | None, config_file: Path | None, **options: Any
    ) -> Any:
        return command(*args, choice=Choice(vendor, settings, config_file), **options)

    return vendor_option(settings_option(config_option(with_choice)))


def history_options(command: _Command) -> _Command:
    """Add the options about history, below `choice_options`: they become part of the `choice`."""

    @wraps(command)
    def with_history(*args: Any, choice: Choice, backfill: bool, consent_import: bool, **options: Any) -> Any:
        delivery = {"backfill": backfill, "consent_import": consent_import}
        return command(*args, choice=evolve(choice, delivery=delivery), **options)

    with_backfill = click.option(
        "--backfill", is_flag=True, help="The events are history: Klaviyo records them and starts no flows for them."
    )
    with_consent = click.option(
        "--consent-import",
        is_flag=True,
        help="The subscriptions are history: they are imported with the time of their event, without opt-in messages.",
    )
    return with_backfill(with_consent(with_history))


@frozen
class Setup:
    """The configuration of a command, the vendor built from it, and the file it was read from."""

    config: Config
    vendor: "Vendor" = field(repr=False)
    file: Path | None = None
    has_placeholders: bool = False
    has_written_key: bool = False
    """Whether the configuration file holds a private key itself, instead of a reference to a variable."""

    @property
    def plugins(self) -> Plugins:
        """The plugins that the configuration was checked against."""
        return self.config.known_plugins()

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """The secret values of this setup, which no output may contain.

        Placeholders are not secret.
        """
        return tuple(secret_values(self.config, self.vendor) - {*PLACEHOLDERS.values(), TOKEN_PLACEHOLDER})

    def check_keys(self) -> None:
        """Raise `ConfigError` where no key is configured, so that nothing can be sent."""
        if not self.config.has_key(self.vendor):
            raise ConfigError(
                f"no key is configured: set private_api_key or access_token under [klaviyo] in {CONFIG_FILE}, "
                f"or the environment variable {KEYS['private_api_key']}"
            )


def known_plugins(config_file: Path | None) -> Plugins:
    """Return the installed plugins and the one beside the configuration file."""
    file = find_config(config_file)
    if file is None:
        return installed_plugins()
    try:
        allowed = is_allowed(read_toml(file), os.environ)
    except ConfigError:  # whoever needs the configuration reports it
        allowed = False
    local = file.parent / PLUGIN_FILE
    if allowed and local.is_file():
        note(f"note: loading the plugin file {local}")
    return discover_with_local(file.parent, allowed=allowed)


def prepare(
    choice: Choice,
    plugins: Plugins | None = None,
    *,
    base_url: str | None = None,
    purpose: Purpose = "inspect",
) -> Setup:
    """Read what the options name and build the vendor.

    Without `plugins` they are discovered, and broken ones are reported as warnings.  `base_url` overrides the
    configuration's.  The `purpose` says which keys are needed and whether plugins are; see `Purpose`.
    Raises `ConfigError` that names every mistake.
    """
    file = find_config(choice.config_file)
    if plugins is None:
        plugins = known_plugins(choice.config_file)
        if purpose != "send":
            warn_of_broken(plugins)
    data: dict[str, Any] = {"klaviyo": _keys_of(os.environ)} if file is None else read_toml(file)
    has_written_key = _has_written_key(data)
    given = None if choice.settings is None else read_settings(choice.settings, choice.vendor, plugins)
    is_whole = given is not None and given.is_whole
    if given is not None and is_whole and isinstance(data.setdefault("klaviyo", {}), dict):
        data["klaviyo"] = given.fill_account(data["klaviyo"], is_configured=file is not None)
    has_placeholders = (
        purpose == "plan" and (given is None or is_whole) and _put_placeholders(data, is_bare=file is None)
    )
    if purpose == "compare" and isinstance(data.setdefault("klaviyo", {}), dict):
        has_placeholders = _put_placeholders(data, is_bare=False) or has_placeholders
        data["klaviyo"] = {**_placeholders_beside(data["klaviyo"]), **data["klaviyo"]}
    if base_url is not None and isinstance(data.setdefault("klaviyo", {}), dict):
        data["klaviyo"]["base_url"] = base_url
    setup = _finish(choice, given, data, plugins, file, needs_plugins=purpose == "send")
    if purpose == "send":
        warn_of_broken(plugins)
        warn_of_address(setup)
    return evolve(setup, has_placeholders=has_placeholders, has_written_key=has_written_key)


def prepare_alone(choice: Choice, plugins: Plugins, klaviyo: Mapping[str, Any], *, default: str) -> Setup:
    """Build the vendor without a configuration file or the environment, with the keys of `klaviyo`.

    `default` is the vendor where neither an option nor the file of settings names one.
    """
    given = None if choice.settings is None else read_settings(choice.settings, choice.vendor, plugins)
    return _finish(choice, given, {"vendor": default, "klaviyo": dict(klaviyo)}, plugins, None, needs_plugins=False)


def _finish(  # noqa: PLR0913 -- the options, the file that they name, and what is known without them
    choice: Choice,
    given: SettingsFile | None,
    data: dict[str, Any],
    plugins: Plugins,
    file: Path | None,
    *,
    needs_plugins: bool,
) -> Setup:
    name = _choose(data, choice, choice.vendor or (None if given is None else given.vendor), plugins, file)
    if given is not None:
        sections = data.get("vendors")
        data["vendors"] = {**(sections if isinstance(sections, dict) else {}), name: given.settings_of(name)}
    if choice.overrides:
        _override(data, name, choice.overrides)
    switched = {key: True for key, value in choice.delivery.items() if value}
    if switched and isinstance(data.setdefault("delivery", {}), dict):
        data["delivery"] = {**data["delivery"], **switched}
    try:
        folder = Path() if file is None else file.parent
        config = check(data, os.environ, plugins, folder, needs_plugins=needs_plugins)
    except ConfigError as error:
        raise _placed(error, file, given, name) from None
    return Setup(config, config.build_vendor(), file)


def _override(data: dict[str, Any], name: str, overrides: Mapping[str, Any]) -> None:
    """Replace single settings of a vendor; the check reports what is no table."""
    sections = data.setdefault("vendors", {})
    section = sections.setdefault(name, {}) if isinstance(sections, dict) else None
    if isinstance(section, dict):
        sections[name] = {**section, **overrides}


def warn_of_broken(plugins: Plugins) -> None:
    """Warn of the plugins that were not loaded."""
    for plugin in plugins.broken:
        warn(f"plugin {plugin.name} was not loaded: {plugin.reason}")


def warn_of_address(setup: Setup) -> None:
    """Warn where requests, which hold the key and personal data, are not protected on the way."""
    klaviyo = setup.config.klaviyo
    if klaviyo.base_url.startswith("http://") and not is_loopback(klaviyo.base_url):
        warn(
            f"klaviyo.base_url: {klaviyo.base_url} is not encrypted: use https://, or http:// for a local sandbox only"
        )
    if not klaviyo.verify:
        warn("klaviyo.verify = false: the server's certificate is not checked; use it for a test server only")


def _has_written_key(data: Mapping[str, Any]) -> bool:
    section = data.get("klaviyo")
    keys = [section.get(name) for name in ("private_api_key", "access_token")] if isinstance(section, Mapping) else []
    return any(isinstance(key, str) and bool(key) and REFERENCE.search(key) is None for key in keys)


def _keys_of(environ: Mapping[str, str]) -> dict[str, Any]:
    return {key: environ[variable] for key, variable in KEYS.items() if environ.get(variable)}


def _put_placeholders(data: dict[str, Any], *, is_bare: bool) -> bool:
    """Insert placeholders for keys whose variables are not set; return whether there was one."""
    section = data.get("klaviyo")
    if is_bare and not section:
        data["klaviyo"] = dict(PLACEHOLDERS)
        return True
    if not isinstance(section, dict):
        return False
    unset = [key for key in KEYS if _is_unset(section.get(key))]
    section.update({key: PLACEHOLDERS.get(key, TOKEN_PLACEHOLDER) for key in unset})
    return bool(unset)


def _placeholders_beside(section: Mapping[str, Any]) -> dict[str, str]:
    """Return the placeholders for a section: without the private key where an access token stands in for it."""
    is_needless = "private_api_key" if "access_token" in section else ""
    return {name: value for name, value in PLACEHOLDERS.items() if name != is_needless}


def _is_unset(value: Any) -> bool:
    found = REFERENCE.finditer(value) if isinstance(value, str) else ()
    return any(match[2] and match[1] and match[1] not in os.environ for match in found)


def _choose(data: dict[str, Any], choice: Choice, vendor: str | None, plugins: Plugins, file: Path | None) -> str:
    """Insert the name of the vendor into the data and return it; raises `ConfigError` where there is none."""
    if vendor is not None:
        data["vendor"] = vendor
    if data.get("vendor") is not None:
        return str(data["vendor"])
    if file is None and choice.option is None:
        raise ConfigError(f"no {CONFIG_FILE} in this folder: write one with klavier init, or pass --config FILE")
    remedy = "" if choice.option is None else f"pass {choice.option} NAME or "
    here = ", ".join(sorted(plugins.vendors))
    unset = f"no vendor: {remedy}set it in {CONFIG_FILE if file is None else file} (installed: {here})"
    problem = unset if here else NO_VENDOR
    raise ConfigError([problem, *(f"{file}: {fault}" for fault in unknown_keys(data))])


def _placed(error: ConfigError, file: Path | None, given: SettingsFile | None, name: str) -> ConfigError:
    """Return the error with the name of the file before each problem."""
    inner = f"vendors.{name}"
    lines = []
    for problem in error.problems:
        if given is not None and problem.startswith(inner):
            lines.append(f"{given.path}: {problem if given.is_whole else problem.removeprefix(inner).lstrip('.: ')}")
        elif given is not None and given.is_whole and file is None:
            lines.append(f"{given.path}: {problem}")
        else:
            lines.append(problem if file is None else f"{file}: {problem}")
    return ConfigError(lines)
