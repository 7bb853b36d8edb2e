"""The location of the configuration."""

import os
from pathlib import Path

CONFIG_FILE = "klavier.toml"
"""The configuration file in the working directory, where none is named."""

CONFIG_VARIABLE = "KLAVIER_CONFIG"
"""The environment variable that names the configuration file, where the program names none."""


def find_config(named: Path | None = None) -> Path | None:
    """Return the configuration file: the named one, else the environment's, else `klavier.toml` if it is present."""
    if named is not None:
        return named
    if os.environ.get(CONFIG_VARIABLE):
        return Path(os.environ[CONFIG_VARIABLE])
    here = Path(CONFIG_FILE)
    return here if here.is_file() else None
