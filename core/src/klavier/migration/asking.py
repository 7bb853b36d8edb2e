"""Asking a vendor for its words, whatever its plugin does."""

from collections.abc import Callable
from typing import TypeVar

from klavier.errors import KlavierError, PluginError
from klavier.migration.portable import Portable
from klavier.vendor import VendorSpec

_Answer = TypeVar("_Answer")


def asked_of(spec: VendorSpec, ask: Callable[[Portable], _Answer]) -> _Answer:
    """Ask a vendor that has words for migrations; raises `PluginError` where they break the contract."""
    if spec.portable is None:
        raise PluginError(f"vendor {spec.name}: brings no words for migrations")
    try:
        return ask(spec.portable())
    except KlavierError:
        raise
    except Exception as error:
        raise PluginError(f"vendor {spec.name}: its words for migrations raised {type(error).__name__}") from error
