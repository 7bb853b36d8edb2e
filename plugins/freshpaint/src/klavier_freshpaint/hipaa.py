"""HIPAA mode: which properties may be sent, and ids that identify nobody outside.

Source: Freshpaint's HIPAA mode: properties outside the allowlists are removed, ids are masked unless that is off.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from klavier.events.model import JsonObject
from klavier.jsvalues import to_string
from klavier_freshpaint.settings import Settings

NOT_ALLOWED = "is not among allowed_properties"


class Guard:
    """What a destination may send; without HIPAA mode everything."""

    def __init__(self, settings: Settings) -> None:
        self._is_on = settings.hipaa_mode
        self._allowed = frozenset(settings.allowed_properties)
        self._secret = settings.mask_secret.encode() if settings.hipaa_mode and settings.mask_ids else b""

    def filter(self, members: Mapping[str, Any], place: str, notes: list[str]) -> JsonObject:
        """Return the members that may be sent; each other one becomes a note with its name."""
        if not self._is_on:
            return dict(members)
        notes.extend(f"{place}.{name} left out: it {NOT_ALLOWED}" for name in members if name not in self._allowed)
        return {name: value for name, value in members.items() if name in self._allowed}

    def mask(self, identifier: Any) -> Any:
        """Return an id as it may be sent: the same id always becomes the same hash."""
        if not self._secret:
            return identifier
        return hmac.new(self._secret, to_string(identifier).encode(), hashlib.sha256).hexdigest()
