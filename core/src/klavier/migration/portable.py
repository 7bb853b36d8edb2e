"""What a vendor offers for migrations: its settings read as terms, and settings written from terms."""

from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, frozen

from klavier.migration.terms import Reading


@frozen
class Decision:
    """Something that a person has to decide: where it stands in the new settings, and what was chosen so far and why.

    `place` is a path such as `api_version` or `mappings[1].trigger`.
    """

    place: str
    text: str


@frozen
class Written:
    """Settings as plain data, with the decisions that they ask for."""

    settings: Mapping[str, Any] = field(factory=dict, repr=False)
    decisions: tuple[Decision, ...] = ()


class Portable(Protocol):
    """How a vendor's settings are read into the vocabulary of migrations, and written from it.

    `klavier.migration.Table` does it by rows of data; a vendor whose settings are a language of their own brings its
    own class. Both are pure functions of their arguments.
    """

    def read(self, settings: Any) -> Reading:
        """Describe what the vendor does under structured settings: by what they set, and by its nature.

        A key that is no term of `klavier.migration.TERMS` names a part of the settings without a term; its
        value describes it.
        """

    def write(self, wanted: Reading) -> Written:
        """Return the settings under which the vendor comes nearest to what is wanted, as plain data without keys."""

    def decides(self, settings: Any, setting: str) -> frozenset[str] | None:
        """Return the terms that one setting affects, with the others unchanged.

        Empty where it is idle beside the others, None where no term stands for what it does.
        """

    def needs(self, settings: Any) -> frozenset[str]:
        """Return the keys of `[klaviyo]` that the vendor cannot do without under these settings."""
