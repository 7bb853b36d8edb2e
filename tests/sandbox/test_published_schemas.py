"""The sandbox's judgement beside the JSON schemas of Klaviyo's request bodies, revision by revision."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from klavier.sandbox.bodies import body_check
from klavier.sandbox.rules import rules_of
from tests.support.schemas import schema, shared_folder

FOLDER = shared_folder()
SCHEMAS = FOLDER / "klaviyo-schemas" if FOLDER else None
REVISIONS = ("2023-02-22", "2024-10-15", "2025-01-15", "2026-04-15", "2026-07-15", "2026-10-15")
UNSERVED = ("push_token",)


def _cases(folder: str) -> Iterator[Path]:
    found = sorted((SCHEMAS / "examples").glob(folder)) if SCHEMAS else []
    return (path for path in found if not any(word in path.name for word in UNSERVED))


def _operation(path: Path, revision: str) -> str:
    """Name the sandbox's operation: two calls had other paths until 2023-07-15."""
    name = path.stem.split("--")[0]
    old = {
        "bulk_unsubscribe_profiles": "old_unsubscribe_profiles",
        "bulk_unsuppress_profiles": "old_unsuppress_profiles",
    }
    return old.get(name, name) if revision < "2023-07-15" else name


def _flaws(path: Path, revision: str) -> list[tuple[str, str]]:
    check = body_check(_operation(path, revision), rules_of(revision))
    assert check is not None
    return check(json.loads(path.read_text())) or []


@pytest.mark.skipif(SCHEMAS is None, reason="the folder of Klaviyo's schemas is not there")
@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(
    "path",
    [*_cases("*.json"), *_cases("full/*.json"), *_cases("20*/*.json")],
    ids=lambda path: "/".join(path.parts[-2:]),
)
def test_takes_what_the_schema_takes(path: Path, revision: str) -> None:
    assert SCHEMAS is not None
    operation = path.stem.split("--")[0]
    if not (SCHEMAS / "strict" / revision / f"{operation}.json").is_file():
        pytest.skip(f"no schema of {operation} in {revision}")
    valid = schema(operation, revision).is_valid(json.loads(path.read_text()))
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
