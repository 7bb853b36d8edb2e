"""What decides how events are translated: settings, version, fidelity and wire, looked up once."""

from attrs import frozen

from klavier.klaviyo.revisions import CURRENT
from klavier_rudderstack.points import POINTS, Points
from klavier_rudderstack.settings import RudderStackSettings
from klavier_rudderstack.versions import VERSIONS, Version


@frozen
class Mode:
    """Settings with the tables they select."""

    settings: RudderStackSettings
    version: Version
    points: Points
    exact: bool
    """Whether values are sent to the letter, even where Klaviyo refuses them."""
    current: bool
    """Whether Klaviyo's newest revision is spoken."""
    legacy: bool
    """Whether the shapes of 2023-02-22 are spoken, which later revisions no longer know."""
    revision: str


def mode_of(settings: RudderStackSettings) -> Mode:
    """Look up what settings select."""
    version = VERSIONS[settings.api_version]
    current = settings.wire == "current"
    return Mode(
        settings=settings,
        version=version,
        points=POINTS[settings.fidelity],
        exact=settings.fidelity == "deployed" and not current,
        current=current,
        legacy=not current and not version.imports,
        revision=CURRENT if current else version.revision,
    )
