"""The text of a first `klavier.toml`: what is set, and beside it what can be set, as comments."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import tomlkit
from attrs import field, frozen

from klavier.config.json_schema import SCHEMA_COMMENT
from klavier.settings import SettingInfo, describe

if TYPE_CHECKING:
    from klavier.vendor import VendorSpec

Source = Literal["files", "program", "sdk"]
"""Where events come from."""


@frozen
class FirstConfig:
    """What the file is to say."""

    spec: "VendorSpec"
    source: Source
    key_variable: str
    """The environment variable that holds the private key."""
    public_key: str | None
    settings: Mapping[str, Any] = field(repr=False)
    """Settings of the vendor that are set."""
    write_key: str | None = field(default=None, repr=False)
    """The key of the first sender over HTTP."""
    base_url: str | None = None
    """Where Klaviyo answers, if it is not Klaviyo itself."""
    archive: str | None = None
    """The folder for events that come over HTTP."""


def write_config(config: FirstConfig) -> str:
    """Return the text of the file."""
    return "\n".join([*_head(config), *_klaviyo(config), *_vendor(config), *_source(config)]) + "\n"


def _head(config: FirstConfig) -> Iterator[str]:
    yield SCHEMA_COMMENT
    yield "# Check this file: klavier doctor.  ${NAME} stands for an environment variable."
    yield ""
    yield f"vendor = {_toml(config.spec.name)}  # whose requests are sent; klavier vendors lists the others"


def _klaviyo(config: FirstConfig) -> Iterator[str]:
    yield "\n[klaviyo]"
    if config.base_url is not None:
        yield f"base_url = {_toml(config.base_url)}  # a sandbox; without this line events go to Klaviyo"
    yield f'private_api_key = "${{{config.key_variable}}}"'
    if config.public_key is None:
        yield '# public_api_key = "AbC123"  # the site id: for what a browser sends, and for legacy calls'
    else:
        yield f"public_api_key = {_toml(config.public_key)}"


def _vendor(config: FirstConfig) -> Iterator[str]:
    yield f"\n[vendors.{config.spec.name}]  # klavier vendors {config.spec.name} describes each setting"
    infos = {info.name: info for info in describe(config.spec.settings)}
    for name, value in config.settings.items():
        yield f"{_toml_key(name)} = {_toml(value)}"
    for name, info in infos.items():
        if name not in config.settings and info.klaviyo is None:
            yield ""
            yield f"# {info.doc}"
            yield f"# {name} = {_example(info)}"


def _example(info: SettingInfo) -> str:
    """Return a setting's default as TOML, or the kind of its value where there is none."""
    if info.default is None or info.required or info.secret or callable(getattr(info.default, "factory", None)):
        return f"...  ({info.type})"
    return _toml(list(info.default) if isinstance(info.default, tuple) else info.default)


def _source(config: FirstConfig) -> Iterator[str]:
    if config.source == "sdk":
        yield "\n[gateway]"
        yield '# allow_origins = ["https://shop.example"]  # whose pages may send events'
        mark, folder = ("# ", "archive") if config.archive is None else ("", config.archive)
        yield f"{mark}archive = {_toml(folder)}  # keep accepted events, to replay or compare them later"
        yield "\n[gateway.sources.web]  # one table for each website, app or server"
        yield f"write_key = {_toml(config.write_key)}"
    if config.source != "files":
        yield "\n[delivery]"
        yield 'outbox = "klavier.db"  # where accepted events are stored until Klaviyo has them'


def _toml(value: Any) -> str:
    return tomlkit.item(value, _sort_keys=False).as_string() if not isinstance(value, dict) else _inline(value)


def _inline(value: Mapping[str, Any]) -> str:
    table = tomlkit.inline_table()
    table.update(value)
    return table.as_string()


def _toml_key(name: str) -> str:
    return tomlkit.key(name).as_string()
