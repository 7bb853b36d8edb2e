"""Which files folders and patterns stand for: none is passed over without a word."""

import os
from pathlib import Path
from typing import Any

import pytest

import klavier
from klavier.streams.sources import Sources, find_files

JSON_LINES = b'{"type": "track", "event": "Sold", "userId": "u1"}\n'


def test_a_link_to_a_folder_is_followed_once(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "disk/day").mkdir(parents=True)
    (tmp_path / "disk/day/a.jsonl").write_bytes(JSON_LINES)
    (tmp_path / "archive/2026").symlink_to(tmp_path / "disk")
    (tmp_path / "disk/day/circle").symlink_to(tmp_path / "archive")
    for pattern in ("archive", "archive/**", "archive/**/*.jsonl"):
        assert find_files([str(tmp_path / pattern)]) == [str(tmp_path / "archive/2026/day/a.jsonl")]


@pytest.mark.parametrize("pattern", ["", "**/*.jsonl", "*/*.jsonl", "*/**"])
def test_a_folder_in_a_folder_that_cannot_be_read_is_not_passed_over(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open/a.jsonl").write_bytes(JSON_LINES)
    scan = os.scandir

    def refuse(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(klavier.UsageError, match="closed: cannot be read: Permission denied"):
        find_files([str(tmp_path / pattern)])
    assert find_files([str(tmp_path / "o*/*.jsonl")]) == [str(tmp_path / "open/a.jsonl")]


@pytest.mark.parametrize("pattern", ["", "**", "*.jsonl"])
def test_files_in_a_folder_that_may_only_be_listed_are_not_passed_over(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSON_LINES)
    stat = os.stat

    def refuse(path: Any, **options: Any) -> Any:
        if str(path).endswith("a.jsonl"):
            raise PermissionError(13, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(klavier.UsageError, match=r"a\.jsonl: cannot be read: Permission denied"):
        find_files([str(tmp_path / pattern)])


@pytest.mark.parametrize("pattern", ["", "*", "**/*.jsonl"])
def test_a_link_that_leads_nowhere_is_refused(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(JSON_LINES)
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "no-such-disk/b.jsonl")
    with pytest.raises(klavier.UsageError, match=r"b\.jsonl: there is no such file"):
        Sources([str(tmp_path / pattern)])


def test_a_pattern_matches_as_in_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.gz", "b/a.gz", "b/c/a.gz", "b/c/d.json", "b/.h/a.gz", ".a.gz", "_e/a.gz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for pattern, found in {
        "*": "a.gz",
        "**": "_e/a.gz a.gz b/a.gz b/c/a.gz b/c/d.json",
        "**/*.gz": "_e/a.gz a.gz b/a.gz b/c/a.gz",
        "b/**/?.gz": "b/a.gz b/c/a.gz",
        "**/c/*": "b/c/a.gz b/c/d.json",
        "[bx]/*/a.gz": "b/c/a.gz",
        "**/**/d.json": "b/c/d.json",
        ".*": ".a.gz",
        "b/.h/*": "b/.h/a.gz",
    }.items():
        assert find_files([pattern]) == found.split(), pattern
        assert find_files([str(tmp_path / pattern)]) == [str(tmp_path / name) for name in found.split()]


def test_patterns_stand_for_what_matches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.jsonl", "a.jsonl", "c.txt", "sub/d.jsonl", "x[1].jsonl"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(JSON_LINES)
    assert find_files(["*.jsonl"]) == ["a.jsonl", "b.jsonl", "x[1].jsonl"]
    assert find_files(["**/*.jsonl"]) == ["a.jsonl", "b.jsonl", "sub/d.jsonl", "x[1].jsonl"]
    assert find_files(["x[1].jsonl", "-"]) == ["x[1].jsonl", "-"]
    for name, problem in (("*.csv", "matches no file"), ("empty", "is a folder without files")):
        Path("empty").mkdir(exist_ok=True)
        with pytest.raises(klavier.UsageError, match=problem):
            find_files([name])
