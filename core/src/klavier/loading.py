"""From a vendor's name and plain settings to a vendor."""

from collections.abc import Mapping
from typing import Any

from klavier.errors import KlavierError, PluginError
from klavier.plugins import Plugins, installed_plugins
from klavier.settings import structure
from klavier.strictjson import kind_of
from klavier.vendor import Vendor, VendorSpec


def load_vendor(name: str, settings: Mapping[str, Any] | None = None, *, plugins: Plugins | None = None) -> Vendor:
    """Bind an installed vendor to settings, given as plain data with the vendor's own names in snake_case.

    Raises `ConfigError`: an unknown vendor (it says which are installed), or every wrong setting with its path.
    Raises `PluginError` where the vendor's plugin cannot build it.
    """
    spec = (installed_plugins() if plugins is None else plugins).vendor(name)
    return bind(spec, structure(spec.settings, {} if settings is None else settings))


def bind(spec: VendorSpec, settings: Any) -> Vendor:
    """Build a vendor of its structured settings; raises `PluginError` where its plugin breaks the contract."""
    try:
        vendor = spec.build(settings)
    except KlavierError:
        raise
    except Exception as error:
        # A foreign message may quote a setting: only its kind is shown.
        raise PluginError(f"vendor {spec.name}: building it raised {type(error).__name__}") from error
    if not isinstance(vendor, Vendor):
        raise PluginError(f"vendor {spec.name}: building it returned {kind_of(vendor)}, not a Vendor")
    return vendor
