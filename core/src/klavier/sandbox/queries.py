"""Query parameters: a declarative table for each operation, one reader for all.

A parameter or value that the table does not have is a 400 that names the parameter, since a test that relies on an
ignored one would pass for the wrong reason.  Source: the parameters of Klaviyo's OpenAPI specification, one branch for
each revision, and its guides to filtering, sorting, relationships, sparse fieldsets and pagination.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import field, frozen

from klavier.klaviyo.attributes import LOCATION_ATTRIBUTES, PROFILE_IDENTIFIERS, TEXT_ATTRIBUTES
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.filters import Condition, Field, read_filter
from klavier.sandbox.revisions import Rules

_PROFILE = (
    *PROFILE_IDENTIFIERS,
    *TEXT_ATTRIBUTES,
    "created",
    "updated",
    "last_event_date",
    "location",
    "properties",
    "subscriptions",
    "predictive_analytics",
)
_SUPPRESSION_JOB = ("status", "created_at", "total_count", "completed_count", "completed_at", "skipped_count")

FIELDS: Mapping[str, frozenset[str]] = {
    resource: frozenset(names)
    for resource, names in {
        "account": (
            "test_account",
            "contact_information",
            "industry",
            "timezone",
            "preferred_currency",
            "public_api_key",
            "locale",
        ),
        "attribution": (),
        "conversation": (),
        "event": ("timestamp", "event_properties", "datetime", "uuid"),
        "flow": ("name", "status", "archived", "created", "updated", "trigger_type"),
        "import-error": ("code", "title", "detail", "source", "original_payload"),
        "list": ("name", "created", "updated", "opt_in_process", "profile_count"),
        "metric": ("name", "created", "updated", "integration"),
        "metric-aggregate": ("dates", "data"),
        "profile": (*_PROFILE, "joined_group_at"),
        "profile-bulk-import-job": (
            "status",
            "created_at",
            "total_count",
            "completed_count",
            "failed_count",
            "completed_at",
            "expires_at",
            "started_at",
        ),
        "profile-suppression-bulk-create-job": _SUPPRESSION_JOB,
        "profile-suppression-bulk-delete-job": _SUPPRESSION_JOB,
        "push-token": (),
        "segment": (
            "name",
            "definition",
            "created",
            "updated",
            "is_active",
            "is_processing",
            "is_starred",
            "profile_count",
        ),
        "tag": ("name",),
    }.items()
}
"""The attributes of each resource, which a sparse fieldset can name."""

_MEMBERS: Mapping[str, frozenset[str] | None] = {
    "location": frozenset(LOCATION_ATTRIBUTES),
    "contact_information": None,
    "event_properties": None,
    "integration": None,
    "predictive_analytics": None,
    "properties": None,
    "subscriptions": None,
}
"""The attributes whose members a sparse fieldset can name (`location.city`); None for any member."""


@frozen
class Query:
    """The query parameters of an operation.

    - `fields`: the resources of the reply whose attributes `fields[...]` selects.
    - `additional`: the values of `additional-fields[...]`, by resource.
    - `filters` and `sorts`: the fields to filter and to sort by, and how to read each from a row.
    - `order`: reads the value that rows are sorted by without `sort`; rows without one are in the order of their ids.
    - `includes`: the values of `include`.
    - `size`: the usual and the greatest `page[size]`; `sizes_since` is the first revision with the parameter, None
      where no revision has it.  `size` is None for an operation without pages.
    - `since`: the first revision that has a parameter, or a value written as `include=lists`.
    """

    fields: tuple[str, ...] = ()
    additional: Mapping[str, tuple[str, ...]] = field(factory=dict)
    filters: Mapping[str, Field] = field(factory=dict)
    sorts: Mapping[str, Callable[[Any], Any]] = field(factory=dict)
    order: Callable[[Any], Any] | None = None
    includes: tuple[str, ...] = ()
    size: tuple[int, int] | None = None
    sizes_since: str | None = ""
    since: Mapping[str, str] = field(factory=dict)

    @property
    def parameters(self) -> frozenset[str]:
        """The names of all parameters, of whatever revision."""
        names = [f"fields[{resource}]" for resource in self.fields]
        names += [f"additional-fields[{resource}]" for resource in self.additional]
        names += ["filter"] if self.filters else []
        names += ["sort"] if self.sorts else []
        names += ["include"] if self.includes else []
        if self.size is not None:
            names += ["page[cursor]"] if self.sizes_since is None else ["page[cursor]", "page[size]"]
        return frozenset(names)


NO_QUERY = Query()


@frozen
class Selection:
    """What a request selects: the parameters as its operation's `Query` reads them."""

    query: Query = NO_QUERY
    conditions: tuple[Condition, ...] = ()
    sort: str = ""
    is_descending: bool = False
    includes: frozenset[str] = frozenset()
    fields: Mapping[str, frozenset[str]] = field(factory=dict)
    additional: frozenset[str] = frozenset()
    size: int = 0
    cursor: str = ""

    def values(self, name: str) -> tuple[Any, ...]:
        """Return the values of the first condition on a field with `equals` or `any`; empty without one."""
        found = (c.values for c in self.conditions if c.name == name and c.operator in ("equals", "any"))
        return next(found, ())


ALL = Selection()
"""What a request without parameters selects."""


def read_query(query: Query, params: Mapping[str, str], rules: Rules, *, ignored: Collection[str] = ()) -> Selection:
    """Read the parameters of a request; raises `RefusedError` (400) for what the operation does not accept.

    `ignored` are parameters that are not part of the query, such as `company_id`.
    """
    given = {name: value for name, value in params.items() if name not in ignored}
    if not given and query.size is None:
        return ALL
    for name in given:
        if name not in query.parameters or not _exists(query, name, rules):
            raise RefusedError(400, f"'{_shown(name)}' is not a parameter of this endpoint.", parameter=name)
    filters = {name: item for name, item in query.filters.items() if rules.revision >= item.since}
    sort = given.get("sort", "")
    if sort and sort.removeprefix("-") not in query.sorts:
        raise _bad_value("sort", sort)
    return Selection(
        query,
        tuple(read_filter(given.get("filter"), filters)),
        sort.removeprefix("-"),
        sort.startswith("-"),
        _names(given, "include", query.includes, query, rules),
        {name: _fields(given[f"fields[{name}]"], name) for name in query.fields if f"fields[{name}]" in given},
        _additional(given, query),
        _size(given.get("page[size]"), query),
        given.get("page[cursor]", ""),
    )


def sparse(resource: dict[str, Any], selection: Selection) -> dict[str, Any]:
    """Return a resource with the attributes that its sparse fieldset names; all without one."""
    names = selection.fields.get(resource["type"])
    if names is None or "attributes" not in resource:
        return resource
    attributes = resource["attributes"]
    kept = {name: value for name, value in attributes.items() if name in names}
    for name in names:
        outer, _, inner = name.partition(".")
        if inner and outer not in names and isinstance(attributes.get(outer), dict):
            _copy_member(attributes[outer], kept.setdefault(outer, {}), inner)
    return {**resource, "attributes": kept}


def _copy_member(source: dict[str, Any], target: dict[str, Any], path: str) -> None:
    """Copy the member at a dotted path; a member whose own name has dots is found too."""
    if path in source:
        target[path] = source[path]
        return
    outer, _, inner = path.partition(".")
    if inner and isinstance(source.get(outer), dict):
        _copy_member(source[outer], target.setdefault(outer, {}), inner)


def _exists(query: Query, name: str, rules: Rules) -> bool:
    since = (query.sizes_since or "") if name == "page[size]" else query.since.get(name, "")
    return rules.revision >= since


def _fields(text: str, resource: str) -> frozenset[str]:
    names = frozenset(filter(None, text.split(",")))
    for name in names:
        outer, dot, inner = name.partition(".")
        members = _MEMBERS.get(outer, frozenset())
        if outer not in FIELDS[resource] or (dot and members is not None and inner not in members):
            detail = f"'{_shown(name)}' is not a valid field for the resource '{resource}'."
            raise RefusedError(400, detail, parameter=f"fields[{resource}]")
    return names


def _additional(given: Mapping[str, str], query: Query) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for resource, allowed in query.additional.items():
        parameter = f"additional-fields[{resource}]"
        names = frozenset(filter(None, given.get(parameter, "").split(",")))
        if names - set(allowed):
            raise _bad_value(parameter, min(names - set(allowed)))
        found |= names
    return found


def _names(
    given: Mapping[str, str], parameter: str, allowed: Collection[str], query: Query, rules: Rules
) -> frozenset[str]:
    names = frozenset(filter(None, given.get(parameter, "").split(",")))
    for name in names:
        if name not in allowed or rules.revision < query.since.get(f"{parameter}={name}", ""):
            raise _bad_value(parameter, name)
    return names


def _size(text: str | None, query: Query) -> int:
    if query.size is None:
        return 0
    usual, most = query.size
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):  # noqa: PLR2004 -- no size has ten digits
        raise RefusedError(400, f"Invalid page size: must be between 1 and {most}.", parameter="page[size]")
    return int(text)


def _bad_value(parameter: str, value: str) -> RefusedError:
    return RefusedError(400, f"'{_shown(value)}' is not a valid value of '{parameter}'.", parameter=parameter)


def _shown(text: str) -> str:
    return text[:100]
