"""From a vendor's name and plain settings to a vendor."""

from collections.abc import Mapping
from typing import Any

from klavier.errors import ConfigError
from klavier.plugins import Plugins, installed_plugins
from klavier.settings import structure
from klavier.vendor import Vendor


def load_vendor(name: str, settings: Mapping[str, Any] | None = None, *, plugins: Plugins | None = None) -> Vendor:
    """Bind an installed vendor to settings, given as plain data with the vendor's own names in snake_case.

    Raises `ConfigError`: an unknown vendor (it says which are installed), or every wrong setting with its path.
    """
    if not isinstance(name, str):
        raise ConfigError("vendor: must be the name of a vendor, such as 'rudderstack'")
    spec = (installed_plugins() if plugins is None else plugins).vendor(name)
    return spec.build(structure(spec.settings, {} if settings is None else settings))
