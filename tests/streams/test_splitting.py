"""JSON and compressed streams at the places where they may be cut: each chunk, each frame, each limit."""

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import zstandard

from klavier.errors import UsageError
from klavier.streams import compression, json_values
from klavier.streams.compression import DamagedError, decompress_head, find_compression, open_decompressed
from klavier.streams.formats import Layout, find_layout
from klavier.streams.json_values import read_array, read_objects

FOLLOWS = "text follows the end of the array: write one array, or one object on each line; nothing after it was read"


def found(text: bytes, *, objects: bool = False) -> list[Any]:
    read = read_objects if objects else read_array
    lines = read(io.BytesIO(text), "a.json", lambda: 9)
    return [line.problem or json.loads(line.text) for line in lines]


@pytest.fixture(params=[1, 2, 3, 7, 2**16])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(json_values, "_CHUNK", request.param)
    return int(request.param)


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"[]", []),
        (b" [ ] \n", []),
        (b'[{"a": [1, {"b": "]}"}]}, 5, "x,\\"y", [2]]', [{"a": [1, {"b": "]}"}]}, 5, 'x,"y', [2]]),
        (b"\xef\xbb\xbf[1,\n2]", [1, 2]),
        (b'[{"a": "\\\\"},{"b": "\\u00e9\\\\\\""}]', [{"a": "\\"}, {"b": 'é\\"'}]),
        (b"[1", ["the JSON is cut off; nothing after it was read"]),
        (b'["a', ["the JSON is cut off; nothing after it was read"]),
        (b"[1] ", [1]),
        (b"[1] 2", [1, FOLLOWS]),
    ],
)  # fmt: skip
def test_an_array_has_its_elements(text: bytes, expected: list[Any]) -> None:
    assert found(text) == expected


@pytest.mark.usefixtures("chunk")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b" \n", []),
        (b'{"a": {"b": [1]}}\n{"c": "}{"}', [{"a": {"b": [1]}}, {"c": "}{"}]),
        (b'{"a": 1},\n{"b": 2}\n', [{"a": 1}, {"b": 2}]),
        (b'{"a": 1} {"b": ', [{"a": 1}, "the JSON is cut off; nothing after it was read"]),
        (b'{"a": 1} x', [{"a": 1}, "the JSON is cut off; nothing after it was read"]),
    ],
)
def test_objects_follow_each_other(text: bytes, expected: list[Any]) -> None:
    assert found(text, objects=True) == expected


def test_an_element_may_be_as_long_as_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "LONGEST", 10)
    monkeypatch.setattr(json_values, "_CHUNK", 1)
    assert found(b'["12345678", 2]') == ["12345678", 2]
    assert found(b'["123456789", 2]') == [
        "longer than 10 bytes: send smaller events, or one on each line; nothing after it was read"
    ]


def test_elements_are_numbered_and_know_the_position(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "_CHUNK", 4)
    stream = io.BytesIO(b'[1, {"batch": [{}, {}]}, 3')
    lines = list(read_array(stream, "a.json", stream.tell))
    assert [(line.number, line.part, line.unit) for line in lines] == [
        (1, 0, "element"),
        (2, 1, "element"),
        (2, 2, "element"),
        (3, 0, "element"),
    ]
    assert [line.end for line in lines] == [4, 24, 24, 26]
    assert lines[-1].problem == "the JSON is cut off; nothing after it was read"


def frames(*parts: bytes) -> bytes:
    return b"".join(zstandard.compress(part) for part in parts)


class Slow(io.BytesIO):
    """Returns a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(3, size) if size is not None and size >= 0 else 3)


@pytest.mark.parametrize("stream", [io.BytesIO, Slow])
@pytest.mark.parametrize("data", [frames(b"a" * 1000), frames(b"one", b"", b"two"), frames(b"x" * 200_000, b"y")])
def test_frames_of_zstd_are_one_stream(data: bytes, stream: type[io.BytesIO]) -> None:
    expected = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read(-1)
    opened = open_decompressed(stream(data), "zstd", "a.zst")
    assert opened.readable()
    assert opened.read(2) == expected[:2]
    assert opened.read() == expected[2:]
    assert opened.read() == b""


@pytest.mark.parametrize("rest", [b"", frames(b"two")[:-1]])
def test_a_frame_that_is_cut_off_or_damaged_is_no_end(rest: bytes) -> None:
    whole = frames(b"one" * 1000)
    with pytest.raises(DamagedError, match="cut off"):
        open_decompressed(io.BytesIO((whole + rest) if rest else whole[:-1]), "zstd", "a.zst").read()
    with pytest.raises(DamagedError, match="damaged"):
        open_decompressed(io.BytesIO(whole + b"garbage" * 10), "zstd", "a.zst").read()


def test_the_beginning_shows_the_compression_and_what_is_in_it() -> None:
    assert find_compression(b"{}") == ""
    assert open_decompressed(io.BytesIO(b"{}"), "", "a").read() == b"{}"
    for name, data in (("gzip", gzip.compress(b"{}")), ("zstd", frames(b"{}"))):
        assert find_compression(data[:4]) == name
        assert decompress_head(data, name, "a") == b"{}"
        assert decompress_head(data[:3], name, "a") == b""
        with pytest.raises(UsageError, match=f"a: the {name} data is damaged"):
            decompress_head(data[:4] + b"\xff" * 30, name, "a")
    assert compression._BUFFER == 2**16


def heads(*texts: bytes) -> Iterator[bytes]:
    yield from texts
    while True:
        yield texts[-1]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((b"",), "lines"),
        ((b'{"a": 1}',), "lines"),
        ((b'{"a": 1}\n{"b": 2}',), "lines"),
        ((b'{"a":\n{"b": 2}',), "lines"),
        ((b'{\n "a": 1}',), "objects"),
        ((b"{",  b"{\n", b'{\n  "a"'), "objects"),
        ((b'{"a": 1', b'{"a": 1}'), "lines"),
        ((b'{"a": 1,', b'{"a": 1,\n', b'{"a": 1,\n"b": 2}'), "objects"),
        ((b'{"a": [\n1]}',), "objects"),
        ((b'{"a": {\n}}',), "objects"),
        ((b'{"a": "\nx',), "lines"),
        ((b"\xef\xbb\xbf \n[",), "array"),
        ((b"PAR1",), "parquet"),
        ((b"type,userId\n",), "csv"),
        ((b"hello\n",), "lines"),
    ],
)  # fmt: skip
def test_the_format_is_found_as_soon_as_the_beginning_shows_it(texts: tuple[bytes, ...], expected: str) -> None:
    more = heads(*texts)
    assert find_layout(next(more), "a", lambda: next(more)).format == expected


def test_a_compressed_beginning_is_read_until_it_shows_something() -> None:
    data = gzip.compress(b'{\n "a": 1}')
    more = heads(data[:12], data[:13], data)
    assert find_layout(next(more), "a.gz", lambda: next(more)) == Layout("gzip", "objects")
    twice = gzip.compress(gzip.compress(b"{}"))
    with pytest.raises(UsageError, match="compressed twice"):
        find_layout(twice, "a.gz", lambda: twice)
    inner = gzip.compress(b"PAR1")
    with pytest.raises(UsageError, match="Parquet file, compressed as a whole"):
        find_layout(inner, "a.gz", lambda: inner)


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (bytes(257).replace(b"\0", b"x") + b"ustar", "a tar archive"),
        (b"ab\0\n", "is binary"),
        (b" \n<html>", "XML or HTML"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\xff\xfe{", "UTF-16"),
    ],
)
def test_what_cannot_be_read_is_named(head: bytes, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        find_layout(head, "a", lambda: head)
    assert find_layout(b"ab\n\0", "a", lambda: b"ab\n\0").format == "lines"
    assert find_layout(b" PK\x03\x04", "a", lambda: b"").format == "lines"
