"""Whatever a file holds, the command answers with outcomes or a message, never with a traceback."""

import json
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klavier.plugins import Plugins
from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.cli.conftest import Run, invoke

GOOD = b'{"type":"track","userId":"u1","event":"Fine","messageId":"m"}'

EVENT = b'{"type":"track","userId":"u1","event":"E","properties":{"x":%s}}'

LINES = {
    "no JSON": (b"nonsense", "not JSON at column 1"),
    "cut off": (b'{"type": "track"', "not JSON at column 17"),
    "an array": (b"[]", "an event is a JSON object, not an array: write one object on each line"),
    "a string": (b'"track"', "an event is a JSON object, not a string"),
    "null": (b"null", "an event is a JSON object, not null"),
    "NaN": (EVENT % b"NaN", "properties.x: NaN or infinity is not JSON; leave the member out or send null"),
    "infinity": (EVENT % b"-Infinity", "properties.x: NaN or infinity is not JSON"),
    "deep nesting": (EVENT % (b"[" * 10_000 + b"]" * 10_000), "nested deeper than 250 levels; flatten it"),
    "deep objects": (EVENT % (b'{"a":' * 10_000 + b"1" + b"}" * 10_000), "nested deeper than 250 levels; flatten it"),
    "half a surrogate pair": (EVENT % b'"\\ud800"', "half a surrogate pair"),
    "the same key twice": (b'{"type":"track","type":"page"}', "the same key twice in one object"),
    "a huge integer": (EVENT % (b"9" * 30), "an integer beyond 64 bits; send it as a string"),
    "thousands of digits": (EVENT % (b"9" * 5000), "an integer beyond 64 bits; send it as a string"),
    "a number beyond a float": (EVENT % b"1e999", "not JSON"),
    "Latin-1": (EVENT % b'"\xe9"', "not UTF-8 at byte"),
    "UTF-16": ("\ufeff{}".encode("utf-16-le"), "not UTF-8 at byte 0"),
    "binary": (bytes(range(256)).replace(b"\n", b""), "not UTF-8 at byte"),
    "no type": (b"{}", "no event type: send 'type'"),
    "an unknown type": (b'{"type":"purchase"}', "unknown event type 'purchase'"),
    "a type that is no text": (b'{"type":{"a":1}}', "unknown event type (an object)"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_bad_line_is_one_rejected_outcome_that_names_its_place(name: str, run: Run) -> None:
    line, problem = LINES[name]
    result = run("plan", "-", "--format", "jsonl", stdin=GOOD + b"\n" + line + b"\n" + GOOD)
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [item["outcome"]["kind"] for item in found] == ["delivered", "rejected", "delivered"]
    assert found[1]["outcome"]["reason"].startswith("standard input line 2: ")
    assert problem in found[1]["outcome"]["reason"]
    assert found[1]["requests"] == []


BEYOND_BOUNDS = {
    "bytes": (EVENT % (b'"' + b"x" * 5_000_000 + b'"'), "the event has more than 5000000 bytes"),
    "user id": (
        GOOD.replace(b'"u1"', b'"' + b"@" * 20_000 + b'"'),
        "userId has more than 1000 characters; send a shorter id",
    ),
    "message id": (
        GOOD.replace(b'"m"', b'"' + b"m" * 1001 + b'"'),
        "messageId has more than 1000 characters",
    ),
}


@pytest.mark.parametrize("name", BEYOND_BOUNDS)
def test_an_event_that_klaviyo_can_never_take_is_one_rejected_line(name: str, run: Run, folder: Path) -> None:
    event, problem = BEYOND_BOUNDS[name]
    (folder / "events.jsonl").write_bytes(b"\n".join([GOOD, event, GOOD]))
    with SandboxServer(Sandbox("pk_secret_one")) as server:
        sent = run("send", "events.jsonl", "--sandbox", server.url)
    planned = run("plan", "events.jsonl")
    for result in (sent, planned):
        assert result.exit_code == 1
        assert "  delivered         2\n  rejected          1\n" in result.stdout
        assert problem in result.stdout
        assert "xxxx" not in result.stdout
        assert "@@@@" not in result.stdout


def test_blanks_do_not_count(run: Run) -> None:
    result = run("plan", "-", stdin=GOOD.replace(b"{", b"{" + b" " * 5_000_001, 1))
    assert "  delivered         1\n" in result.stdout


def test_a_line_larger_than_anything_is_refused_and_the_rest_goes_on(run: Run) -> None:
    result = run("plan", "-", stdin=EVENT % (b'"' + b"x" * 17_000_000 + b'"') + b"\n" + GOOD)
    assert "because longer than 16777216 bytes; send smaller events" in result.stdout
    assert "  delivered         1\n" in result.stdout


def test_a_byte_order_mark_and_windows_line_ends_are_no_mistake(run: Run) -> None:
    assert run("plan", "-", stdin=b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD + b"\r\n").exit_code == 0


def test_an_empty_file_is_no_mistake(run: Run) -> None:
    result = run("plan", "-", stdin=b"")
    assert result.exit_code == 0
    assert "0 events, 0 requests\n" in result.stdout


@pytest.mark.parametrize("command", ["plan", "send", "demo"])
def test_a_file_that_cannot_be_opened_is_named(command: str, run: Run, folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(folder / "socket")[-100:] if len(str(folder)) < 90 else "socket")
        for name, problem in (
            ("none.jsonl", "there is no such file"),
            (".", "klavier.toml: is no file of events; move it elsewhere, or pass the files by name"),
            ("x" * 5000, "cannot be read: File name too long"),
            ("a\0b", "cannot be read: the path cannot be used"),
            ("socket", "socket: cannot be read: No such device or address"),
        ):
            result = run(command, name, "--vendor", "little")
            assert (result.exit_code, result.stdout) == (2, "")
            assert problem in result.stderr


CONFIGURATIONS = {
    "no TOML": (b"vendor = ", "klavier.toml: not TOML: Invalid value"),
    "a key twice": (b'vendor = "little"\nvendor = "little"', "klavier.toml: not TOML: Cannot overwrite a value"),
    "Latin-1": (b'vendor = "little"\nx = "\xe9"', "klavier.toml: not UTF-8 text in line 2; save it as UTF-8"),
    "binary": (b"\x00\x01\x02", "klavier.toml: not TOML"),
    "deep nesting": (b"x = " + b"[" * 10_000, "klavier.toml: not a configuration: nested too deep"),
    "an unknown vendor": (b'vendor = "nobody"', "'nobody' is not known"),
    "an unknown setting": (b'vendor = "little"\n[vendors.little]\nlst_id = "x"', "did you mean 'list_id'?"),
    "a wrong kind": (b'vendor = "little"\n[vendors.little]\nlist_id = 3', "vendors.little.list_id: must be a string"),
    "a date": (b'vendor = "little"\n[vendors.little]\nlist_id = 2026-11-22', "list_id: must be a string"),
    "a variable": (b'vendor = "little"\n[vendors.little]\nlist_id = "${NOT_SET}"', "variable NOT_SET is not set"),
    "no vendor": (b"", "no vendor: pass --vendor NAME"),
    "a misspelled vendor": (b'vendr = "little"', "klavier.toml: vendr: unknown key; did you mean 'vendor'?"),
    "text without quotes": (b"vendor = little", 'write NAME = "TEXT", each name once in its table'),
    "a variable without braces": (
        b'vendor = "little"\n[klaviyo]\nprivate_api_key = "$KEY"',
        "klaviyo.private_api_key: a variable is written in braces, such as ${KLAVIYO_PRIVATE_API_KEY}",
    ),
    "a variable without end": (b'vendor = "little"\n[klaviyo]\nprivate_api_key = "${KEY"', "has no closing '}'"),
    "a private key as the public one": (
        b'vendor = "little"\n[klaviyo]\npublic_api_key = "pk_0123"',
        "klaviyo.public_api_key: is a private key (pk_...)",
    ),
    "an empty write key": (
        b'vendor = "little"\n[gateway.sources.web]\nwrite_key = ""',
        "gateway.sources.web.write_key: must have at least 8 plain characters",
    ),
    "a vendor that is no text": (b"vendor = 3", "klavier.toml: vendor: must be a string, not a number"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize("command", ["plan", "send"])
def test_an_invalid_configuration_prints_the_problem_and_exits_with_2(
    command: str, name: str, run: Run, folder: Path
) -> None:
    content, problem = CONFIGURATIONS[name]
    (folder / "klavier.toml").write_bytes(content)
    result = run(command, "-", stdin=GOOD)
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr


@pytest.mark.parametrize(
    "command", [["run"], ["serve"], ["status"], ["dead", "list"], ["dead", "show", "1"]], ids=" ".join
)
def test_a_command_without_vendor_option_asks_for_a_configuration(command: list[str], run: Run, folder: Path) -> None:
    (folder / "klavier.toml").write_text("")
    assert "Error: no vendor: set it in klavier.toml (installed: " in run(*command).stderr
    (folder / "klavier.toml").unlink()
    result = run(*command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no klavier.toml in this folder: write one with klavier init, or pass --config FILE" in result.stderr


def test_without_any_vendor_the_remedy_is_to_install_one(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "klavier.toml").unlink()
    (folder / "klavier_plugin.py").unlink()
    monkeypatch.setattr("klavier.cli.setup.installed_plugins", Plugins)
    assert run("plan", "-").stderr == "Error: no vendor is installed; try: pip install 'klavier[rudderstack]'\n"


def test_a_comparison_names_the_side_that_lacks_its_vendor(run: Run, folder: Path) -> None:
    (folder / "klavier.toml").unlink()
    assert "no vendor: pass --to NAME" in run("diff", "-", "--from", "rudderstack", stdin=GOOD).stderr
    assert "no vendor: pass --from NAME" in run("diff", "-", "--to", "rudderstack", stdin=GOOD).stderr


anything = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.usefixtures("folder")
@anything
@given(st.lists(st.binary(max_size=30) | st.sampled_from([GOOD, *(line for line, _ in LINES.values())]), max_size=5))
def test_any_file_gives_one_outcome_for_each_line(lines: list[bytes]) -> None:
    content = b"\n".join([GOOD, *lines])  # the first line shows that it is JSON Lines
    result = invoke("plan", "-", "--format", "json", stdin=content)
    assert result.exit_code in (0, 1)
    assert result.stderr == ""
    kept = [line for line in content.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip(b" \t\r\n")]
    assert len(result.stdout.splitlines()) == len(kept)


@anything
@given(
    content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), name=st.sampled_from(["s.json", "s.toml"])
)
def test_any_settings_are_accepted_or_refused_with_a_message(folder: Path, content: bytes, name: str) -> None:
    (folder / name).write_bytes(content)
    result = invoke("plan", "-", "--settings", name, stdin=GOOD)
    assert result.exit_code in (0, 2)
    assert bool(result.stderr) == (result.exit_code == 2)


@anything
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_configuration_is_accepted_or_refused_with_a_message(folder: Path, content: bytes) -> None:
    (folder / "klavier.toml").write_bytes(content)
    result = invoke("plan", "-", "--vendor", "little", stdin=GOOD)
    assert result.exit_code in (0, 2)
    assert bool(result.stderr) == (result.exit_code == 2)
