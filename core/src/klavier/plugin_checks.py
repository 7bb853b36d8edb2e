"""What is wrong with what a plugin returns: an event, a changed event, a vendor."""

from collections.abc import Iterable
from typing import Any

import attrs

from klavier.errors import EventError
from klavier.events.model import Event
from klavier.hookspecs import VENDOR_NAME
from klavier.outcome import Outcome
from klavier.strictjson import checked_copy, kind_of
from klavier.vendor import VendorSpec


def fault_of_change(result: Any) -> str:
    """Return what is wrong with the result of a transformation; empty where nothing is."""
    if result is None:
        return ""
    if isinstance(result, Outcome):
        return "returned a delivered outcome for an event that nobody sent" if result.kind == "delivered" else ""
    return fault_of_event(result, "a transformation", "an event, an outcome or None")


def fault_of_event(result: Any, where: str, wanted: str = "an event or None") -> str:
    """Return what is wrong with an event that a plugin made; empty where nothing is."""
    if not isinstance(result, Event):
        return f"returned {kind_of(result)} in {where}, not {wanted}"
    try:
        checked_copy(vars(result))
    except EventError as error:
        return f"returned an event that JSON cannot express: {error}"
    return ""


def fault_of_list(specs: Any) -> str:
    """Return what is wrong with the result of `klavier_vendors`; empty where nothing is."""
    return "" if isinstance(specs, Iterable) else f"klavier_vendors returned {kind_of(specs)}, not a list of VendorSpec"


def fault_of_spec(spec: Any, taken: dict[str, VendorSpec]) -> str:
    """Return what is wrong with what a plugin registers as a vendor; empty where nothing is."""
    if not isinstance(spec, VendorSpec):
        return f"klavier_vendors returned {kind_of(spec)}, not a VendorSpec"
    if not isinstance(spec.name, str) or not VENDOR_NAME.fullmatch(spec.name):
        return "a vendor's name is lower-case words joined by hyphens, such as 'segment-actions'"
    if spec.name in taken:
        return f"vendor {spec.name!r} is registered already; rename one"
    if not isinstance(spec.settings, type) or not attrs.has(spec.settings):
        return f"the settings of vendor {spec.name!r} are no attrs class"
    if spec.portable is not None and not callable(spec.portable):
        return f"the portable of vendor {spec.name!r} cannot be called; pass a function that returns it"
    return "" if callable(spec.build) else f"the build of vendor {spec.name!r} cannot be called"
