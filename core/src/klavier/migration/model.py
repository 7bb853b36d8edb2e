"""The result of a migration: the new settings, what is carried over, what is not, and what is left to decide."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import asdict, field, frozen

from klavier.migration.portable import Decision
from klavier.migration.terms import plain
from klavier.settings import fill_from_klaviyo
from klavier.vendor import VendorSpec


@frozen
class Carried:
    """A setting of the old vendor that is kept whole, or that does nothing beside the other settings (`is_idle`)."""

    setting: str
    is_idle: bool = False


@frozen
class NotCarried:
    """Something that the new vendor does differently, whatever is set.

    `term` is its name, `settings` are those of the old vendor that decided it (none: it was its nature),
    `lines` are what it was and what it becomes, `consequence` what that means in Klaviyo. `before` and `after` are the
    same in two columns, a pair of texts for each line. `fine` marks corner cases.
    `touches` names the parts of a Klaviyo account that it can show in; `"*"` stands for all.
    """

    term: str
    about: str
    lines: tuple[str, ...]
    consequence: str
    settings: tuple[str, ...] = ()
    fine: bool = False
    touches: tuple[str, ...] = ("*",)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@frozen
class Migration:
    """From one vendor's settings to another's.

    `settings` is plain data for `klavier.load_vendor(target, ...)`, without the keys of the Klaviyo account: those
    stand in `klaviyo`, as references to environment variables where they are secret, and fill the vendor's settings
    by `filled`. Secrets among the settings are such references too; `to_set` lists the variables that have to be set.

    `carried` are the settings of the old vendor that are kept; `not_carried` is what cannot be carried over, by
    settings or by nature; `decisions` is what a person has to look at, with the choice that was made.
    """

    source: str
    target: str
    settings: Mapping[str, Any] = field(repr=False)
    klaviyo: Mapping[str, str] = field(repr=False)
    carried: tuple[Carried, ...]
    not_carried: tuple[NotCarried, ...]
    decisions: tuple[Decision, ...]
    to_set: tuple[str, ...]
    spec: VendorSpec = field(repr=False, eq=False)
    """The target."""

    @property
    def is_complete(self) -> bool:
        """Whether all was carried over and nothing is left to decide."""
        return not self.not_carried and not self.decisions

    def filled(self, private_api_key: str = "", public_api_key: str = "") -> dict[str, Any]:
        """Return the settings with the keys of an account, for `klavier.load_vendor`."""
        keys = {"private_api_key": private_api_key or None, "public_api_key": public_api_key or None}
        return fill_from_klaviyo(self.spec.settings, self.settings, keys)

    def to_toml(self) -> str:
        """Write a whole `klavier.toml`, with a comment above each line that needs a decision."""
        from klavier.migration.toml import write_toml  # noqa: PLC0415 -- tomlkit is for those who ask for a file

        return write_toml(self.target, self.klaviyo, plain(self.settings), self.decisions)

    def report(self) -> str:
        """Write the lists as plain text: what is carried over, to decide, lost, and to be set."""
        return "\n".join(_report_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON data; it contains no secret."""
        return {
            "from": self.source,
            "to": self.target,
            "klaviyo": dict(self.klaviyo),
            "settings": plain(self.settings),
            "carried": [asdict(each) for each in self.carried],
            "not_carried": [plain(asdict(each)) for each in self.not_carried],
            "decisions": [asdict(each) for each in self.decisions],
            "to_set": list(self.to_set),
        }


def _report_lines(migration: Migration) -> Iterator[str]:
    """Write the lists: what was carried over, what a person must decide, what cannot be carried over, what to set."""
    main = [each for each in migration.not_carried if not each.fine]
    fine = [each for each in migration.not_carried if each.fine]
    kept = [each for each in migration.carried if not each.is_idle]
    yield from _list("Carried over", [each.setting for each in kept])
    yield from _list(
        "Without effect beside the other settings, so not carried over",
        [each.setting for each in migration.carried if each.is_idle],
    )
    yield from _list("You must decide", [f"{each.place}: {each.text}" for each in migration.decisions])
    title_of_main = "What changes" if migration.source == migration.target else "Cannot be carried over"
    for title, some in ((title_of_main, main), ("Small print", fine)):
        if some:
            yield f"{title} ({len(some)})"
            for each in some:
                yield from _difference(each)
            yield ""
    yield from _list("Set in the environment", list(migration.to_set))
    if migration.is_complete:
        yield "All was carried over."


def _list(title: str, lines: list[str]) -> Iterator[str]:
    if lines:
        yield f"{title} ({len(lines)})"
        yield from (f"  - {line}" for line in lines)
        yield ""


def _difference(each: NotCarried) -> Iterator[str]:
    by = f" (set by {', '.join(each.settings)})" if each.settings else ""
    yield f"  - {each.about}{by}"
    yield from (f"      {line}" for line in each.lines)
    yield f"      {each.consequence}"
