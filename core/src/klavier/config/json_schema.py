"""The JSON Schema of `klavier.toml`, from the classes that a configuration is read into and the known vendors.

Editors read it through the comment `#:schema ./klavier.schema.json` in the first line of the file.
"""

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

import attrs

from klavier.config.load import SECTIONS
from klavier.hookspecs import VENDOR_NAME

if TYPE_CHECKING:
    from klavier.plugins import Plugins

SCHEMA_FILE = "klavier.schema.json"
"""The name under which `klavier init` writes the schema, beside `klavier.toml`."""

SCHEMA_COMMENT = f"#:schema ./{SCHEMA_FILE}"
"""The first line of a `klavier.toml`, by which editors find the schema."""

_DRAFT = "http://json-schema.org/draft-07/schema#"
"""The newest draft that the TOML language servers of editors read in full."""

_VARIABLE = {"type": "string", "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"}
_SIMPLE: Mapping[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    NoneType: {"type": "null"},
    Any: {},
}


def config_schema(plugins: "Plugins") -> dict[str, Any]:
    """Return the schema of a whole `klavier.toml`, with the sections of the known vendors."""
    vendors = plugins.vendors
    named = [{"const": name, "description": spec.summary} for name, spec in sorted(vendors.items())]
    return {
        "$schema": _DRAFT,
        "title": "klavier.toml",
        "type": "object",
        "properties": {
            "vendor": {"description": "The vendor whose requests are sent.", "anyOf": [*named, _VARIABLE]},
            **{name: _table(section) for name, section in SECTIONS.items()},
            "vendors": {
                "description": "The settings of each vendor, in a table of its name.",
                "type": "object",
                "propertyNames": {"pattern": f"^{VENDOR_NAME.pattern}$"},
                "properties": {name: _table(spec.settings) for name, spec in sorted(vendors.items())},
                "additionalProperties": False,
            },
        },
        "required": ["vendor"],
        "additionalProperties": False,
    }


def _table(its_class: type[Any]) -> dict[str, Any]:
    """Return the schema of a table that is read into an attrs class."""
    fields = attrs.fields(attrs.resolve_types(its_class))
    found: dict[str, Any] = {
        "type": "object",
        "properties": {field.name: _setting(field) for field in fields},
        "additionalProperties": False,
    }
    # What [klaviyo] fills in need not be in the table.
    required = [field.name for field in fields if field.default is attrs.NOTHING and not field.metadata.get("klaviyo")]
    summary = (its_class.__doc__ or "").strip().partition("\n")[0]
    return {"description": summary} | found | ({"required": required} if required else {})


def _setting(field: "attrs.Attribute[Any]") -> dict[str, Any]:
    found = dict(_of_type(field.type))
    if field.metadata.get("doc"):
        found["description"] = field.metadata["doc"]
    if isinstance(field.default, (str, bool, int, float)) and not field.metadata.get("secret"):
        found["default"] = field.default
    return found


def _of_type(kind: Any) -> dict[str, Any]:
    """Return the schema of a setting's type, one of those that `klavier.settings` reads."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, members = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"anyOf": [{"enum": list(members)}, _VARIABLE]}
    if origin in (UnionType, Union):
        return _any_of([_of_type(member) for member in members])
    if origin in (list, tuple, Sequence):
        return {"type": "array", "items": _of_type(members[0])}
    if (origin or kind) in (dict, Mapping):
        return {"type": "object", "additionalProperties": _of_type(members[1]) if members else {}}
    return _table(kind) if attrs.has(kind) else {}


def _any_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a schema that any of the parts allows; a null beside one part is left out, since TOML has none."""
    some = [part for part in parts if part != _SIMPLE[NoneType]]
    return some[0] if len(some) == 1 else {"anyOf": some}
