"""The vendor is one line: change it, and nothing else, and the same events arrive as another vendor sends them."""

import json
from pathlib import Path
from typing import Any

import pytest

from klavier.plugins import installed_plugins
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run

VENDORS = sorted(installed_plugins().vendors)
CONFIG = """
vendor = "{vendor}"

[klaviyo]
private_api_key = "pk_sandbox"
public_api_key = "SNDBX1"
base_url = "{url}"

[vendors.rudderstack]
list_id = "XUepkK"

[vendors.segment-classic]
list_id = "XUepkK"
use_segment_spec = true

[vendors.segment-actions]

[vendors.freshpaint]
use_email_as_identifier = false
"""
EVENTS: list[dict[str, Any]] = [
    {
        "type": "identify",
        "userId": "u1",
        "messageId": "m1",
        "timestamp": "2024-03-01T10:00:00Z",
        "traits": {"email": "ada@shop.test", "firstName": "Ada"},
    },
    {
        "type": "track",
        "userId": "u1",
        "messageId": "m2",
        "timestamp": "2024-03-01T10:01:00Z",
        "event": "Signed Up",
        "properties": {"plan": "pro"},
        "context": {"traits": {"email": "ada@shop.test"}},
    },
]


@pytest.mark.parametrize("second", VENDORS)
@pytest.mark.parametrize("first", VENDORS)
def test_one_line_swaps_the_vendor(run: Run, folder: Path, first: str, second: str) -> None:
    (folder / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in EVENTS))
    held = []
    for vendor in (first, second):
        with SandboxServer(Sandbox(unknown_lists="create")) as server:
            (folder / "klavier.toml").write_text(CONFIG.format(vendor=vendor, url=server.url))
            result = run("send", "events.jsonl", "--format", "jsonl")
            held.append(server.sandbox.comparable())
        assert result.exit_code == 0, result.output
        assert [json.loads(line)["outcome"]["kind"] for line in result.stdout.splitlines()] == ["delivered"] * 2
    for account in held:
        assert [row["metric"] for row in account["events"]] == ["Signed Up"]
        assert [profile["identifiers"]["email"] for profile in account["profiles"]] == ["ada@shop.test"]
