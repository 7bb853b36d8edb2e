"""The configuration as the console shows it: every setting with its value, secrets masked."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import attrs
import orjson
from attrs import frozen

from klavier.config.model import Config
from klavier.config.secrets import secret_values
from klavier.config.shadow import ShadowSection
from klavier.errors import KlavierError
from klavier.redaction import hide_secrets
from klavier.settings import describe

_HIDDEN = "set, hidden"


@frozen
class Row:
    """One setting: its name, its value as text, and whether it differs from the default."""

    name: str
    value: str
    is_own: bool
    doc: str = ""


@frozen
class Section:
    """One section of the configuration."""

    title: str
    rows: tuple[Row, ...]


@frozen
class ShownVendor:
    """An installed vendor: its name, what it is, and whether its events are delivered."""

    name: str
    summary: str
    is_chosen: bool


def sections(config: Config) -> list[Section]:
    """Return the sections of a configuration and of the chosen vendor, without a secret."""
    named: list[tuple[str, Any]] = [("[klaviyo]", config.klaviyo)]
    try:
        vendor = config.build_vendor()
    except KlavierError:  # a console is shown for a configuration that was checked; a plugin may still fail
        secrets = secret_values(config)
    else:
        secrets = secret_values(config, vendor)
        named.append((f"[vendors.{vendor.name}]", vendor.settings))
    named += [("[delivery]", config.delivery), ("[gateway]", config.gateway), ("[console]", config.console)]
    named += [(f"[gateway.sources.{name}]", source) for name, source in config.gateway.sources.items()]
    if config.shadow.vendor is not None:
        named.append(("[shadow]", config.shadow))
    return [Section(title, tuple(_rows(section, secrets))) for title, section in named if attrs.has(type(section))]


def vendors(config: Config) -> list[ShownVendor]:
    """Return the installed vendors, the chosen one first."""
    found = [
        ShownVendor(name, spec.summary, name == config.vendor) for name, spec in config.known_plugins().vendors.items()
    ]
    return sorted(found, key=lambda vendor: (not vendor.is_chosen, vendor.name))


def _rows(section: Any, secrets: frozenset[str]) -> Iterator[Row]:
    for info in describe(type(section)):
        value = getattr(section, info.name)
        if isinstance(section, ShadowSection) and info.name == "settings":
            continue  # of another vendor, which alone knows the secrets among them
        if any(attrs.has(type(item)) for item in (value.values() if isinstance(value, Mapping) else ())):
            continue  # a table of sections, each of which is shown by itself
        default = info.default.factory() if isinstance(info.default, attrs.Factory) else info.default  # type: ignore[arg-type]  # attrs.Factory is a function to mypy
        shown = _HIDDEN if info.secret and value else _write(hide_secrets(value, secrets))
        yield Row(info.name, shown, is_own=value != default, doc=info.doc)


def _write(value: Any) -> str:
    if value is None or value in ((), {}):
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return _without_password(value)
    if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_plain).decode() if _is_nested(value) else str(value)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (list, tuple, Mapping)) or attrs.has(type(value))


def _plain(value: Any) -> Any:
    return attrs.asdict(value) if attrs.has(type(value)) else str(value)


def _without_password(text: str) -> str:
    """Return a URL, such as that of an outbox, without its password."""
    if "://" not in text:
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return text
    if parts.password is None:
        return text
    return urlunsplit(parts._replace(netloc=f"{parts.username}:(secret)@{parts.netloc.rpartition('@')[2]}"))
