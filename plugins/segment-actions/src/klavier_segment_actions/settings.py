"""The settings of the vendor."""

from typing import Any, Literal

from attrs import Factory, frozen

from klavier.settings import setting
from klavier.vendor import FidelityName, Wire

MOST_MAPPINGS = 50
"""How many mappings Segment takes for one destination."""

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
    """One mapping: which events cause which action, with which fields."""

    action: ActionName = setting(doc="The action that the mapping causes.")
    trigger: str | None = setting(
        None,
        doc='Which events it is for, such as `type = "track"`; `""` is every event, none is the action\'s default.',
    )
    fields: dict[str, Any] = setting(
        Factory(dict), doc="Mappings of the action's fields; the others keep the action's defaults."
    )
    enabled: bool = setting(default=True, doc="Whether the mapping is used.")
    connected_list_id: str | None = setting(
        None, doc="The list that the mapping is connected to (upsertProfile); it goes before all other lists."
    )


def _few_enough(mappings: tuple[MappingSettings, ...]) -> None:
    if len(mappings) > MOST_MAPPINGS:
        raise ValueError(f"at most {MOST_MAPPINGS} mappings, not {len(mappings)}; leave some out")


@frozen(kw_only=True)
class SegmentActionsSettings:
    """Settings of Segment's Klaviyo (Actions) destination."""

    api_key: str = setting(doc="Klaviyo's private API key.", klaviyo="private_api_key", secret=True)
    mappings: tuple[MappingSettings, ...] = setting(
        (), doc="The mappings, in order; none means those of `preset`.", validator=_few_enough
    )
    preset: Literal["default", "classic-migration", "none"] = setting(
        "default", doc="The mappings used where none are given: klavier's own, or those of a migrated Segment Classic."
    )
    list_id: str | None = setting(
        None, doc="The list of Engage audiences whose events name none (the audience setting List Id)."
    )
    fidelity: FidelityName = setting("documented", doc="What is followed: Segment's document, or its implementation.")
    wire: Wire = setting("current", doc="Klaviyo's newest revision, or the one that Segment speaks (2025-01-15).")
