"""Standard input and folders as sources: what lines are called, and what is refused."""

import io
import sys
from pathlib import Path

import pytest

from klavier.errors import UsageError
from klavier.streams.sources import Sources


@pytest.mark.parametrize(
    ("text", "unit", "ends"),
    [(b'{"a": 1}\n{"b": 2}\n', "line", [9, 18]), (b'[{"a": 1}, {"b": 2}]', "element", [0, 0])],
)
def test_its_lines_are_numbered_and_their_ends_known_where_they_are_lines(
    monkeypatch: pytest.MonkeyPatch, text: bytes, unit: str, ends: list[int]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    sources = Sources(["-"])
    assert (sources.names, sources.size) == (["-"], None)
    assert sources.asked is not None
    assert not sources.asked()
    lines = list(sources.lines())
    assert [line.text for line in lines] == [b'{"a": 1}', b'{"b": 2}']
    assert [(line.source, line.number, line.unit) for line in lines] == [("standard input", n, unit) for n in (1, 2)]
    assert [line.end for line in lines] == ends
    assert not sys.stdin.buffer.closed


def test_one_that_is_closed_or_named_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed; pass a file of events"):
        list(Sources(["-"]).lines())
    with pytest.raises(UsageError, match="pass - once"):
        Sources(["-", "-"])


def test_parquet_is_not_read_from_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"PAR1")))
    with pytest.raises(UsageError, match="Parquet is read from its end"):
        list(Sources(["-"]).lines())


def test_text_that_is_found_in_a_folder_must_look_like_events(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", b'{"a": 1}\n'), ("b.jsonl", b""), ("c.jsonl", b'\n {"c": 3}\n')):
        (tmp_path / name).write_bytes(text)
    assert [line.text for line in Sources([str(tmp_path)]).lines()] == [b'{"a": 1}', b'{"c": 3}']
    notes = tmp_path / "notes.txt"
    notes.write_bytes(b"hello\n")
    assert Sources([str(notes)]).size == 6  # named by the user
    with pytest.raises(UsageError, match=r"notes.txt: is no file of events; move it elsewhere"):
        Sources([str(tmp_path)])
