"""From one vendor's settings to another's, by way of the vocabulary that both are read into."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from klavier.errors import ConfigError, KlavierError, PluginError
from klavier.loading import bind
from klavier.migration.differences import difference, differing, is_told
from klavier.migration.model import Carried, NotCarried, Migration
from klavier.migration.portable import Decision, Portable, Written
from klavier.migration.terms import Reading, plain
from klavier.plugins import Plugins, installed_plugins
from klavier.settings import SettingInfo, describe, structure
from klavier.strictjson import kind_of
from klavier.vendor import VendorSpec

VARIABLES = {"private_api_key": "KLAVIYO_PRIVATE_API_KEY", "public_api_key": "KLAVIYO_PUBLIC_API_KEY"}
"""The environment variables that the new configuration takes the keys from."""

_STAND_INS = {"private_api_key": "private-key", "public_api_key": "PUBLIC"}
"""Keys for looking at settings; nothing is sent with them."""

_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_ALONE = "What it did is not done any more."
_UNKNOWN = "Compare the two over a file of events before the move."
_MODES = {
    "wire": "native now means the calls that {target} makes, not those of the old vendor; current is always delivered",
    "fidelity": "deployed now means what {target} was observed to do; habits of the old vendor that its documents do "
    "not tell are not carried over",
}
"""What a person should know of settings that are spelt alike and mean another vendor now."""

_Answer = TypeVar("_Answer")


def migrate(
    source: str,
    target: str,
    settings: Mapping[str, Any] | None = None,
    *,
    changes: Mapping[str, Any] | None = None,
    plugins: Plugins | None = None,
) -> Migration:
    """Write the settings of one vendor from those of another, and tell what cannot be carried over.

    `settings` are those of `source`, as plain data; keys may be missing, or be references such as
    `${KLAVIYO_PRIVATE_API_KEY}`.  `changes` are settings of `target` that go before what would be written.  Within one
    vendor, all settings stay but for the changes.  Sends nothing and reads no file.

    Raises `ConfigError`: an unknown vendor, or every wrong setting with its path.  Raises `PluginError` where a
    vendor's plugin cannot read or write what it has to.
    """
    known = installed_plugins() if plugins is None else plugins
    old, new = known.vendor(source), known.vendor(target)
    given, wanted_changes = _checked(settings, "settings"), _checked(changes, "changes")
    before = _structured(old, given)
    is_move = old.name != new.name
    has_words = old.portable is not None and new.portable is not None
    wanted = _read(old, before) if has_words else {}
    written = _write(new, wanted) if is_move and has_words else Written({} if is_move else _kept(old, given))
    data = _hidden(new, {**_undecided(new, written), **written.settings, **wanted_changes})
    after = _structured(new, data)
    reached = _read(new, after) if has_words else {}
    apart = list(differing(wanted, reached))
    deciders = _deciders(old, before)
    found = [
        difference(term, was, becomes, by)
        for term, was, becomes in apart
        if (by := _settings_of(term.name, deciders)) or is_told(term, wanted, reached)
    ]
    if is_move:
        found.extend(_wordless(old, new, deciders, has_words=has_words))
    unsaid = {name for each in found for name in each.settings} | (set(wanted_changes) if not is_move else set())
    return Migration(
        source=old.name,
        target=new.name,
        settings=data,
        klaviyo=(klaviyo := _klaviyo(new, after, _keys_given(old, given))),
        carried=tuple(Carried(name, idle=not terms) for name, terms in deciders.items() if name not in unsaid),
        not_carried=tuple(found),
        decisions=tuple([*_asked(written, wanted_changes), *_modes(new, data, is_move=is_move)]),
        to_set=tuple(_to_set(klaviyo, new, data, _keys_given(old, given))),
        spec=new,
    )


def _checked(data: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    if data is not None and not isinstance(data, Mapping):
        raise ConfigError(f"{name}: must be a table, not {kind_of(data)}")
    return dict(data or {})


def _structured(spec: VendorSpec, data: Mapping[str, Any]) -> Any:
    """Check settings as `load_vendor` would, with stand-ins for keys that are missing or references."""
    filled = dict(data)
    for info in _keys(spec):
        value = filled.get(info.name)
        if not value or (isinstance(value, str) and _REFERENCE.fullmatch(value)):
            filled[info.name] = _STAND_INS.get(str(info.klaviyo), "stand-in")
    settings = structure(spec.settings, filled)
    bind(spec, settings)
    return settings


def _keys(spec: VendorSpec) -> list[SettingInfo]:
    return [info for info in describe(spec.settings) if info.klaviyo]


def _keys_given(spec: VendorSpec, given: Mapping[str, Any]) -> dict[str, str]:
    """Give the keys that the old settings hold, literally or as references, by their names in `[klaviyo]`."""
    return {str(info.klaviyo): given[info.name] for info in _keys(spec) if given.get(info.name)}


def _kept(spec: VendorSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    keys = {info.name for info in _keys(spec)}
    return {name: value for name, value in given.items() if name not in keys}


def _read(spec: VendorSpec, settings: Any) -> Reading:
    return _asked_of(spec, lambda portable: dict(portable.read(settings)))


def _write(spec: VendorSpec, wanted: Reading) -> Written:
    return _asked_of(spec, lambda portable: portable.write(wanted))


def _asked_of(spec: VendorSpec, ask: Callable[[Portable], _Answer]) -> _Answer:
    """Ask a vendor's own words for migrations; raises `PluginError` where they break the contract."""
    assert spec.portable is not None  # noqa: S101 -- the callers looked
    try:
        return ask(spec.portable())
    except KlavierError:
        raise
    except Exception as error:
        raise PluginError(f"vendor {spec.name}: its words for migrations raised {type(error).__name__}") from error


def _undecided(spec: VendorSpec, written: Written) -> dict[str, Any]:
    """Give the defaults of settings that a person must decide about, so that they stand in the file."""
    places = {each.place for each in written.decisions}
    return {info.name: info.default for info in describe(spec.settings) if info.name in places and info.default is not None}


def _hidden(spec: VendorSpec, data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace secrets by references to environment variables; keys of the account are not in it."""
    secret = {info.name for info in describe(spec.settings) if info.secret}
    return {
        name: _variable(spec, name) if name in secret and value and not _is_reference(value) else value
        for name, value in _kept(spec, data).items()
    }


def _variable(spec: VendorSpec, setting: str) -> str:
    return f"${{{spec.name}_{setting}}}".replace("-", "_").upper()


def _is_reference(value: Any) -> bool:
    return isinstance(value, str) and _REFERENCE.fullmatch(value) is not None


def _deciders(spec: VendorSpec, settings: Any) -> dict[str, frozenset[str] | None]:
    """Give each setting that was changed from its default, with the terms it decides; None where it has no word."""
    found: dict[str, frozenset[str] | None] = {}
    for info in describe(spec.settings):
        value = getattr(settings, info.name)
        if info.klaviyo or plain(value) == plain(info.default):
            continue
        found[info.name] = None
        if spec.portable is not None:
            found[info.name] = _asked_of(spec, lambda portable, name=info.name: portable.decides(settings, name))
    return found


def _settings_of(term: str, deciders: Mapping[str, frozenset[str] | None]) -> tuple[str, ...]:
    return tuple(name for name, terms in deciders.items() if terms is not None and term in terms)


def _wordless(
    old: VendorSpec, new: VendorSpec, deciders: Mapping[str, frozenset[str] | None], *, has_words: bool
) -> Iterator[NotCarried]:
    """Tell of what no vocabulary helps with: settings without a word, vendors that bring no words at all."""
    for name, terms in deciders.items():
        if terms is None or not has_words:
            yield NotCarried(
                name, "a setting of its own", ("no setting of the other vendor is known to do the same",), _ALONE, (name,)
            )
    for spec in (old, new):
        if spec.portable is None:
            lines = (f"the plugin of {spec.name} brings no words for migrations, so that only the keys are carried over",)
            yield NotCarried("portable", "what the vendors do differently", lines, _UNKNOWN)


def _klaviyo(spec: VendorSpec, settings: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Give the `[klaviyo]` section: what the new vendor needs, and the public key where it is known."""
    needed = {str(info.klaviyo) for info in _keys(spec)}
    if spec.portable is not None:
        needed &= _asked_of(spec, lambda portable: set(portable.needs(settings)))
    found: dict[str, str] = {}
    for key, variable in VARIABLES.items():
        value = given.get(key, "")
        may_be_written = _is_reference(value) or (value and key == "public_api_key")
        if key in needed or (may_be_written and key in {info.klaviyo for info in _keys(spec)}):
            found[key] = value if may_be_written else f"${{{variable}}}"
    return found


def _asked(written: Written, changes: Mapping[str, Any]) -> Iterator[Decision]:
    """Give the decisions that the changes leave open."""
    return (each for each in written.decisions if re.split(r"[.\[]", each.place)[0] not in changes)


def _modes(spec: VendorSpec, data: Mapping[str, Any], *, is_move: bool) -> Iterator[Decision]:
    if not is_move:
        return
    for name, text in _MODES.items():
        if data.get(name) in ("native", "deployed"):
            yield Decision(name, text.format(target=spec.name))


def _to_set(
    klaviyo: Mapping[str, str], spec: VendorSpec, data: Mapping[str, Any], given: Mapping[str, str]
) -> Iterator[str]:
    """Say which environment variables the new configuration reads, never what is in them."""
    for key, value in klaviyo.items():
        if _is_reference(value):
            held = given.get(key)
            hint = "; the old settings hold it in the open" if held and not _is_reference(held) else ""
            yield f"{value[2:-1]}: Klaviyo's {key.replace('_', ' ').replace('api', 'API')}{hint}"
    for info in describe(spec.settings):
        if info.secret and _is_reference(data.get(info.name)):
            yield f"{data[info.name][2:-1]}: the old setting {info.name}"
