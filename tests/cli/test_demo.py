"""`klavier demo`: sample events delivered to a sandbox in the process."""

import json
from pathlib import Path

import pytest

from klavier.cli.demo import _samples
from klavier.plugins import Plugins, installed_plugins
from tests.cli.conftest import Run
from tests.support import little_vendor

VENDORS = sorted(installed_plugins().vendors)


@pytest.mark.parametrize("vendor", VENDORS)
def test_it_works_with_every_installed_vendor(vendor: str, run: Run) -> None:
    result = run("demo", "--vendor", vendor)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"As {vendor} would send them, delivered to a sandbox in this process:\n")
    assert "  delivered " in result.stdout
    assert "  failed " not in result.stdout
    assert "raised" not in result.stdout
    assert "email:alex@example.com" in result.stdout.partition("The data in Klaviyo afterwards")[2]


def test_it_needs_no_configuration_and_reads_none(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text("this is no TOML")
    (folder / "klavier_plugin.py").write_text("raise SystemExit(7)")
    assert run("demo", "--vendor", "rudderstack").exit_code == 0


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the little vendor."""
    plugins = Plugins()
    plugins.register(little_vendor)
    monkeypatch.setattr("klavier.cli.demo.installed_plugins", lambda: plugins)


@pytest.mark.usefixtures("little")
def test_your_own_events(run: Run, folder: Path) -> None:
    (folder / "mine.jsonl").write_text(
        '{"type": "track", "userId": "u1", "event": "Sang", "messageId": "m"}\nnonsense\n'
    )
    result = run("demo", "mine.jsonl", "--vendor", "little")
    assert result.exit_code == 1
    assert "          POST /api/events  202\n" in result.stdout
    assert "because not JSON at column 1" in result.stdout
    assert "\n  Sang    1\n" in result.stdout


@pytest.mark.usefixtures("little")
def test_the_settings_may_be_given(run: Run, folder: Path) -> None:
    (folder / "settings.toml").write_text("batch_size = 100")
    assert "together with line 1" in run("demo", "--vendor", "little", "--settings", "settings.toml").stdout


def test_the_samples_are_events_with_ids() -> None:
    payloads = [json.loads(line.text) for line in _samples("any")]
    assert {payload["type"] for payload in payloads} >= {"identify", "track", "page", "screen", "group"}
    assert len({payload["messageId"] for payload in payloads}) == len(payloads)


def test_a_vendor_that_is_not_installed(run: Run) -> None:
    result = run("demo", "--vendor", "nobody")
    assert result.exit_code == 2
    assert "'nobody' is not known; installed are " in result.stderr
