"""Migrate one vendor's settings to another's through a vocabulary of terms."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from klavier.errors import ConfigError
from klavier.loading import bind
from klavier.migration.differences import difference, differing, is_listed
from klavier.migration.keys import given_keys, klaviyo_section, to_set, with_stand_ins, without_keys
from klavier.migration.model import Carried, Migration, NotCarried
from klavier.migration.portable import Decision, Written
from klavier.migration.terms import Reading, plain
from klavier.migration.vendor_terms import ask_vendor
from klavier.plugins import Plugins, installed_plugins
from klavier.settings import describe, structure
from klavier.strictjson import kind_of
from klavier.vendor import VendorSpec

_ALONE = "What it did is not done any more."
_UNKNOWN = "Compare the two over a file of events before the move."
_NULL = "null inside it is left out here, since TOML has none: write another value, or check what the default does"
_MODES = {
    "wire": "native now means the calls that {target} makes, not those of the old vendor; current is always delivered",
    "fidelity": "deployed now means what {target} was observed to do; habits of the old vendor that its documents do "
    "not mention are not carried over",
}
"""Notes on settings that have the same name and refer to another vendor now."""

Deciders = Mapping[str, frozenset[str] | None]
"""The old settings that were changed from their default, with the terms that each decides; None: it has no term."""


def migrate(
    source: str,
    target: str,
    settings: Mapping[str, Any] | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
) -> Migration:
    """Write the settings of one vendor from those of another, and list what cannot be carried over.

    `settings` are those of `source`, as plain data; keys may be missing, or be references such as
    `${KLAVIYO_PRIVATE_API_KEY}`. `changes` are settings of `target` that go before what would be written. Within one
    vendor, all settings stay but for the changes. Sends nothing and reads no file.

    Raises `ConfigError`: an unknown vendor, or every wrong setting with its path. Raises `PluginError` where a
    vendor's plugin cannot read or write what it has to.
    """
    known = installed_plugins() if plugins is None else plugins
    old, new = known.vendor(source), known.vendor(target)
    move = _Move(old, new, _table(settings, "settings"), _table(changes, "changes"))
    before = _structured(old, move.given)
    wanted = ask_vendor(old, lambda terms: dict(terms.read(before))) if move.has_terms else {}
    written = move.written(wanted)
    data = without_keys(new, {**_undecided(new, written), **written.settings, **move.changes})
    after = _structured(new, data)
    reached = ask_vendor(new, lambda terms: dict(terms.read(after))) if move.has_terms else {}
    deciders = _deciders(old, before)
    found = (*_not_carried(wanted, reached, deciders), *move.without_terms(deciders))
    keys = given_keys(old, move.given)
    klaviyo = klaviyo_section(new, after, keys)
    return Migration(
        source=old.name,
        target=new.name,
        settings=data,
        klaviyo=klaviyo,
        carried=tuple(move.carried(deciders, found)),
        not_carried=found,
        decisions=(*move.asked(written), *move.modes(data), *_without_null(data)),
        to_set=tuple(to_set(new, klaviyo, data, keys)),
        spec=new,
    )


@frozen
class _Move:
    """Two vendors, the old settings, and what is to be changed in the new ones."""

    old: VendorSpec
    new: VendorSpec
    given: Mapping[str, Any]
    changes: Mapping[str, Any]

    @property
    def is_real(self) -> bool:
        """Whether it leads to another vendor."""
        return self.old.name != self.new.name

    @property
    def has_terms(self) -> bool:
        """Whether both vendors support migrations."""
        return self.old.portable is not None and self.new.portable is not None

    def written(self, wanted: Reading) -> Written:
        """Return the new settings: within one vendor those it has."""
        if not self.is_real:
            return Written(self.given)
        return ask_vendor(self.new, lambda terms: terms.write(wanted)) if self.has_terms else Written()

    def without_terms(self, deciders: Deciders) -> Iterator[NotCarried]:
        """Describe what has no term: settings without one, and vendors that do not support migrations."""
        if not self.is_real:
            return
        for name, terms in deciders.items():
            if terms is None or not self.has_terms:
                lines = (f"{self.new.name} has no setting that is known to do the same",)
                yield NotCarried(name, "a setting of its own", lines, _ALONE, (name,))
        for spec in (self.old, self.new):
            if spec.portable is None:
                lines = (f"the plugin of {spec.name} does not support migrations: only the keys are carried over",)
                yield NotCarried("portable", "what the vendors do differently", lines, _UNKNOWN)

    def carried(self, deciders: Deciders, found: Iterable[NotCarried]) -> Iterator[Carried]:
        """Return the old settings that no difference names."""
        named = {name for each in found for name in each.settings} | (set() if self.is_real else set(self.changes))
        for name, terms in deciders.items():
            if name not in named:
                yield Carried(name, is_idle=terms is not None and not terms)

    def asked(self, written: Written) -> Iterator[Decision]:
        """Return the decisions that the changes leave open."""
        for each in written.decisions:
            if each.place.partition(".")[0].partition("[")[0] not in self.changes:
                yield each

    def modes(self, data: Mapping[str, Any]) -> Iterator[Decision]:
        """Return what a person should know of modes that mean another vendor now."""
        for name, text in _MODES.items() if self.is_real else ():
            if data.get(name) in ("native", "deployed") and name not in self.changes:
                yield Decision(name, text.format(target=self.new.name))


def _table(data: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    if data is not None and not isinstance(data, Mapping):
        raise ConfigError(f"{name}: must be a table, not {kind_of(data)}")
    return dict(data or {})


def _structured(spec: VendorSpec, data: Mapping[str, Any]) -> Any:
    """Check settings as `load_vendor` would."""
    settings = structure(spec.settings, with_stand_ins(spec, data))
    bind(spec, settings)
    return settings


def _without_null(data: Mapping[str, Any]) -> Iterator[Decision]:
    """Ask about the tables of mappings that hold null, which a `klavier.toml` cannot."""
    for name, rows in data.items():
        for index, row in enumerate(rows if isinstance(rows, list) else ()):
            for member, value in row.items() if isinstance(row, Mapping) else ():
                if value is not None and _has_null(value):
                    yield Decision(f"{name}[{index}].{member}", _NULL)


def _has_null(value: Any) -> bool:
    members = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return value is None or any(map(_has_null, members))


def _undecided(spec: VendorSpec, written: Written) -> dict[str, Any]:
    """Return the defaults of settings that a person must decide about, so that they stand in the file."""
    places = {each.place for each in written.decisions}
    infos = [info for info in describe(spec.settings) if info.name in places and info.default is not None]
    return {info.name: plain(info.default) for info in infos}


def _deciders(spec: VendorSpec, settings: Any) -> Deciders:
    found: dict[str, frozenset[str] | None] = {}
    for info in describe(spec.settings):
        name = info.name
        if info.klaviyo or plain(getattr(settings, name)) == plain(info.default):
            continue
        found[name] = None if spec.portable is None else ask_vendor(spec, _DecidedBy(settings, name))
    return found


@frozen
class _DecidedBy:
    settings: Any
    name: str

    def __call__(self, terms: Any) -> frozenset[str] | None:
        found = terms.decides(self.settings, self.name)
        return None if found is None else frozenset(found)


def _not_carried(wanted: Reading, reached: Reading, deciders: Deciders) -> Iterator[NotCarried]:
    """Return the differences of two readings, without those that others contain."""
    for term, was, becomes in differing(wanted, reached):
        names = {term.name, "user_id"} if term.name == "custom_id" else {term.name}  # one value may express both
        by = tuple(name for name, terms in deciders.items() if terms is not None and names & terms)
        if by or is_listed(term, wanted, reached):
            yield difference(term, was, becomes, by)
