"""A configuration that was read on the driver and can travel to the tasks."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from klavier.config.load import load_config
from klavier.config.model import Config
from klavier.config.toml import read_toml
from klavier.errors import UsageError
from klavier.strictjson import kind_of

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@frozen
class Configuration:
    """The content of a `klavier.toml`, and the environment variables that it names as the driver has them."""

    data: Mapping[str, Any] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    def load(self) -> Config:
        """Return the configuration, as a task needs it."""
        return load_config(self.data, environ=self.environ)


def read_configuration(source: "Mapping[str, Any] | str | os.PathLike[str]") -> Configuration:
    """Read a configuration; raises `ConfigError` for what is wrong in it, and `UsageError` for what is none."""
    if isinstance(source, Mapping):
        data: Mapping[str, Any] = dict(source)
    elif isinstance(source, str | os.PathLike):
        data = read_toml(Path(source))
    else:
        raise UsageError(f"config: must be the path of a klavier.toml or a mapping, not {kind_of(source)}")
    names = set(_REFERENCE.findall(repr(data)))
    found = Configuration(data, {name: os.environ[name] for name in names if name in os.environ})
    found.load()
    return found
