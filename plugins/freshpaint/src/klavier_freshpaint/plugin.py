"""What this package registers with klavier."""

from typing import TYPE_CHECKING

from klavier import VendorSpec, hookimpl
from klavier_freshpaint.settings import Settings
from klavier_freshpaint.vendor import NAME, build

if TYPE_CHECKING:
    from klavier.migration import Portable


@hookimpl
def klavier_vendors() -> list[VendorSpec]:
    """Register Freshpaint."""
    return [
        VendorSpec(
            name=NAME,
            summary="Freshpaint's Klaviyo destination: identify and track, HIPAA mode, several accounts by property",
            settings=Settings,
            build=build,
            portable=portable,
        )
    ]


def portable() -> "Portable":
    """Return the settings in the vocabulary of migrations."""
    from klavier_freshpaint.tables.portable import PORTABLE  # noqa: PLC0415 -- only migrations need it

    return PORTABLE
