"""Where the configuration is."""

import os
from pathlib import Path

from klavier.config.location import CONFIG_FILE, CONFIG_VARIABLE


def find_config(given: Path | None = None) -> Path | None:
    """Give the configuration file: the one named by option or environment, else `klavier.toml` if it is here."""
    named = os.environ.get(CONFIG_VARIABLE)
    if given is not None or named:
        return given or Path(str(named))
    here = Path(CONFIG_FILE)
    return here if here.is_file() else None
