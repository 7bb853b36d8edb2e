"""For authors of plugins and for tests: strategies, invariants, conformance.

Needs the extra `testing`; where it is missing, the first use of a name raises an error with the remedy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from klavier.testing import corpus, invariants, strategies
    from klavier.testing.conformance import VendorConformance
    from klavier.testing.hostile import hostile_sandbox
    from klavier.testing.outbox import OutboxConformance
    from klavier.testing.schemas import Schemas

__all__ = ["OutboxConformance", "Schemas", "VendorConformance", "corpus", "hostile_sandbox", "invariants", "strategies"]

_HOMES = {
    "OutboxConformance": "klavier.testing.outbox",
    "VendorConformance": "klavier.testing.conformance",
    "Schemas": "klavier.testing.schemas",
    "hostile_sandbox": "klavier.testing.hostile",
}


def __getattr__(name: str) -> Any:
    """Import on first use: pytest loads this package for its fixtures, also where hypothesis is not installed."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in __all__:
        return import_module(f"klavier.testing.{name}")
    raise AttributeError(f"module 'klavier.testing' has no attribute {name!r}")
