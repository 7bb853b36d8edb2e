"""`klavier plan`: what would be sent, and that nothing else comes out."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run

GOOD = b"""\
{"type": "identify", "userId": "u1", "traits": {"email": "a@example.com"}, "messageId": "m1"}

{"type": "track", "userId": "u1", "event": "Checked Out", "properties": {"revenue": 2000}, "messageId": "m2"}
{"type": "page", "userId": "u1"}
"""


def objects(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_the_table_shows_events_requests_and_outcomes(run: Run, folder: Path) -> None:
    (folder / "events.jsonl").write_bytes(GOOD)
    result = run("plan", "events.jsonl")
    assert result.exit_code == 0
    assert result.stdout == (
        "  line  event                                               outcome\n"
        "     1  identify                                            delivered\n"
        "          POST /api/profile-import\n"
        "     3  track Checked Out                                   delivered\n"
        "          POST /api/events\n"
        "     4  page                                                skipped\n"
        "          because page calls have no meaning here\n"
        "\n"
        "3 events, 2 requests\n"
        "  delivered         2\n"
        "  skipped           1\n"
        "            1  page calls have no meaning here (line 4)\n"
        "Planned as little; nothing was sent.\n"
    )


def test_json_lines_hold_the_requests_whole(run: Run) -> None:
    first, second, third = objects(run("plan", "-", "--format", "jsonl", stdin=GOOD).stdout)
    assert first["requests"] == [
        {
            "method": "POST",
            "path": "/api/profile-import",
            "revision": "2026-10-15",
            "json": {"data": {"type": "profile", "attributes": {"external_id": "u1"}}},
        }
    ]
    assert (second["source"], second["line"], second["type"], second["name"], second["message_id"]) == (
        "standard input",
        3,
        "track",
        "Checked Out",
        "m2",
    )
    assert third["outcome"] == {
        "kind": "skipped",
        "reason": "page calls have no meaning here",
        "status": None,
        "retryable": False,
        "notes": [],
    }


def test_bodies_are_shown_on_demand(run: Run) -> None:
    assert '"external_id": "u1"' not in run("plan", "-", stdin=GOOD).stdout
    assert '"external_id": "u1"' in run("plan", "-", "--bodies", stdin=GOOD).stdout


def test_a_line_that_is_no_event_is_rejected_and_the_rest_goes_on(run: Run) -> None:
    result = run("plan", "-", stdin=b"nonsense\n" + GOOD)
    assert result.exit_code == 1
    assert "because not JSON at column 1" in result.stdout
    assert "  delivered         2\n" in result.stdout


def test_events_of_one_delivery_stand_together(run: Run, folder: Path) -> None:
    (folder / "settings.toml").write_text("batch_size = 2")
    result = run("plan", "-", "--settings", "settings.toml", "--format", "jsonl", stdin=GOOD)
    first, second, third = objects(result.stdout)
    assert len(first["requests"]) == 2
    assert (second["requests"], second["sent_with"]) == ([], 1)
    assert "sent_with" not in third
    assert "together with line 1" in run("plan", "-", "--settings", "settings.toml", stdin=GOOD).stdout
    alone = run("plan", "-", "--settings", "settings.toml", "--batch-size", "1", "--format", "jsonl", stdin=GOOD)
    assert [len(found["requests"]) for found in objects(alone.stdout)] == [1, 1, 0]


def test_device_mode_shows_browser_calls(run: Run, folder: Path) -> None:
    (folder / "settings.json").write_text('{"device": true}')
    result = run("plan", "-", "--settings", "settings.json", stdin=GOOD)
    assert "          klaviyo.track\n" in result.stdout
    assert ", 3 browser calls\n" in result.stdout
    shown = objects(run("plan", "-", "--settings", "settings.json", "--format", "jsonl", stdin=GOOD).stdout)
    assert shown[1]["browser_calls"] == [["track", "Checked Out", {}]]


def test_no_secret_is_shown_even_where_an_event_holds_it(run: Run) -> None:
    line = b'{"type": "track", "userId": "u", "event": "E", "properties": {"oops": "key pk_secret_one"}}'
    (found,) = objects(run("plan", "-", "--format", "jsonl", stdin=line).stdout)
    assert "pk_secret_one" not in json.dumps(found)
    assert found["requests"][0]["json"]["data"]["attributes"]["properties"] == {"oops": "(secret)"}


def test_a_key_of_one_letter_does_not_hide_every_text(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\nprivate_api_key = "u"')
    assert '"external_id":"u1"' in run("plan", "-", "--format", "jsonl", stdin=GOOD).stdout


def test_a_plan_needs_no_keys(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "little"\n[klaviyo]\nprivate_api_key = "${NOT_SET}"')
    result = run("plan", "-", stdin=GOOD)
    assert result.exit_code == 0
    assert result.stdout.endswith(
        "Planned as little with a placeholder for each key that is not set; nothing was sent.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["none.jsonl"], "Error: none.jsonl: there is no such file; pass a file of events, or - for standard input"),
        (["empty"], "Error: empty: is a folder without files; pass a file of events"),
        (["a\0b"], "the path cannot be used"),
        (["-", "--vendor", "litle"], "vendor: 'litle' is not known; did you mean 'little'?"),
        (["-", "--vendor", "nobody"], "install its plugin, or write one: klavier new-vendor nobody"),
        (["-", "--config", "other.toml"], "Error: other.toml: there is no such file; check the path"),
        (["-", "--settings", "other.json"], "Error: other.json: there is no such file; check the path"),
        (["-", "--settings", "bad.json"], "Error: bad.json: lst_id: unknown setting; did you mean 'list_id'?"),
        (["-", "--settings", "array.json"], "Error: array.json: must hold one JSON object of settings, not an array"),
        (["-", "--settings", "twice.json"], "Error: twice.json: list_id: the same key twice in one object"),
        (["-", "--settings", "klavier_plugin.py"], "Error: klavier_plugin.py: not TOML: "),
        (["-", "--format", "xml"], "Invalid value for '--format': 'xml' is not one of 'text', 'json'."),
        (["-", "--batch-size", "0"], "0 is not in the range 1<=x<=10000."),
    ],
)
def test_wrong_use_prints_the_problem_and_exits_with_2(
    arguments: list[str], problem: str, run: Run, folder: Path
) -> None:
    (folder / "empty").mkdir()
    (folder / "bad.json").write_text('{"lst_id": "x"}')
    (folder / "array.json").write_text("[]")
    (folder / "twice.json").write_text('{"list_id": "x", "list_id": "y"}')
    result = run("plan", *arguments, stdin=GOOD)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert result.stdout == ""


def test_all_mistakes_of_a_configuration_are_listed(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text('vendor = "litle"\n[klaviyo]\npublic_api_key = 1\n[vendors.little]\nx = 1')
    result = run("plan", "-", stdin=GOOD)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: klavier.toml: vendor: 'litle' is not known; did you mean 'little'?\n"
        "       klavier.toml: klaviyo.public_api_key: must be a string, not a number\n"
        "       klavier.toml: vendors.little.x: unknown setting; known are private_api_key, public_api_key, list_id, "
        "consent, batch_size, device\n"
    )


def test_without_a_choice_the_vendors_are_named(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text("")
    result = run("plan", "-", stdin=GOOD)
    assert result.exit_code == 2
    assert "no vendor: pass --vendor NAME or set it in klavier.toml (installed: " in result.stderr
