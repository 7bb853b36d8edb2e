"""Every setting of every vendor of this repository stands in the vendor's page, in backticks."""

import pytest

from klavier.plugins import installed_plugins
from klavier.settings import describe
from tests.support.repository import ROOT
from tests.support.repository import VENDORS as PLUGINS

VENDORS = [plugin.name for plugin in PLUGINS]


@pytest.mark.parametrize("name", VENDORS)
def test_the_page_of_a_vendor_names_its_settings(name: str) -> None:
    text = (ROOT / "docs" / "vendors" / f"{name}.md").read_text("utf-8")
    settings = describe(installed_plugins().vendor(name).settings)
    assert settings
    assert [setting.name for setting in settings if f"`{setting.name}`" not in text] == []


@pytest.mark.parametrize("name", VENDORS)
def test_every_setting_says_what_it_is_for(name: str) -> None:
    settings = describe(installed_plugins().vendor(name).settings)
    assert [setting.name for setting in settings if not setting.doc.endswith(".")] == []


@pytest.mark.parametrize("name", VENDORS)
def test_keys_are_secret(name: str) -> None:
    """A private key is filled from the `[klaviyo]` section, and kept out of reprs and messages."""
    keys = {s.name: s for s in describe(installed_plugins().vendor(name).settings) if s.klaviyo == "private_api_key"}
    assert keys
    assert all(key.secret for key in keys.values())


@pytest.mark.parametrize("name", VENDORS)
def test_the_overview_tells_install_and_connection_modes(name: str) -> None:
    overview = (ROOT / "docs" / "vendors" / "index.md").read_text("utf-8")
    (row,) = (line for line in overview.splitlines() if f"`pip install 'klavier[{name}]'`" in line)
    names = [setting.name for setting in describe(installed_plugins().vendor(name).settings)]
    assert row.endswith("| cloud, device |" if "connection_mode" in names else "| cloud |")
