"""Read a configuration strictly: every mistake is collected, each with its path and what to do about it."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import evolve

from klavier.config.console import ConsoleSection
from klavier.config.environment import substitute
from klavier.config.gateway import GatewaySection
from klavier.config.local_plugin import discover_with_local, is_allowed
from klavier.config.location import CONFIG_FILE, CONFIG_VARIABLE
from klavier.config.model import Config, DeliverySection, KlaviyoSection, PluginsSection, build
from klavier.config.shadow import ShadowSection
from klavier.config.toml import read_toml
from klavier.errors import ConfigError, EventError, PluginError
from klavier.plugins import Plugins, installed_plugins
from klavier.redaction import redact_secrets
from klavier.settings import structure
from klavier.strictjson import find_fault, kind_of

Source = str | os.PathLike[str] | Mapping[str, Any] | Config | None
"""What a configuration is read from: a file's path, plain data with the same content, or one that was read before."""

SECTIONS: Final = {
    "klaviyo": KlaviyoSection,
    "delivery": DeliverySection,
    "gateway": GatewaySection,
    "console": ConsoleSection,
    "shadow": ShadowSection,
    "plugins": PluginsSection,
}
_KEYS: Final = ("vendor", *SECTIONS, "vendors")


def load_config(
    source: Source = None,
    *,
    vendor: str | None = None,
    environ: Mapping[str, str] | None = None,
    plugins: Plugins | None = None,
) -> Config:
    """Read a configuration.

    `source` is the path of a TOML file, a mapping with the same content, or a `Config`, which is returned with another
    vendor where one is passed.  Without a source it is the file that `KLAVIER_CONFIG` names, else `klavier.toml`.
    `vendor` overrides the configuration's own.  `environ` is where `${NAME}` and `KLAVIER_CONFIG` are looked up, by
    default the process environment.  `plugins` are the known plugins: by default the installed ones and, where it is
    present, a file `klavier_plugin.py` beside the configuration file.

    Raises `ConfigError` with one line for each mistake: a file that cannot be read, a variable that is not set, an
    unknown or misspelled key, a value of the wrong kind, a vendor that is not installed, a plugin that cannot be loaded
    and is not optional.  Sections of vendors that are not the chosen one are checked as well.
    """
    environ = os.environ if environ is None else environ
    if isinstance(source, Config):
        return source if vendor is None else evolve(source, vendor=source.known_plugins().vendor(vendor).name)
    folder = Path()
    if isinstance(source, Mapping):
        data = dict(source)
        known = installed_plugins() if plugins is None else plugins
    elif source is not None and not isinstance(source, str | os.PathLike):
        raise ConfigError(f"config: must be the path of a file, a mapping or a klavier.Config, not {kind_of(source)}")
    else:
        file = Path(environ.get(CONFIG_VARIABLE) or CONFIG_FILE if source is None else source)
        data, folder = read_toml(file), file.parent
        known = discover_with_local(folder, allowed=is_allowed(data, environ)) if plugins is None else plugins
    if vendor is not None:
        data["vendor"] = vendor
    return check(data, environ, known, folder)


def check(
    data: Mapping[str, Any],
    environ: Mapping[str, str],
    plugins: Plugins,
    folder: Path,
    *,
    needs_plugins: bool = True,
) -> Config:
    """Check plain data with the content of `klavier.toml`; raises `ConfigError` with one line for each mistake.

    Relative paths in it start in `folder`.  With `needs_plugins` a broken plugin that is not optional is a mistake:
    nobody knows which events it would have changed or dropped.
    """
    problems: list[str] = _address_problems(data)
    data = substitute(dict(data), environ, problems)
    # A value whose variable is missing stays as written, so that it is not called wrong a second time.
    problems.extend(unknown_keys(data))
    name = _chosen(data, plugins, problems)
    klaviyo = _section(data, "klaviyo", KlaviyoSection, problems)
    if klaviyo.private_api_key is not None and klaviyo.access_token is not None:
        problems.append("klaviyo.access_token: stands in for private_api_key; remove one of them")
    delivery = _section(data, "delivery", DeliverySection, problems)
    gateway = _section(data, "gateway", GatewaySection, problems)
    console = _section(data, "console", ConsoleSection, problems)
    shadow = _section(data, "shadow", ShadowSection, problems)
    optional = _section(data, "plugins", PluginsSection, problems).optional
    if needs_plugins:
        problems.extend(_plugin_problems(plugins, optional))
    vendors = _vendors(data, name, klaviyo, plugins, problems)
    problems.extend(_shadow_problems(shadow, vendors, klaviyo, plugins))
    if problems:
        raise ConfigError([redact_secrets(problem) for problem in dict.fromkeys(problems)])
    config = Config(
        vendor=name,
        klaviyo=klaviyo,
        vendors=vendors,
        delivery=delivery,
        gateway=gateway,
        console=console,
        shadow=shadow,
        plugins=plugins,
        folder=folder,
    )
    if delivery.backfill or delivery.consent_import:
        config.build_vendor()  # raises where its wire has neither
    return config


def _plugin_problems(plugins: Plugins, optional: Sequence[str]) -> list[str]:
    return [
        f"plugins: {plugin.name} cannot be loaded: {plugin.reason}; fix or uninstall it, or allow events to be sent "
        f'without it: [plugins] optional = ["{plugin.name}"]'
        for plugin in plugins.broken
        if plugin.name not in optional
    ]


def _address_problems(data: Mapping[str, Any]) -> list[str]:
    """Refuse a variable in the address: whoever sets the variable would get the key and the personal data."""
    section = data.get("klaviyo")
    address = section.get("base_url") if isinstance(section, Mapping) else None
    if isinstance(address, str) and "${" in address:
        return ["klaviyo.base_url: must not contain a variable; write the address, such as https://a.klaviyo.com"]
    return []


def unknown_keys(data: Mapping[str, Any]) -> list[str]:
    """Return one problem for each key at the top of a configuration that it does not have."""
    return [f"{key}: unknown key{_remedy(key)}" for key in data if key not in _KEYS]


def _remedy(key: str) -> str:
    for section, its_class in SECTIONS.items():
        if key in {attribute.name for attribute in attrs.fields(its_class)}:
            return f"; it belongs in [{section}]"
    close = difflib.get_close_matches(str(key), _KEYS, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(_KEYS)}"


def _chosen(data: Mapping[str, Any], plugins: Plugins, problems: list[str]) -> str:
    """Return the name of the chosen vendor, empty where it is missing or unknown."""
    name = data.get("vendor")
    if name is None:
        problems.append(f'vendor: required; write vendor = "{_example(plugins)}" at the top of the file')
    elif not isinstance(name, str):
        problems.append(f"vendor: must be a string, not {kind_of(name)}")
    else:
        try:
            return plugins.vendor(name).name
        except ConfigError as error:
            problems.extend(error.problems)
    return ""


def _example(plugins: Plugins) -> str:
    return min(plugins.vendors, default="rudderstack")


def _section(data: Mapping[str, Any], name: str, its_class: type[Any], problems: list[str]) -> Any:
    """Structure one section; its defaults stand in for one that is wrong."""
    try:
        return structure(its_class, data.get(name, {}), name)
    except ConfigError as error:
        problems.extend(error.problems)
        return its_class()


def _vendors(
    data: Mapping[str, Any], chosen: str, klaviyo: KlaviyoSection, plugins: Plugins, problems: list[str]
) -> dict[str, dict[str, Any]]:
    """Check the section of each vendor, and the chosen one also without a section."""
    sections = data.get("vendors", {})
    if not isinstance(sections, dict):
        problems.append(f"vendors: must be a table such as [vendors.{_example(plugins)}], not {kind_of(sections)}")
        return {}
    for name in dict.fromkeys([*sections, *([chosen] if chosen else [])]):
        problems.extend(_vendor_problems(name, sections.get(name, {}), klaviyo, plugins))
    return sections


def _shadow_problems(
    shadow: ShadowSection, vendors: Mapping[str, Any], klaviyo: KlaviyoSection, plugins: Plugins
) -> list[str]:
    if shadow.vendor is None:
        return ["shadow.vendor: required in [shadow]; name the vendor to compare with"] if shadow.settings else []
    try:
        plugins.vendor(shadow.vendor)
    except ConfigError as error:
        return [f"shadow.{problem}" for problem in error.problems]
    section = vendors.get(shadow.vendor, {})
    if not isinstance(section, dict):
        return []  # reported already, under its own name
    found = _vendor_problems(shadow.vendor, {**section, **shadow.settings}, klaviyo, plugins)
    place = f"vendors.{shadow.vendor}"
    return [f"shadow.settings{problem.removeprefix(place)}" for problem in found]


def _vendor_problems(name: str, settings: Any, klaviyo: KlaviyoSection, plugins: Plugins) -> list[str]:
    place = f"vendors.{name}"
    if not isinstance(settings, dict):
        return [f"{place}: must be a table, not {kind_of(settings)}"]
    try:
        plugins.vendor(name)
    except ConfigError as error:
        return [f"{place}: {problem.removeprefix('vendor: ')}" for problem in error.problems]
    try:
        find_fault(settings, place)
        build(plugins, name, settings, klaviyo)
    except ConfigError as error:
        return [problem if problem.startswith(place) else f"{place}: {problem}" for problem in error.problems]
    except (EventError, PluginError) as error:
        return [str(error)]
    return []
