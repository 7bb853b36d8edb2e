"""Segment Actions for migrations: reader and writer as one object."""

from typing import Any

import cattrs

from klavier.migration import Reading, Written
from klavier_segment_actions.fidelity import FIDELITIES
from klavier_segment_actions.portable.lists import SUBSCRIBING
from klavier_segment_actions.portable.reading import read_mappings
from klavier_segment_actions.portable.writing import write
from klavier_segment_actions.settings import MappingSettings, Settings
from klavier_segment_actions.tables.portable import BY_NATURE, WITH, WITH_SUBSCRIPTIONS
from klavier_segment_actions.tables.presets import PRESETS

_OWN_TERMS = {"wire": ("wire",), "fidelity": ("fidelity",), "list_id": ("audience_list",)}
_NOT_MAPPED = {*BY_NATURE, "wire", "fidelity", "audience_list"}


class PortableMappings:
    """Reads the mappings of settings, or those of their preset, and writes mappings."""

    def read(self, settings: Settings) -> Reading:
        """Return what the mappings do, in the vocabulary of migrations."""
        fidelity = FIDELITIES[settings.fidelity]
        mappings = settings.mappings or tuple(
            cattrs.structure(row, MappingSettings) for row in PRESETS[settings.preset]
        )
        found = dict(BY_NATURE) | {"wire": settings.wire, "fidelity": settings.fidelity}
        found |= read_mappings(
            mappings, remove_trigger=fidelity.remove_profile_trigger, profile_default=fidelity.profile_default
        )
        for term, more in WITH.items():
            if found.get(term):
                found |= more
        if set(SUBSCRIBING) & set((found.get("joins") or {}).values()):
            found |= WITH_SUBSCRIPTIONS
        if found.get("audiences") and settings.list_id:
            found["audience_list"] = settings.list_id
        return found

    def write(self, wanted: Reading) -> Written:
        """Return the mappings that come closest to the terms."""
        return write(wanted)

    def decides(self, settings: Settings, setting: str) -> frozenset[str] | None:
        """Return the terms that depend on a setting: nearly all depend on the mappings, or on their preset."""
        if setting in _OWN_TERMS:
            found = self.read(settings)
            return frozenset(term for term in _OWN_TERMS[setting] if term in found)
        if setting == "preset" and settings.mappings:
            return frozenset()
        return frozenset(name for name in self.read(settings) if name not in _NOT_MAPPED)

    def needs(self, settings: Any) -> frozenset[str]:  # noqa: ARG002 -- whatever is set
        """Return the private key, which every configuration needs."""
        return frozenset({"private_api_key"})


PORTABLE = PortableMappings()
