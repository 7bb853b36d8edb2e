"""How texts are put on the screen."""

import sys

import pytest

from klavier.cli import wording
from klavier.cli.wording import count, event_title, hanging, limit_status, plain
from klavier.events.reader import parse_event
from klavier.worker.rate_limiter import RateLimiter


def test_control_characters_become_escapes_and_long_texts_are_cut() -> None:
    assert plain("a\x1b[0m\n\u202eb") == "a\\x1b[0m\\n\\u202eb"
    assert plain("x" * 10, 5) == "xxxx…"


@pytest.mark.parametrize(
    ("payload", "title"),
    [
        ({"type": "track", "event": "Signed Up"}, "track Signed Up"),
        ({"type": "track", "event": {"odd": 1}}, "track"),
        ({"type": "page", "name": "Home", "userId": "ada@example.com"}, "page Home"),
        ({"type": "identify", "traits": {"email": "ada@example.com"}}, "identify"),
    ],
)
def test_an_event_is_named_without_personal_data(payload: dict[str, object], title: str) -> None:
    assert event_title(parse_event(payload)) == title


def test_a_pause_is_shown_with_its_reason() -> None:
    limiter = RateLimiter(lambda: 0.0)
    assert limit_status(limiter) == []
    refused = "Klaviyo refuses everything (status 410)"
    assert limit_status(limiter, refused, 24.6) == ["paused: Klaviyo refuses everything (status 410); next try in 25 s"]
    assert limit_status(None, refused, 24.6) == []


def test_things_are_counted() -> None:
    assert [count(number, "event") for number in (0, 1, 1234)] == ["0 events", "1 event", "1,234 events"]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_lines_hang_within_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(wording, "width", lambda: columns)
    text = " ".join(["word"] * 60)
    lines = hanging(text, "    because ", 6).split("\n")
    assert all(len(line) <= columns for line in lines)
    assert lines[0].startswith("    because word word")
    assert all(line.startswith("      word") for line in lines[1:])
    assert " ".join("\n".join(lines).split()) == f"because {text}"


def test_a_pipe_gets_one_line() -> None:
    assert hanging("word " * 100, "because ", 4) == "because " + "word " * 100
