"""Files as people have them: compressed, in folders, as arrays, batches and tables, told apart by their first bytes."""

import bz2
import gzip
import io
import json
import lzma
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

import klavier
from klavier.streams import json_values
from klavier.streams.formats import Layout, find_layout, read_stream
from klavier.streams.lines import LONGEST, Line
from klavier.streams.result import Result, read_event
from klavier.streams.sources import Sources

pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")

EVENTS: list[dict[str, Any]] = [
    {"type": "track", "event": 'Søld [1,"2"] {', "userId": "u1", "messageId": "m1", "properties": {"n": 1}},
    {"type": "identify", "userId": "u2", "messageId": "m2", "traits": {"email": "ada@shop.test"}},
    {"type": "track", "event": "E\\", "userId": "u3", "messageId": "m3"},
]
JSON_LINES = b"".join(json.dumps(event).encode() + b"\n" for event in EVENTS)
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "two gzip members": lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:]),
    "zstd": zstandard.compress,
    "two zstd frames": lambda data: zstandard.compress(data[:100]) + zstandard.compress(data[100:]),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
FORMATS: dict[str, bytes] = {
    "JSON Lines": JSON_LINES,
    "JSON Lines with a byte order mark": b"\xef\xbb\xbf" + JSON_LINES,
    "an array": json.dumps(EVENTS).encode(),
    "an indented array": b"\n  " + json.dumps(EVENTS, indent=2).encode(),
    "objects over several lines": b"\n".join(json.dumps(event, indent=4).encode() for event in EVENTS),
    "a batch": json.dumps({"batch": EVENTS, "sentAt": "2026-01-01T00:00:00Z"}).encode(),
    "an indented batch": json.dumps({"batch": EVENTS, "writeKey": "k"}, indent=1).encode(),
    "batches as lines": json.dumps({"batch": EVENTS[:2]}).encode() + b"\n" + json.dumps({"batch": EVENTS[2:]}).encode(),
    "an array of batches": json.dumps([{"batch": EVENTS[:2]}, EVENTS[2]]).encode(),
}


def payloads(name: str | Path) -> list[dict[str, Any]]:
    found = []
    for line in Sources([str(name)]).lines():
        event = read_event(line)
        assert not isinstance(event, Result), event
        found.append({key: value for key, value in event.payload.items() if key != "sentAt"})
    return found


@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
def test_every_format_in_every_compression_holds_the_same_events(
    tmp_path: Path, content: bytes, compress: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "events.data"  # the name says nothing
    file.write_bytes(compress(content))
    assert payloads(file) == EVENTS


@pytest.mark.parametrize("compress", COMPRESSIONS.values(), ids=COMPRESSIONS)
@pytest.mark.parametrize("content", FORMATS.values(), ids=FORMATS)
def test_a_pipe_may_hold_the_same(tmp_path: Path, content: bytes, compress: Callable[[bytes], bytes]) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=fifo.write_bytes, args=[compress(content)])
    writer.start()
    assert payloads(fifo) == EVENTS
    writer.join()


def test_places_name_the_unit(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'[{"type": "dance"}, 7, {"batch": [{"type": "track", "event": "E"}, 3]}]')
    found = [(line.place, line.text) for line in Sources([str(tmp_path / "a.json")]).lines()]
    assert [place.removeprefix(f"{tmp_path}/") for place, _ in found] == [
        "a.json element 1",
        "a.json element 2",
        "a.json element 3, event 1",
        "a.json element 3, event 2",
    ]
    assert found[1][1] == b"7"


def test_a_batch_states_once_what_its_events_do_not(tmp_path: Path) -> None:
    batch = {"context": {"ip": "192.0.2.1"}, "batch": [EVENTS[0], {**EVENTS[1], "context": {"ip": "192.0.2.2"}}]}
    (tmp_path / "a.json").write_text(json.dumps(batch))
    assert [payload["context"]["ip"] for payload in payloads(tmp_path / "a.json")] == ["192.0.2.1", "192.0.2.2"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"batch": [{"type": "page", "properties": {"id": 123456789012345678901234}}]}', "beyond 64 bits"),
        ('{"batch": [{"type": "page"}], "batch": []}', "the same key twice"),
    ],
)
def test_a_batch_whose_values_would_not_be_kept_is_one_rejected_line(tmp_path: Path, text: str, problem: str) -> None:
    for content in (text, f"[{text}]"):
        (tmp_path / "a.json").write_text(content)
        (line,) = Sources([str(tmp_path / "a.json")]).lines()
        found = read_event(line)
        assert isinstance(found, Result)
        assert problem in found.outcome.reason


def test_a_broken_first_line_of_json_lines_is_one_bad_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"type": "track",\n' + JSON_LINES)
    results = [read_event(line) for line in Sources([str(file)]).lines()]
    assert [isinstance(result, Result) for result in results] == [True, False, False, False]


@given(
    st.lists(
        st.recursive(
            st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
        )
    ),
    st.integers(1, 20),
)
def test_an_array_is_split_wherever_its_chunks_end(values: list[Any], chunk: int) -> None:
    text = json.dumps([{"value": value} for value in values]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_values, "_CHUNK", chunk)
        found = list(json_values.read_array(io.BytesIO(text), "x", lambda: 0))
    assert [json.loads(line.text)["value"] for line in found] == values
    assert not any(line.problem for line in found)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (json.dumps(EVENTS).encode()[:-30], "the JSON is cut off; nothing after it was read"),
        (json.dumps(EVENTS).encode() + b"\n{}", "text follows the end of the array"),
        (json.dumps(EVENTS, indent=1).encode()[:-30], "the JSON is cut off"),
        (b'[{"a": "' + b"x" * (LONGEST + 100_000), f"longer than {LONGEST} bytes"),
    ],
)
def test_a_damaged_array_ends_with_a_problem_after_the_events_before(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "a.json").write_bytes(content)
    *before, last = Sources([str(tmp_path / "a.json")]).lines()
    assert problem in last.problem
    assert [json.loads(line.text)["messageId"] for line in before] == ["m1", "m2", "m3"][: len(before)]


@pytest.mark.parametrize("name", [name for name in COMPRESSIONS if name != "plain"])
def test_compressed_data_that_is_cut_off_ends_with_a_problem(tmp_path: Path, name: str) -> None:
    text = b"".join(json.dumps({**EVENTS[0], "messageId": os.urandom(40).hex()}).encode() + b"\n" for _ in range(5000))
    file = tmp_path / "a.jsonl"
    file.write_bytes(COMPRESSIONS[name](text)[:-2000])
    *before, last = Sources([str(file)]).lines()
    assert "data is cut off or damaged; nothing after it was read" in last.problem
    assert name.endswith(("bzip2", "xz")) or len(before) > 3000
    assert not any(line.problem for line in before)
    assert last.number == len(before) + 1


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "zip": (b"PK\x03\x04" + b"\0" * 99, "is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV"),
    "avro": (b"Obj\x01\x02", "is an Avro file: convert it to Parquet or JSON Lines"),
    "orc": (b"ORC\x02", "is an ORC file"),
    "sqlite": (b"SQLite format 3\0", "is a database"),
    "pdf": (b"%PDF-1.7", "is a PDF document"),
    "utf-16": (b"\xff\xfe{\0}\0", "is UTF-16 text: convert it: iconv -f UTF-16 -t UTF-8"),
    "html": (b"\n <!doctype html>", "is XML or HTML"),
    "binary": (b"\x7fELF\x02\x01\x01\0", "is binary: pass JSON Lines, JSON, CSV or Parquet, compressed or not"),
    "tar": (b"a" * 100 + b"0" * 157 + b"ustar", "is a tar archive: unpack it and pass the folder"),
    "damaged gzip": (b"\x1f\x8b" + b"x" * 100, "the gzip data is damaged: write the file again"),
    "damaged zstd": (b"\x28\xb5\x2f\xfd" + b"x" * 100, "the zstd data is damaged"),
    "a header in another encoding": ("event,größe\n".encode("latin-1"), "is CSV that is not UTF-8: save it as UTF-8"),
    "a column twice": (b"event,userId,user_id\n", "the columns 'userId' and 'user_id' are the same; rename or remove"),
    "damaged parquet": (b"PAR1" + b"x" * 100, "is a damaged Parquet file"),
    "twice": (gzip.compress(gzip.compress(JSON_LINES)), "is compressed twice"),
}


@pytest.mark.parametrize(("content", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_refused_once_with_its_name_and_the_remedy(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "good.jsonl").write_bytes(JSON_LINES)
    file = tmp_path / "bad.data"
    file.write_bytes(content)
    with pytest.raises(klavier.UsageError) as error:
        Sources([str(tmp_path)])
    assert str(error.value).startswith(f"{file}: ")
    assert problem in str(error.value)


def test_the_libraries_of_extras_are_named_where_they_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(zstandard.compress(JSON_LINES))
    parquet.write_table(pyarrow.table({"event": ["E"]}), tmp_path / "b")
    for name, library, extra in (("a", "zstandard", "zstd"), ("b", "pyarrow", "parquet")):
        monkeypatch.setitem(__import__("sys").modules, library, None)
        with pytest.raises(klavier.UsageError, match=rf"needs {library}; try: pip install 'klavier\[{extra}\]'"):
            Sources([str(tmp_path / name)])


def test_a_folder_stands_for_its_files_in_order(tmp_path: Path) -> None:
    """RudderStack's archive has days that do not sort by name, Spark's folders have markers."""
    names = [
        "rudder-logs/source/12-30-2025/1767052800.json.gz",
        "rudder-logs/source/12-31-2025/1767139200.json.gz",
        "rudder-logs/source/01-01-2026/1767225600.json.gz",
    ]
    for number, name in enumerate(names):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress(json.dumps(EVENTS[number]).encode() + b"\n"))
    (tmp_path / "rudder-logs/_SUCCESS").write_bytes(b"")
    (tmp_path / "rudder-logs/.part.crc").write_bytes(b"\0")
    assert payloads(tmp_path) == EVENTS
    sources = Sources([str(tmp_path)])
    assert [Path(name).name for name in sources.names] == [Path(name).name for name in names]
    assert sources.size == sum((tmp_path / name).stat().st_size for name in names)
    assert sources.asked is None


def test_segments_archive(tmp_path: Path) -> None:
    """Segment writes segment-logs/SOURCE/DAY/FILE.gz, the day in milliseconds."""
    for number, day in enumerate((1767139200000, 1767225600000, 1767312000000)):
        file = tmp_path / f"segment-logs/source/{day}/x.1.gz"
        file.parent.mkdir(parents=True)
        file.write_bytes(gzip.compress(json.dumps(EVENTS[number]).encode()))
    assert payloads(tmp_path / "segment-logs") == EVENTS


CSV = (
    "type,event,user_id,messageId,timestamp,properties.plan,properties.price,properties.items,email,context\n"
    'track,"Sold, twice",0123,m1,2026-01-01T00:00:00Z,pro,9.5,"[{""id"": 1}]",,"{""ip"": ""192.0.2.1""}"\n'
    "identify,,u2,m2,,,,,ada@shop.test,\n"
    ",Bought,u3,m3,,007,true,,,\n"
)
CSV_EVENTS: list[dict[str, Any]] = [
    {
        "type": "track",
        "event": "Sold, twice",
        "userId": "0123",
        "messageId": "m1",
        "timestamp": "2026-01-01T00:00:00Z",
        "properties": {"plan": "pro", "price": 9.5, "items": [{"id": 1}]},
        "context": {"ip": "192.0.2.1"},
    },
    {"type": "identify", "userId": "u2", "messageId": "m2", "traits": {"email": "ada@shop.test"}},
    {
        "event": "Bought",
        "userId": "u3",
        "messageId": "m3",
        "properties": {"plan": "007", "price": True},
        "type": "track",
    },
]


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_csv_rows_are_events(tmp_path: Path, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a").write_bytes(compress(CSV.encode(encoding)))
    assert payloads(tmp_path / "a") == CSV_EVENTS


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_csv_may_be_delimited_otherwise(tmp_path: Path, newline: bytes) -> None:
    (tmp_path / "a").write_bytes(newline.join([b"event;user_id;plan", b"Sold;u1;pro", b""]))
    assert payloads(tmp_path / "a") == [
        {"event": "Sold", "userId": "u1", "type": "track", "properties": {"plan": "pro"}}
    ]


@pytest.mark.parametrize(
    ("content", "numbers", "problem"),
    [
        (b"event,user_id\nA,u1\nB,u2,x\nC,u3\n", [1, 2, 3], "has 3 cells, the header 2"),
        (b'event,user_id\nA,u1\nB,"u2\n', [1, 2], "not CSV: unexpected end of data; nothing after it was read"),
        (b"event,user_id\nA,u1\n\xff,u2\nC,u3\n", [1, 2, 3], "not UTF-8; save the file as UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_one_bad_row(
    tmp_path: Path, content: bytes, numbers: list[int], problem: str
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    found = list(Sources([str(tmp_path / "a.csv")]).lines())
    assert [line.number for line in found] == numbers
    (bad,) = (line for line in found if line.problem)
    assert problem in bad.problem
    assert bad.place.endswith(f"a.csv row {bad.number}")


@given(st.binary(max_size=300), st.sampled_from([b"", b"[", b"{", b"event,user_id\n", b'{"batch": [', b"\x1f\x8b"]))
def test_any_bytes_are_refused_or_become_lines(content: bytes, prefix: bytes) -> None:
    data = prefix + content
    try:
        layout = find_layout(data, "x", lambda: data)
    except klavier.UsageError as error:
        assert str(error).startswith("x: ")  # noqa: PT017 -- some bytes raise and some do not
        return
    if layout.format == "parquet":
        return
    for line in read_stream(io.BytesIO(data), "x", layout, lambda: 0):
        assert isinstance(line, Line)
        assert line.text or line.problem


def test_progress_of_a_compressed_file_is_measured_in_its_own_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.gz"
    file.write_bytes(gzip.compress(JSON_LINES * 1000))
    ends = [line.end for line in Sources([str(file)]).lines()]
    assert ends == sorted(ends)
    assert ends[-1] == file.stat().st_size


def test_plain_lines_keep_their_layout() -> None:
    assert find_layout(JSON_LINES, "x", lambda: JSON_LINES) == Layout("", "lines")
    assert find_layout(b"", "x", lambda: b"") == Layout("", "lines")
    assert find_layout(b"nonsense\n", "x", lambda: b"") == Layout("", "lines")
