"""Standard input as a source: what its lines are called, and that a closed one is named."""

import io
import sys

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
