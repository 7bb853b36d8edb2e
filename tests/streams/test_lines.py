"""Lines of a stream of bytes."""

import io

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from klavier.streams import lines
from klavier.streams.lines import read_lines


def texts(content: bytes) -> list[tuple[int, bytes]]:
    return [(line.number, line.text) for line in read_lines(io.BytesIO(content), "x")]


def test_blank_lines_count_but_are_passed_over() -> None:
    assert texts(b'{"a":1}\n\n  \t\r\n{"b":2}') == [(1, b'{"a":1}'), (4, b'{"b":2}')]


def test_windows_line_ends_and_a_byte_order_mark_are_taken_off() -> None:
    assert texts(b"\xef\xbb\xbf{}\r\n[]\r\n") == [(1, b"{}"), (2, b"[]")]


def test_a_line_knows_its_place_and_where_it_ends() -> None:
    first, second = read_lines(io.BytesIO(b"ab\n\ncd\n"), "events.jsonl")
    assert (first.place, first.end) == ("events.jsonl line 1", 3)
    assert (second.place, second.end) == ("events.jsonl line 3", 7)


def test_a_line_beyond_all_measure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST", 10)
    found = list(read_lines(io.BytesIO(b"x" * 35 + b"\n" + b"y" * 10 + b"\n" + b"z" * 11), "x"))
    assert [(line.number, line.text, line.problem) for line in found] == [
        (1, b"", "longer than 10 bytes; send smaller events"),
        (2, b"y" * 10, ""),
        (3, b"", "longer than 10 bytes; send smaller events"),
    ]
    assert [line.end for line in found] == [36, 47, 58]


@given(st.lists(st.binary(max_size=20).map(lambda text: text.replace(b"\n", b"").strip(b" \t\r"))))
def test_every_line_that_is_not_blank_comes_back(content: list[bytes]) -> None:
    expected = [text for text in content if text]
    assume(not (content and content[0].startswith(b"\xef\xbb\xbf")))
    assert [text for _, text in texts(b"\n".join(content))] == expected
