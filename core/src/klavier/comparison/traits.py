"""The names of profile traits, standard attributes and custom properties, while both are compared together.

One side's attribute may be the other's property.
"""

from klavier.comparison.report import Part

ATTRIBUTE, CUSTOM = "attribute:", "property:"
"""Prefixes that separate standard attributes from custom properties."""

TRAITS = "\x00traits"
"""Stands for profiles where otherwise the metric of events is named."""


def trait_row(name: str, other: str) -> tuple[Part, str, str]:
    """Return the part of a row about traits, and its names without prefixes."""
    is_standard = name.startswith(ATTRIBUTE) or other.startswith(ATTRIBUTE)
    part: Part = "attributes" if is_standard else "properties"
    return part, _shown(name, mark_custom=is_standard), _shown(other, mark_custom=is_standard)


def _shown(name: str, *, mark_custom: bool) -> str:
    if name.startswith(ATTRIBUTE):
        return name.removeprefix(ATTRIBUTE)
    own = name.removeprefix(CUSTOM)
    return f"{own} (custom property)" if own and mark_custom else own
