"""What this package registers with klavier."""

from collections.abc import Iterable

from klavier import VendorSpec, hookimpl
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.tables.retry import RETRY
from klavier_rudderstack.vendor import RudderStack


@hookimpl
def klavier_vendors() -> Iterable[VendorSpec]:
    """Register RudderStack."""
    return [
        VendorSpec(
            "rudderstack",
            "RudderStack's Klaviyo destination, v1 to v3, cloud and device mode",
            RudderStackSettings,
            RudderStack,
            RETRY,
        )
    ]
