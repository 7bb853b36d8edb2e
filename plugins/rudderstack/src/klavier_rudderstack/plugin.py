"""What this package registers with klavier."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from klavier import VendorSpec, hookimpl
from klavier_rudderstack.settings import Settings
from klavier_rudderstack.tables.retry import RETRY
from klavier_rudderstack.vendor import RudderStack

if TYPE_CHECKING:
    from klavier.migration import Portable


@hookimpl
def klavier_vendors() -> Iterable[VendorSpec]:
    """Register RudderStack."""
    return [
        VendorSpec(
            "rudderstack",
            "RudderStack's Klaviyo destination, v1 to v3, cloud and device mode",
            Settings,
            RudderStack,
            RETRY,
            portable,
        ),
    ]


def portable() -> "Portable":
    """Return the table that translates the settings for `klavier migrate`."""
    from klavier_rudderstack.tables.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE
