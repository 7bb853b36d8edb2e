"""The vendor's settings."""

from typing import Any, Literal

from attrs import Factory, frozen

from klavier.settings import setting
from klavier.vendor import FidelityName, Wire

MOST_MAPPINGS = 50
"""Segment's limit of mappings per destination."""

ActionName = Literal[
    "trackEvent",
    "orderCompleted",
    "upsertProfile",
    "addProfileToList",
    "removeProfileFromList",
    "removeProfile",
    "subscribeProfile",
    "unsubscribeProfile",
]


@frozen(kw_only=True)
class MappingSettings:
    """One mapping: which events trigger which action, with which fields."""

    action: ActionName = setting(doc="The action that the mapping triggers.")
    trigger: str | None = setting(
        None,
        doc='The events it matches, such as `type = "track"`; `""` matches all; without it the action\'s default.',
    )
    fields: dict[str, Any] = setting(
        Factory(dict), doc="Mappings of the action's fields; other fields keep the action's defaults."
    )
    enabled: bool = setting(default=True, doc="Whether the mapping is enabled.")
    connected_list_id: str | None = setting(
        None, doc="The list that the mapping is connected to (upsertProfile); it overrides all other lists."
    )


def _check_count(mappings: tuple[MappingSettings, ...]) -> None:
    if len(mappings) > MOST_MAPPINGS:
        raise ValueError(f"at most {MOST_MAPPINGS} mappings, not {len(mappings)}; remove some")


@frozen(kw_only=True)
class Settings:
    """Settings of Segment's Klaviyo (Actions) destination."""

    api_key: str = setting(doc="Klaviyo's private API key.", klaviyo="private_api_key", secret=True)
    mappings: tuple[MappingSettings, ...] = setting(
        (), doc="The mappings, in order; without any, those of `preset` are used.", validator=_check_count
    )
    preset: Literal["default", "classic-migration", "linked-audiences", "journeys", "none"] = setting(
        "default",
        doc="The mappings used without `mappings`: klavier's own, or those that Segment creates.",
    )
    list_id: str | None = setting(
        None, doc="The list of Engage audiences whose events contain none (the audience setting List Id)."
    )
    fidelity: FidelityName = setting(
        "documented", doc="Documented behavior, or the behavior observed of Segment's implementation."
    )
    wire: Wire = setting("current", doc="Klaviyo's newest revision, or the one that Segment uses (2025-01-15).")
