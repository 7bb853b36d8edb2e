"""What this package registers with klavier."""

from klavier import VendorSpec, hookimpl
from klavier_freshpaint.settings import Settings
from klavier_freshpaint.vendor import NAME, build


@hookimpl
def klavier_vendors() -> list[VendorSpec]:
    """Register Freshpaint."""
    return [
        VendorSpec(
            name=NAME,
            summary="Freshpaint's Klaviyo destination: identify and track, HIPAA mode, several accounts by property",
            settings=Settings,
            build=build,
        )
    ]
