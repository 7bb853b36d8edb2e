"""A vendor's settings: declared once as a frozen attrs class, structured strictly, every mistake named at once."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.cols import homogenous_tuple_structure_factory, list_structure_factory, mapping_structure_factory
from cattrs.errors import ClassValidationError, IterableValidationError
from cattrs.gen import make_dict_structure_fn, override

from klavier.errors import ConfigError, EventError
from klavier.settings_errors import InsideError, did_you_mean, settings_errors
from klavier.strictjson import checked_copy, kind_of

_REQUIRED: Any = attrs.NOTHING
_DISTINCT = 4
"""The length from which a secret can be distinguished from the text around it."""
_ARRAYS = (list, tuple, Sequence)


def setting(  # noqa: PLR0913 -- one keyword for each thing a setting can have
    default: Any = _REQUIRED,
    *,
    doc: str,
    klaviyo: str | None = None,
    secret: bool = False,
    converter: Any = None,
    validator: Any = None,
) -> Any:
    """Declare one setting of a settings class.

    `doc` is the sentence that `klavier vendors` and the documentation show.  `klaviyo` names the key of the `[klaviyo]`
    section that fills the setting where it is not set.  A `secret` never appears in a repr or message.  A list, dict
    or attrs instance as `default` must be immutable (use a tuple).  `validator` raises ValueError with the remedy.
    """
    metadata = {"doc": doc, "klaviyo": klaviyo, "secret": secret, "validator": validator}
    check = None if validator is None else _as_attrs_validator(validator, is_secret=secret)
    return attrs.field(
        default=default,
        metadata=metadata,
        repr=not secret,
        kw_only=True,
        converter=converter,
        validator=check,
    )


@attrs.frozen
class SettingInfo:
    """One setting as the documentation shows it."""

    name: str
    type: str
    default: Any
    required: bool
    secret: bool
    klaviyo: str | None
    doc: str


def describe(settings: type[Any]) -> list[SettingInfo]:
    """List the settings of a settings class, in the order of their declaration."""
    return [_info(attribute) for attribute in attrs.fields(attrs.resolve_types(settings))]


def structure(settings: type[Any], data: Mapping[str, Any], place: str = "") -> Any:
    """Build settings from plain data.

    Raises `ConfigError` with a line for each wrong setting: its path under `place`, what it is, what it should be.
    """
    if not isinstance(data, Mapping):
        raise ConfigError(f"{place or 'settings'}: must be a table, not {kind_of(data)}")
    try:
        return _converter().structure(dict(data), settings)
    except ClassValidationError as error:
        raise ConfigError(list(settings_errors(error, place, settings))) from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{place or 'settings'}: {error}") from None


def fill_from_klaviyo(settings: type[Any], data: Mapping[str, Any], klaviyo: Mapping[str, Any]) -> dict[str, Any]:
    """Fill settings that are not set themselves from the `[klaviyo]` section."""
    filled = dict(data)
    for info in describe(settings):
        if info.klaviyo and info.name not in filled and klaviyo.get(info.klaviyo) is not None:
            filled[info.name] = klaviyo[info.klaviyo]
    return filled


@lru_cache(maxsize=1)
def _converter() -> Converter:
    """Make the one strict converter: no coercion between kinds, no unknown keys, all errors collected."""
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind, name in ((str, "a string"), (bool, "true or false"), (int, "an integer"), (float, "a number")):
        converter.register_structure_hook(kind, _exactly(kind, name))
    converter.register_structure_hook_func(lambda kind: kind is Any, _plain)
    converter.register_structure_hook_factory(_is_literal, _literal)
    converter.register_structure_hook_factory(_is_union, lambda union: _union(converter, union))
    for holds, factory, name in (
        (_is_array, _array_hook, "a list"),
        (_is_mapping, _mapping_hook, "a table"),
        (attrs.has, _settings_hook, "a table"),
    ):
        converter.register_structure_hook_factory(holds, partial(_only_for, name, factory, converter))
    return converter


def _only_for(name: str, factory: Any, converter: Converter, kind: Any) -> Any:
    """Guard a hook by the kind of value it reads: cattrs would read a string as a list of its letters."""
    inner, accepted = factory(converter, kind), (Mapping if name == "a table" else (list, tuple))

    def hook(value: Any, its_kind: Any) -> Any:
        if not isinstance(value, accepted):
            raise TypeError(f"must be {name}, not {kind_of(value)}")
        return inner(value, its_kind)

    return hook


def _is_array(kind: Any) -> bool:
    return get_origin(kind) in _ARRAYS


def _array_hook(converter: Converter, kind: Any) -> Any:
    if get_args(kind)[0] is Any:  # cattrs would not check the items
        return lambda value, _: (get_origin(kind) if get_origin(kind) is tuple else list)(_plain(value, Any))
    if get_origin(kind) is tuple:
        return homogenous_tuple_structure_factory(kind, converter)
    return list_structure_factory(kind, converter)


def _is_mapping(kind: Any) -> bool:
    return (get_origin(kind) or kind) in (dict, Mapping)


def _mapping_hook(converter: Converter, kind: Any) -> Any:
    inner = mapping_structure_factory(kind, converter, structure_to=dict)

    def hook(value: Any, its_kind: Any) -> Any:
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise ValueError(f"a key that is {kind_of(odd[0])}; keys are strings")
        return inner(value, its_kind)

    return hook


def _settings_hook(converter: Converter, cls: type[Any]) -> Any:
    """Structure a settings class, with converter and validator of each field run in its own place.

    attrs runs them at the end, stops at the first that raises and does not name its field.
    """
    checked: dict[str, Any] = {
        attribute.name: override(struct_hook=_checked(converter, attribute))
        for attribute in attrs.fields(attrs.resolve_types(cls))
        if attribute.converter or attribute.metadata.get("validator") or attribute.metadata.get("secret")
    }
    return make_dict_structure_fn(cls, converter, _cattrs_forbid_extra_keys=True, **checked)


def _checked(converter: Converter, attribute: "attrs.Attribute[Any]") -> Any:
    inner: Any = converter.get_structure_hook(attribute.type)
    convert: Any = attribute.converter or (lambda value: value)
    validate: Any = attribute.metadata.get("validator") or (lambda _: None)
    is_secret = bool(attribute.metadata.get("secret"))

    def hook(value: Any, kind: Any) -> Any:
        found = inner(value, kind)
        try:
            validate(convert(found))
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 -- a plugin's converter may raise anything
            raise ValueError(_message_of(error, found, is_secret=is_secret)) from None
        return found

    return hook


def _message_of(error: Exception, value: Any, *, is_secret: bool) -> str:
    """Return the message of a converter or validator without the value of a secret."""
    message = str(error) if isinstance(error, (ValueError, TypeError)) else ""
    hidden = message.replace(str(value), "(secret)") if is_secret and len(str(value)) >= _DISTINCT else message
    if not message or (is_secret and value and hidden == message and str(value) in message):
        return f"cannot be used ({type(error).__name__})"
    return hidden


def _plain(value: Any, _: Any) -> Any:
    """Return a copy of plain JSON; dates of a TOML file become their ISO strings."""
    try:
        return checked_copy({"": value})[""]
    except EventError as error:
        raise InsideError(error) from None


def _exactly(kind: type[Any], name: str) -> Any:
    accepted: tuple[type[Any], ...] = (int, float) if kind is float else (kind,)

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, accepted) or (kind is not bool and isinstance(value, bool)):
            raise ValueError(f"must be {name}, not {kind_of(value)}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"must be {name}, not NaN or infinity")
        return value

    return hook


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _literal(kind: Any) -> Any:
    choices = get_args(kind)

    def hook(value: Any, _: Any) -> Any:
        if any(type(value) is type(choice) and value == choice for choice in choices):  # since 1 == True
            return value
        raise ValueError(f"must be one of {', '.join(map(repr, choices))}{did_you_mean(value, choices)}")

    return hook


def _is_union(kind: Any) -> bool:
    return type(kind).__name__ in ("UnionType", "_UnionGenericAlias") or str(get_origin(kind)) == "typing.Union"


def _union(converter: Converter, union: Any) -> Any:
    """Structure a value as the union's member of its kind; several members of one kind are tried in turn."""
    members = [member for member in get_args(union) if member is not NoneType]

    def hook(value: Any, _: Any) -> Any:
        if value is None and NoneType in get_args(union):
            return None
        fitting = members if len(members) == 1 else [member for member in members if _is_for(member, value)]
        for member in fitting[:-1]:
            try:
                return converter.structure(value, member)
            except (ValueError, TypeError, ClassValidationError, IterableValidationError):
                continue
        if fitting:
            return converter.structure(value, fitting[-1])
        raise ValueError(f"must be {_type_name(union)}, not {kind_of(value)}")

    return hook


def _is_for(member: Any, value: Any) -> bool:
    """Return whether a type is for this kind of value, whatever is in it."""
    if member is Any:
        return True
    if _is_literal(member):
        return any(type(value) is type(choice) for choice in get_args(member))
    if isinstance(value, Mapping):
        return _is_mapping(member) or attrs.has(member)
    if isinstance(value, (list, tuple)):
        return _is_array(member)
    return type(value) is member or (member is float and type(value) is int)


def _info(attribute: "attrs.Attribute[Any]") -> SettingInfo:
    required = attribute.default is attrs.NOTHING
    return SettingInfo(
        name=attribute.name,
        type=_type_name(attribute.type),
        default=None if required else attribute.default,
        required=required,
        secret=bool(attribute.metadata.get("secret")),
        klaviyo=attribute.metadata.get("klaviyo"),
        doc=str(attribute.metadata.get("doc", "")),
    )


def _type_name(kind: Any) -> str:
    """Name a type in the words of a configuration file."""
    simple = {
        str: "string",
        bool: "boolean",
        int: "integer",
        float: "number",
        NoneType: "nothing",
        Any: "anything",
    }
    if kind in simple:
        return simple[kind]
    origin, members = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f'"{member}"' for member in members)
    if _is_union(kind):
        return " or ".join(_type_name(member) for member in members if member is not NoneType)
    if origin in _ARRAYS:
        return f"list of {_type_name(members[0])}"
    if origin is dict or origin is Mapping:
        return "table"
    return "table" if attrs.has(kind) else str(getattr(kind, "__name__", kind))


def _as_attrs_validator(check: Any, *, is_secret: bool) -> Any:
    def validate(_: Any, __: Any, value: Any) -> None:
        try:
            check(value)
        except ValueError as error:
            raise ValueError(_message_of(error, value, is_secret=is_secret)) from None

    return validate
