"""The result of a migration: the new settings, what is carried over, what is not, and what is left to decide."""

from collections.abc import Mapping
from typing import Any

from attrs import field, frozen

from klavier.migration.json_output import migration_object
from klavier.migration.portable import Decision
from klavier.migration.report import report_lines
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
        from klavier.migration.toml import written  # noqa: PLC0415 -- tomlkit is for those who ask for a file

        return written(self)

    def report(self) -> str:
        """Write the lists as plain text: what is carried over, to decide, lost, and to be set."""
        return "\n".join(report_lines(self))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON data."""
        return migration_object(self)
