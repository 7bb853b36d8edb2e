"""The sandbox's judgement beside the JSON schemas of Klaviyo's request bodies, revision by revision."""

import functools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from klavier.sandbox.bodies import body_check
from klavier.sandbox.rules import rules_of


def _schemas() -> Path | None:
    given = os.environ.get("KLAVIER_SHARED")
    places = [Path(given)] if given else [parent / "shared" for parent in Path(__file__).resolve().parents]
    places += [place.parent.parent / "shared" for place in places[-3:]]
    return next((p / "klaviyo-schemas" for p in places if (p / "klaviyo-schemas" / "strict").is_dir()), None)


SCHEMAS = _schemas()
REVISIONS = ("2023-02-22", "2024-10-15", "2025-01-15", "2026-04-15", "2026-07-15", "2026-10-15")
UNSERVED = ("push_token",)


def _cases(folder: str) -> Iterator[Path]:
    found = sorted((SCHEMAS / "examples").glob(folder)) if SCHEMAS else []
    return (path for path in found if not any(word in path.name for word in UNSERVED))


@functools.cache
def _strict(revision: str, operation: str) -> Any:
    if SCHEMAS is None:
        pytest.skip("the folder of Klaviyo's schemas is not there")
    jsonschema = pytest.importorskip("jsonschema_rs")
    path = SCHEMAS / "strict" / revision / f"{operation}.json"
    if not path.is_file():
        pytest.skip(f"no schema of {operation} in {revision}")
    return jsonschema.validator_for(json.loads(path.read_text()))


def _operation(path: Path, revision: str) -> str:
    """Name the sandbox's operation: two calls had other paths until 2023-07-15."""
    name = path.stem.split("--")[0]
    old = {"bulk_unsubscribe_profiles": "old_unsubscribe_profiles", "bulk_unsuppress_profiles": "old_unsuppress_profiles"}
    return old.get(name, name) if revision < "2023-07-15" else name


def _flaws(path: Path, revision: str) -> list[tuple[str, str]]:
    check = body_check(_operation(path, revision), rules_of(revision))
    assert check is not None
    return check(json.loads(path.read_text())) or []


@pytest.mark.skipif(SCHEMAS is None, reason="the folder of Klaviyo's schemas is not there")
@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    "path", [*_cases("*.json"), *_cases("full/*.json"), *_cases("20*/*.json")], ids=lambda path: "/".join(path.parts[-2:])
)
def test_takes_what_the_schema_takes(path: Path, revision: str) -> None:
    schema = _strict(revision, path.stem.split("--")[0])
    valid = schema.is_valid(json.loads(path.read_text()))
    assert (not _flaws(path, revision)) == valid


@pytest.mark.skipif(SCHEMAS is None, reason="the folder of Klaviyo's schemas is not there")
@pytest.mark.parametrize(
    "path", [*_cases("broken/spec/*.json"), *_cases("broken/strict/*.json")], ids=lambda path: path.stem
)
def test_refuses_what_is_broken_and_points_at_it(path: Path) -> None:
    revision = "2026-10-15"
    if "client" in path.name:
        revision = "2026-07-15"
    flaws = _flaws(path, revision)
    assert flaws
    for pointer, detail in flaws:
        assert pointer.startswith("/data")
        assert detail
