"""The installed package that a vendor comes from."""

from importlib.metadata import entry_points

from attrs import frozen

from klavier.hookspecs import PROJECT
from klavier.vendor import VendorSpec


@frozen
class Origin:
    """The installed package that a vendor comes from; both are empty for a plugin file."""

    distribution: str = ""
    version: str = ""


def origin_of(spec: VendorSpec) -> Origin:
    """Return the distribution of a vendor, found by the package that defines its settings."""
    package = spec.settings.__module__.partition(".")[0]
    for point in entry_points(group=PROJECT):
        if point.module.partition(".")[0] == package and point.dist is not None:
            return Origin(point.dist.name, point.dist.version)
    return Origin()
