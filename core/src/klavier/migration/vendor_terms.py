"""Call the migration code of a vendor's plugin, whatever it raises."""

from collections.abc import Callable
from typing import TypeVar

from klavier.errors import KlavierError, PluginError
from klavier.migration.portable import Portable
from klavier.vendor import VendorSpec

_Answer = TypeVar("_Answer")


def ask_vendor(spec: VendorSpec, ask: Callable[[Portable], _Answer]) -> _Answer:
    """Call `ask` with the vendor's `Portable`; raises `PluginError` where the vendor has none, or it fails."""
    if spec.portable is None:
        raise PluginError(f"vendor {spec.name}: does not support migrations")
    try:
        return ask(spec.portable())
    except KlavierError:
        raise
    except Exception as error:
        raise PluginError(f"vendor {spec.name}: its migration code raised {type(error).__name__}") from error
