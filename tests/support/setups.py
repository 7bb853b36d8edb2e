"""Every installed vendor in every way of running it: what the property tests are repeated for.

A vendor is found by its plugin, and its settings by their types: choices (wire, fidelity, connection mode) make one
setup each, booleans are drawn.  Only what types do not tell stands in a table.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, Literal, get_args, get_origin

import attrs
from hypothesis import find, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier import ConfigError, Vendor, load_vendor
from klavier.plugins import installed_plugins

_CHOICES: dict[str, dict[str, tuple[Any, ...]]] = {
    "rudderstack": {"api_version": ("v1", "v2", "v3")},
}
"""Settings that make a setup of each of their values, though their type does not say so."""

_DRAWN: dict[str, dict[str, tuple[Any, ...]]] = {
    "rudderstack": {"consent": (None, "email", ["email", "sms"]), "list_id": ("", "XUepkK")},
    "segment-classic": {"list_id": ("", "XUepkK")},
    "segment-actions": {
        "mappings": (
            [
                {"action": "trackEvent"},
                {"action": "orderCompleted", "trigger": 'event = "Order Completed"'},
                {"action": "upsertProfile"},
            ],
        )
    },
}
"""Settings with values that their type does not tell."""


@attrs.frozen
class Setup:
    """One vendor with its choices made; the other settings are drawn."""

    vendor: str
    choices: Mapping[str, Any]

    def __str__(self) -> str:
        return "-".join([self.vendor, *map(str, self.choices.values())])

    def vendors(self) -> SearchStrategy[Vendor]:
        """Return the strategy of the vendor with these choices and any other settings that do not conflict."""
        return self.settings().map(self._load).filter(lambda vendor: vendor is not None)

    def settings(self) -> SearchStrategy[dict[str, Any]]:
        """Return the strategy of settings with these choices; some of them conflict."""
        drawn = _drawn(self)
        numbers = st.integers(0, prod(map(len, drawn.values())) - 1)  # one choice costs less than one for each setting
        return numbers.map(lambda number: {**_pick(number, drawn), **self.choices})

    def _load(self, settings: dict[str, Any]) -> Any:
        return _load(self.vendor, json.dumps(settings, sort_keys=True))


def setups() -> list[Setup]:
    """Return all setups of all installed vendors."""
    found = []
    for name, spec in sorted(installed_plugins().vendors.items()):
        choices = {a.name: get_args(a.type) for a in _attributes(spec.settings) if get_origin(a.type) is Literal}
        choices |= _CHOICES.get(name, {})
        found += [Setup(name, dict(zip(choices, chosen, strict=True))) for chosen in product(*choices.values())]
    return found


_simplest: dict[str, Vendor] = {}


def simplest(setup: Setup) -> Vendor:
    """Return the vendor of a setup with the simplest of its other settings."""
    if str(setup) not in _simplest:
        _simplest[str(setup)] = find(setup.vendors(), lambda _: True, settings=settings(database=None))
    return _simplest[str(setup)]


def _pick(number: int, drawn: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the combination of values that has a number."""
    chosen = {}
    for name, values in drawn.items():
        number, which = divmod(number, len(values))
        chosen[name] = values[which]
    return chosen


@lru_cache(maxsize=2000)
def _load(name: str, settings: str) -> Any:
    try:
        return load_vendor(name, json.loads(settings))
    except ConfigError:  # settings that do not go together
        return None


def _drawn(setup: Setup) -> dict[str, tuple[Any, ...]]:
    """Return the values that each setting may have which is no choice of the setup."""
    known = _DRAWN.get(setup.vendor, {})
    found: dict[str, tuple[Any, ...]] = {}
    for attribute in _attributes(installed_plugins().vendor(setup.vendor).settings):
        if attribute.name in setup.choices:
            continue
        if attribute.name in known:
            found[attribute.name] = known[attribute.name]
        elif attribute.metadata.get("secret"):
            found[attribute.name] = (f"pk_{attribute.name}_0123456789",)
        elif attribute.metadata.get("klaviyo") == "public_api_key":
            found[attribute.name] = ("PUBKEY",)
        elif bool in (attribute.type, *get_args(attribute.type)):
            found[attribute.name] = (False, True)
    return found


def _attributes(settings: type[Any]) -> tuple["attrs.Attribute[Any]", ...]:
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(attrs.resolve_types(settings))
    return found
