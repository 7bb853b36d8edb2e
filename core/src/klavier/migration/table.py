"""Reading and writing settings by a table of rows: what most vendors need for migrations.

The rows are data, one for each setting, and one for each thing that the vendor does by nature::

    Table((
        Sets("list_id", "list_id"),
        Chooses("enforce_email", "user_id", ((True, "custom property id"), (False, "external id"))),
        Does("joins", {"always": "confirms"}, when={"confirm_optin": (None, True)}),
    ))

Of several rows for one term the first whose `when` holds counts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
from attrs import field, frozen

from klavier.migration.portable import Decision, Written
from klavier.migration.terms import Reading, is_nothing, plain, same
from klavier.settings import describe

When = Mapping[str, Any]
"""Values of other settings under which a row counts; a tuple holds alternatives."""


@frozen
class Sets:
    """A setting that holds the value of a term.

    Of a list, the members `without` are for other rows. With `as_list` one text stands for a list of it, and an empty
    list for nothing.
    """

    setting: str
    term: str
    when: When = field(factory=dict, kw_only=True)
    without: tuple[str, ...] = field(default=(), kw_only=True)
    as_list: bool = field(default=False, kw_only=True)

    def value(self, given: Any) -> Any:
        """Return the value of the term for a value of the setting: a tuple for lists, plain data for tables."""
        if attrs.has(type(given)):
            return attrs.asdict(given)
        if self.as_list and isinstance(given, str):
            given = (given,) if given else ()
        if not isinstance(given, (tuple, list)):
            return given
        kept = tuple(member for member in given if member not in self.without)
        return None if self.as_list and not kept else kept

    def fragment(self, wanted: Any, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is written for a wanted value."""
        if is_nothing(wanted) and not isinstance(wanted, (tuple, list)):
            return {}
        taken = [*before.get(self.setting, ()), *wanted] if self.without else wanted
        return {self.setting: plain(taken)}


@frozen
class Chooses:
    """A setting whose values stand for values of a term: pairs of both; the first pair that is wanted is written.

    `nearest` has triples for wanted values that no pair has: the value, what is written for it, and why a person
    should look at it (empty where there is nothing to decide).
    """

    setting: str
    term: str
    pairs: tuple[tuple[Any, Any], ...]
    when: When = field(factory=dict, kw_only=True)
    nearest: tuple[tuple[Any, Any, str], ...] = field(default=(), kw_only=True)

    def value(self, given: Any) -> Any:
        """Return the value of the term for a value of the setting."""
        return next((meant for value, meant in self.pairs if plain(value) == plain(given)), None)

    def fragment(self, wanted: Any, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is written for a wanted value."""
        if self.setting in before:  # another row, for another term, chose first
            return {}
        choices = (
            *((meant, value) for value, meant in self.pairs),
            *((meant, value) for meant, value, _ in self.nearest),
        )
        return next(({self.setting: value} for meant, value in choices if same(meant, wanted)), {})


@frozen
class Names:
    """A member of a list setting that turns a term to a value, such as the name of an event that is sent."""

    setting: str
    term: str
    member: str
    meant: Any
    when: When = field(factory=dict, kw_only=True)

    def value(self, given: Any) -> Any:
        """Return the value of the term for a value of the setting."""
        return self.meant if self.member in given else None

    def fragment(self, wanted: Any, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is written for a wanted value; `before` is what other rows wrote."""
        return {self.setting: [*before.get(self.setting, ()), self.member]} if same(wanted, self.meant) else {}


@frozen
class Does:
    """What the vendor does by nature, or by settings that `when` names; `by` names settings that only add to it."""

    term: str
    value: Any
    when: When = field(factory=dict, kw_only=True)
    by: tuple[str, ...] = field(default=(), kw_only=True)


@frozen
class Asks:
    """A question for a person wherever a setting was written with this value."""

    setting: str
    value: Any
    text: str
    when: When = field(factory=dict, kw_only=True)


@frozen
class Needs:
    """A key of `[klaviyo]` that the vendor cannot do without."""

    key: str
    when: When = field(factory=dict, kw_only=True)


Row = Sets | Chooses | Names | Does | Asks | Needs


@frozen
class Table:
    """A vendor's settings as terms: `settings` is its settings class, `rows` the table."""

    settings: type[Any]
    rows: Sequence[Row]

    def read(self, settings: Any) -> Reading:
        """Describe what the vendor does under structured settings."""
        values = _values(settings)
        found: dict[str, Any] = {}
        for row in self.rows:
            if isinstance(row, (Asks, Needs)) or row.term in found or not _holds(row.when, values):
                continue
            found[row.term] = row.value if isinstance(row, Does) else row.value(values[row.setting])
        return found

    def write(self, wanted: Reading) -> Written:
        """Return the settings that come nearest to what is wanted, those with their default left out."""
        defaults = {info.name: info.default for info in describe(self.settings)}
        found: dict[str, Any] = {}
        decisions: list[Decision] = []
        for row in self.rows:
            values = {**defaults, **found}
            if not _holds(row.when, values):
                continue
            if isinstance(row, Asks):
                if plain(values[row.setting]) == plain(row.value):
                    decisions.append(Decision(row.setting, row.text))
            elif not isinstance(row, (Does, Needs)):
                found |= row.fragment(wanted.get(row.term), found)
                decisions.extend(_nearest(row, wanted))
        kept = {name: value for name, value in found.items() if plain(value) != plain(defaults[name])}
        return Written(kept, tuple(decisions))

    def decides(self, settings: Any, setting: str) -> frozenset[str] | None:
        """Return the terms that one setting affects; None for a setting that no row mentions."""
        values = _values(settings)
        about = [row for row in self.rows if not isinstance(row, (Asks, Needs)) and _is_about(row, setting)]
        if not about:
            return None
        return frozenset(
            row.term
            for row in about
            if _holds({name: value for name, value in row.when.items() if name != setting}, values)
        )

    def needs(self, settings: Any) -> frozenset[str]:
        """Return the keys of `[klaviyo]` that the vendor cannot do without under these settings."""
        values = _values(settings)
        return frozenset(row.key for row in self.rows if isinstance(row, Needs) and _holds(row.when, values))


def _values(settings: Any) -> dict[str, Any]:
    return {attribute.name: getattr(settings, attribute.name) for attribute in attrs.fields(type(settings))}


def _holds(when: When, values: Mapping[str, Any]) -> bool:
    return all(
        any(
            values[name] == each and type(values[name]) is type(each)
            for each in (meant if isinstance(meant, tuple) else (meant,))
        )
        for name, meant in when.items()
    )


def _is_about(row: Sets | Chooses | Names | Does, setting: str) -> bool:
    return setting in row.when or setting in (row.by if isinstance(row, Does) else (row.setting,))


def _nearest(row: Sets | Chooses | Names, wanted: Reading) -> Iterator[Decision]:
    for meant, _, why in row.nearest if isinstance(row, Chooses) else ():
        if why and same(meant, wanted.get(row.term)):
            yield Decision(row.setting, why)
