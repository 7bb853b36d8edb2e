"""Lines that have to be waited for: nothing that came waits for what did not."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klavier.streams import pipe as module
from klavier.streams.pipe import Pipe
from klavier.streams.sources import Sources


@contextmanager
def piped() -> Iterator[tuple[Pipe, IO[bytes]]]:
    """Return a pipe and its other end."""
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb") as stream, os.fdopen(writes, "wb", buffering=0) as other:
        yield Pipe(stream), other


def test_it_tells_whether_a_line_is_there() -> None:
    with piped() as (pipe, other):
        assert not pipe.is_ready()
        other.write(b"one\ntwo\n")
        assert pipe.is_ready()
        assert pipe.readline(100) == b"one\n"
        assert pipe.is_ready()  # of what was read already
        assert pipe.readline(100) == b"two\n"
        assert not pipe.is_ready()
        other.close()
        assert pipe.is_ready()
        assert pipe.readline(100) == b""


def test_a_line_that_has_begun_is_waited_for() -> None:
    with piped() as (pipe, other):
        other.write(b"on")
        rest = threading.Timer(0.05, other.write, [b"e\n"])
        rest.start()
        assert pipe.readline(100) == b"one\n"
        rest.join()


def test_a_pipe_that_does_not_let_wait_is_waited_for_all_the_same() -> None:
    with piped() as (pipe, other):
        os.set_blocking(pipe._stream.fileno(), False)
        rest = threading.Timer(0.05, other.write, [b"one\n"])
        rest.start()
        assert pipe.readline(100) == b"one\n"
        rest.join()


def test_what_cannot_be_asked_is_ready() -> None:
    assert Pipe(io.BytesIO(b"one\n")).is_ready()


@given(st.lists(st.sampled_from([b"a", b"bc", b"\n", b"\r\n"])).map(b"".join), st.integers(1, 5), st.integers(1, 5))
def test_lines_are_those_of_any_stream(text: bytes, limit: int, piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", piece)
        pipe, stream = Pipe(io.BytesIO(text)), io.BytesIO(text)
        while expected := stream.readline(limit):
            assert pipe.readline(limit) == expected
        assert pipe.readline(limit) == b""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_file_is_there_up_to_its_end_and_a_named_pipe_when_somebody_wrote(tmp_path: Path) -> None:
    file, fifo = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    file.write_bytes(b"one\ntwo\n")
    os.mkfifo(fifo)
    sources = Sources([str(file), str(fifo)])
    lines = sources.lines()
    told = []
    for _ in range(2):
        next(lines)
        told.append(sources.is_ready())
    writer = threading.Thread(target=fifo.write_bytes, args=[b"three\nfour\n"])
    writer.start()
    next(lines)
    told.append(sources.is_ready())
    writer.join()
    next(lines)
    told.append(sources.is_ready())
    assert told == [True, False, True, True]
    assert next(lines, None) is None
