"""The secret values of a configuration, which no output may contain."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from klavier.settings import describe

if TYPE_CHECKING:
    from klavier.config.model import Config
    from klavier.vendor import Vendor

_SHORTEST = 4
"""Characters: shorter strings are no keys, and hiding them would hide most of every event."""


def secret_values(config: "Config", *vendors: "Vendor") -> frozenset[str]:
    """Return the secrets of a configuration's sections and of the settings of some vendors."""
    found = {vendor_key for vendor in vendors for vendor_key in _secrets_in(vendor.settings)}
    found |= {key for vendor in vendors if (key := config.keys_for(vendor)["private_api_key"]) is not None}
    for section in (config.klaviyo, config.gateway, config.console, *config.gateway.sources.values()):
        found.update(_secrets_in(section))
    return frozenset(value for value in found if len(value) >= _SHORTEST)


def _secrets_in(settings: Any) -> Iterator[str]:
    if not attrs.has(type(settings)):
        return
    for info in describe(type(settings)):
        value = getattr(settings, info.name) if info.secret else None
        yield from (item for item in (value if isinstance(value, (list, tuple)) else (value,)) if isinstance(item, str))
