"""The archive on a disk that fails."""

import gzip
from pathlib import Path

import pytest

from klavier.errors import OutboxError
from klavier.gateway.archive import Archive
from klavier.gateway.intake import Message

resource = pytest.importorskip("resource")


def test_what_follows_a_full_disk_can_be_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.write([Message("web", "m1", "k", b"1")])
    (file,) = tmp_path.glob("web/*/*")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size + 10, before[1]))
    try:
        with pytest.raises(OutboxError, match="the archive cannot be written"):
            archive.write([Message("web", "m2", "k", b"2")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    archive.write([Message("web", "m3", "k", b"3")])
    assert b"".join(gzip.decompress(each.read_bytes()) for each in sorted(tmp_path.glob("web/*/*"))) == b"1\n3\n"
