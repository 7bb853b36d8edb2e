"""Read a TOML or JSON file into plain data, or say where it is wrong."""

import tomllib
from pathlib import Path
from typing import Any

from klavier.errors import ConfigError, EventError
from klavier.strictjson import kind_of, read_text

_LARGEST = 10_000_000
"""Bytes of a configuration; anything larger is some other file."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; raises `ConfigError` that names the file, the place and the remedy."""
    return parse_toml(_text(path), path)


def parse_toml(text: str, path: Path | str) -> dict[str, Any]:
    """Read the text of a TOML file; raises `ConfigError` that names the file and the place."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f'{path}: not TOML: {error}; write NAME = "TEXT", each name once in its table') from None
    except (RecursionError, ValueError):  # nested without end, or an integer of thousands of digits
        raise ConfigError(f"{path}: not a configuration: nested too deep, or a number too long") from None


def read_table(path: Path) -> dict[str, Any]:
    """Read a file of settings: JSON where its name ends in `.json`, else TOML."""
    if path.suffix.lower() != ".json":
        return read_toml(path)
    try:
        value = read_text(_text(path))
    except EventError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: must hold one JSON object of settings, not {kind_of(value)}")
    return value


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such file; check the path, or write a configuration: klavier init"
        ) from None
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder; pass the path of a file") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "the path cannot be used"
        raise ConfigError(f"{path}: cannot be read: {why}") from None
    if len(content) > _LARGEST:
        raise ConfigError(f"{path}: larger than {_LARGEST} bytes; this is no configuration")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}: not UTF-8 text in line {line}; save it as UTF-8") from None
