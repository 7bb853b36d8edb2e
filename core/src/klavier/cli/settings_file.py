"""The file of `--settings`: the settings of one vendor, alone or in a whole `klavier.toml`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import field, frozen

from klavier.config.toml import read_table
from klavier.errors import ConfigError
from klavier.settings import describe

if TYPE_CHECKING:
    from klavier.plugins import Plugins

_KEYS = ("private_api_key", "public_api_key")
_WHOLE = frozenset({"vendor", "vendors", "klaviyo"})
"""What only a whole configuration has at its top, unless a vendor has settings of these names."""


@frozen
class SettingsFile:
    """The content of a file of settings."""

    path: Path
    is_whole: bool
    """Whether it is a whole `klavier.toml`, of which one vendor's section counts."""
    data: Mapping[str, Any] = field(repr=False)

    @property
    def vendor(self) -> str | None:
        """The vendor that a whole configuration chooses; None for settings alone."""
        chosen = self.data.get("vendor") if self.is_whole else None
        return chosen if isinstance(chosen, str) else None

    @property
    def klaviyo(self) -> dict[str, Any]:
        """The account in a whole configuration."""
        section = self.data.get("klaviyo") if self.is_whole else None
        return dict(section) if isinstance(section, Mapping) else {}

    def settings_of(self, vendor: str) -> Any:
        """Return the settings of a vendor; raises `ConfigError` where the file is about another vendor."""
        if not self.is_whole:
            return dict(self.data)
        sections = self.data.get("vendors", {})
        if not isinstance(sections, Mapping):
            raise ConfigError(f"{self.path}: vendors: must be a table such as [vendors.{vendor}]")
        if vendor in sections or vendor == self.vendor:
            return sections.get(vendor, {})
        raise ConfigError(
            f"{self.path}: it has no [vendors.{vendor}]; its vendor is {self.vendor}: "
            f"choose that one, or pass a file with settings of {vendor}"
        )

    def fill_account(self, klaviyo: Mapping[str, Any], *, is_configured: bool) -> dict[str, Any]:
        """Return the account to use beside that of the configuration.

        Where a configuration `is_configured`, its account comes first, and only missing keys are filled in: its keys
        are never sent to an address of another file.  Without one the file's account counts, and the environment's
        keys fill in what it lacks.
        """
        if not is_configured:
            return {**klaviyo, **self.klaviyo}
        return {**{key: value for key, value in self.klaviyo.items() if key in _KEYS}, **klaviyo}


def read_settings(path: Path, vendor: str | None, plugins: "Plugins") -> SettingsFile:
    """Read a file of settings, of this vendor if one is named; raises `ConfigError` for one that cannot be read."""
    data = read_table(path)
    spec = plugins.vendors.get(vendor or "")
    own = {info.name for info in describe(spec.settings)} if spec is not None else set()
    return SettingsFile(Path(click.format_filename(path)), bool((_WHOLE - own) & set(data)), data)
