"""Plugins that are broken, each in its way: `klavier vendors` says so, and the others work on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer

VENDOR = """
import klavier
from attrs import frozen

@frozen
class Settings:
    pass

class Vendor(klavier.Vendor):
    name = "NAME"
    settings = Settings()

    def deliveries(self, events):
        raise RuntimeError("ada@shop.test")

@klavier.hookimpl
def klavier_vendors():
    return [klavier.VendorSpec("NAME", "Raises.", SETTINGS, lambda _: Vendor())]
"""

BROKEN = {
    "raises-at-import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "leaves-at-import": ("raise SystemExit(3)", "SystemExit: 3"),
    "is-no-python": ("def (:", "SyntaxError: invalid syntax"),
    "needs-what-is-not-there": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "misspells-a-hook": (
        "import klavier\n@klavier.hookimpl\ndef klavier_vendor(): return []",
        "PluginValidationError: unknown hook 'klavier_vendor'",
    ),
    "misspells-an-argument": (
        "import klavier\n@klavier.hookimpl\ndef klavier_transform_event(evnet): return None",
        "evnet",
    ),
    "has-no-settings-class": (
        VENDOR.replace("NAME", "odd").replace("SETTINGS", "dict"),
        "the settings of vendor 'odd' are no attrs class",
    ),
    "takes-anothers-name": (
        VENDOR.replace("NAME", "rudderstack").replace("SETTINGS", "Settings"),
        "vendor 'rudderstack' is registered already; rename one",
    ),
    "raises-in-registering": (
        "import klavier\n@klavier.hookimpl\ndef klavier_vendors(): raise LookupError('nothing here')",
        "LookupError: nothing here",
    ),
    "raises-in-commands": (
        "import klavier\n@klavier.hookimpl\ndef klavier_commands(group): raise LookupError('no command')",
        "LookupError: no command",
    ),
}
"""The source of each, and what is said of it."""

FAILING = {
    "fails-deliveries": (VENDOR.replace("NAME", "fails").replace("SETTINGS", "Settings"), "fails"),
    "fails-transforming": (
        "import klavier\n@klavier.hookimpl\ndef klavier_transform_event(event): raise LookupError('ada@shop.test')",
        "rudderstack",
    ),
    "fails-observing": (
        "import klavier\n@klavier.hookimpl\ndef klavier_event_outcome(event): raise LookupError('ada@shop.test')",
        "rudderstack",
    ),
    "fails-reading": (
        "import klavier\n@klavier.hookimpl\ndef klavier_read_event(payload): raise LookupError('ada@shop.test')",
        "rudderstack",
    ),
}
"""Plugins whose faults show only with events, and the vendor to send these to."""

TRACK = {"type": "track", "event": "A", "userId": "u1", "messageId": "m1"}


def install(folder: Path, name: str, source: str) -> None:
    """Put a module and the metadata of a distribution into a folder, as an installer would."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[klavier]\n{name} = {module}\n")


def klavier(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "1000", "KLAVIYO_PRIVATE_API_KEY": "pk_sandbox"}
    command = [sys.executable, "-m", "klavier", *arguments]
    return subprocess.run(command, cwd=folder, env=environ, input=given, capture_output=True, text=True, check=False)  # noqa: S603 -- ours


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, (source, _) in BROKEN.items():
        install(folder, name, source)
    return folder


@pytest.fixture(scope="module")
def listed(folder: Path) -> subprocess.CompletedProcess[str]:
    return klavier(folder, "vendors")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_reported(listed: subprocess.CompletedProcess[str], name: str) -> None:
    (line,) = (line for line in listed.stdout.splitlines() if line.startswith(f"broken  {name}: "))
    assert BROKEN[name][1] in line


def test_broken_plugins_do_not_stop_a_command(folder: Path, listed: subprocess.CompletedProcess[str]) -> None:
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()[:4]] == [
        "freshpaint",
        "rudderstack",
        "segment-actions",
        "segment-classic",
    ]
    planned = klavier(folder, "plan", "-", "--vendor", "rudderstack", given=json.dumps(TRACK))
    assert planned.returncode == 0, planned.stderr
    assert {name for name in BROKEN if f"plugin {name} was not loaded" in planned.stderr} == set(BROKEN) - {
        "raises-in-commands"
    }


@pytest.mark.parametrize(
    ("name", "event", "exit_code", "said"),
    [
        ("fails-deliveries", TRACK, 1, "vendor fails raised RuntimeError while translating"),
        ("fails-transforming", TRACK, 1, "plugin fails-transforming raised LookupError in a transformation"),
        ("fails-observing", TRACK, 0, "plugin fails-observing raised LookupError on an outcome"),
        ("fails-reading", TRACK, 0, "delivered"),
        ("fails-reading", {"post": 1}, 1, "plugin fails-reading raised LookupError in reading the event"),
    ],
)
def test_a_plugin_that_fails_is_named(tmp_path: Path, name: str, event: object, exit_code: int, said: str) -> None:
    source, vendor = FAILING[name]
    install(tmp_path, name, source)
    with SandboxServer(Sandbox()) as server:
        sent = klavier(tmp_path, "send", "-", "--vendor", vendor, "--sandbox", server.url, given=json.dumps(event))
    assert sent.returncode == exit_code, sent.stderr
    assert said in sent.stdout + sent.stderr
    assert "ada@shop.test" not in sent.stdout + sent.stderr
