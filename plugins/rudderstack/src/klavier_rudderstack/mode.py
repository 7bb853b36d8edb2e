"""What selects how events are translated: settings, version, fidelity and wire, resolved once per vendor."""

from attrs import frozen

from klavier.klaviyo.revisions import CURRENT
from klavier_rudderstack.fidelity import FIDELITIES, Fidelity
from klavier_rudderstack.settings import Settings
from klavier_rudderstack.tables.versions import VERSIONS, Version


@frozen
class Mode:
    """Settings with the tables that they select."""

    settings: Settings
    version: Version
    fidelity: Fidelity
    exact: bool
    """Whether values are sent unchanged, even where Klaviyo refuses them: deployed fidelity on the native wire."""
    current: bool
    """Whether requests are made for Klaviyo's newest revision."""
    legacy: bool
    """Whether requests have the document shapes of revision 2023-02-22, which later revisions no longer accept."""
    revision: str


def resolve_mode(settings: Settings) -> Mode:
    """Resolve what settings select."""
    version = VERSIONS[settings.api_version]
    current = settings.wire == "current"
    fidelity = FIDELITIES[settings.fidelity]
    return Mode(
        settings=settings,
        version=version,
        fidelity=fidelity,
        exact=fidelity.sends_unchanged and not current,
        current=current,
        legacy=not current and not version.imports,
        revision=CURRENT if current else version.revision,
    )
