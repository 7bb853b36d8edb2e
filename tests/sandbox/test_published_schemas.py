"""The sandbox's judgement beside the JSON schemas of Klaviyo's request bodies, revision by revision."""

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from klavier.klaviyo.operations import OPERATIONS, Operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from klavier.sandbox.gateway import body_check
from klavier.sandbox.revisions import rules_for
from tests.support.klaviyo import post
from tests.support.schemas import schema, shared_folder

FOLDER = shared_folder()
SCHEMAS = FOLDER / "klaviyo-schemas" if FOLDER else Path("absent")
REVISIONS = ("2023-02-22", "2024-10-15", "2025-01-15", "2026-04-15", "2026-07-15", CURRENT)
pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="Klaviyo's schemas are not beside this checkout (KLAVIER_SHARED)"
)


def examples(*folders: str) -> list[Path]:
    """Return the example bodies, less those of push tokens, which the sandbox does not serve."""
    found = [path for folder in folders for path in sorted((SCHEMAS / "examples").glob(f"{folder}/*.json"))]
    return [path for path in found if "push_token" not in path.name]


def operation_of(path: Path) -> str:
    return path.stem.split("--")[0]


def has_schema(path: Path, revision: str) -> bool:
    return (SCHEMAS / "strict" / revision / f"{operation_of(path)}.json").is_file()


def flaws(path: Path, revision: str, body: Any) -> list[tuple[str, str]]:
    """Judge a body; two calls had other paths, and so other operations, until 2023-07-15."""
    old = {
        "bulk_unsubscribe_profiles": "old_unsubscribe_profiles",
        "bulk_unsuppress_profiles": "old_unsuppress_profiles",
    }
    operation = operation_of(path)
    check = body_check(old.get(operation, operation) if revision < "2023-07-15" else operation, rules_for(revision))
    assert check is not None
    return check(body) or []


VALID = [
    (path, revision) for path in examples(".", "full", "20*") for revision in REVISIONS if has_schema(path, revision)
]


def named(value: Any) -> str:
    return "/".join(value.parts[-2:]) if isinstance(value, Path) else str(value)


@pytest.mark.parametrize(("path", "revision"), VALID, ids=named)
def test_takes_what_the_schema_takes(path: Path, revision: str) -> None:
    body = json.loads(path.read_text())
    assert (not flaws(path, revision, body)) == schema(operation_of(path), revision).is_valid(body)


@pytest.mark.parametrize("path", examples("broken/spec", "broken/strict"), ids=named)
def test_refuses_what_is_broken_and_points_at_it(path: Path) -> None:
    revision = "2026-07-15" if "client" in path.name else CURRENT
    found = flaws(path, revision, json.loads(path.read_text()))
    assert found
    assert all(pointer.startswith("/data") and detail for pointer, detail in found)


# Every example, changed in every place --------------------------------------------------------------------------------

STRICTER = re.compile(
    r"Invalid email|At least one identifier|Exactly one identifier|at least 1 elements|required field"
)
"""What Klaviyo states in prose only, or enforces without saying so."""

LATER = ("time", "consented_at", "phone_number")
"""What the operation judges and the shape does not: times, and phone numbers that are dropped beside an address."""


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    members = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, item in members:
        yield from places(item, (*at, key))


def changed(body: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Return the body with each member left out, replaced, or joined by one that nobody knows."""
    for at in places(body):
        *way, last = ("body", *at)
        for value in (..., None, 0, "x", {"zzz": 1}):
            whole = {"body": copy.deepcopy(body)}
            inside: Any = whole
            for key in way:
                inside = inside[key]
            if value is not ...:
                inside[last] = (
                    {**inside[last], **value} if isinstance(value, dict) and isinstance(inside[last], dict) else value
                )
            elif at:
                del inside[last]
            yield at, whole["body"]


GOOD = [
    (path, revision)
    for path, revision in VALID
    if revision in ("2023-02-22", "2025-01-15", CURRENT)
    and path.parent.name in ("examples", "full", "2023-02-22")
    and not flaws(path, revision, json.loads(path.read_text()))
]


@pytest.mark.parametrize(("path", "revision"), GOOD, ids=named)
def test_agrees_on_every_change(path: Path, revision: str) -> None:
    body = json.loads(path.read_text())
    valid = schema(operation_of(path), revision).is_valid
    for at, other in changed(body):
        found = flaws(path, revision, other)
        if valid(other) and found:
            assert all(STRICTER.search(detail) for _, detail in found), (at, found)
        elif not found and not valid(other):
            assert at[-1] in LATER, at


@pytest.mark.parametrize("revision", REVISIONS)
def test_valid_bodies_are_accepted_by_the_whole_sandbox(revision: str) -> None:
    """The calls that need nothing to be there before: they are carried out, and change what the sandbox holds."""
    served = {
        "create_event": "/api/events",
        "bulk_create_events": "/api/event-bulk-create-jobs",
        "create_profile": "/api/profiles",
        "create_or_update_profile": "/api/profile-import",
        "create_client_profile": "/client/profiles",
        "create_client_event": "/client/events",
        "bulk_subscribe_profiles": "/api/profile-subscription-bulk-create-jobs",
    }
    accepted = 0
    for path in examples(".", "full", "20*"):
        body = json.loads(path.read_text())
        if operation_of(path) not in served or not has_schema(path, revision) or '"id": "01G"' in path.read_text():
            continue
        if schema(operation_of(path), revision).is_valid(body):
            sandbox = Sandbox(unknown_lists="create")
            target = served[operation_of(path)]
            params = {"company_id": "SNDBX1"} if target.startswith("/client/") else {}
            response = sandbox.send(post(target, body, revision, **params))
            assert response.ok, (path, response)
            assert len(sandbox.state()["profiles"]) == 1
            accepted += 1
    assert accepted >= 3


# Reads: no schema of their replies is published here, but that of their errors ----------------------------------------

READS = [row for row in OPERATIONS if row.method == "GET" and not row.is_legacy]
PROBES: dict[str, str] = {
    "filter": "equals(email,ann@shop.test",
    "sort": "-nothing",
    "page[size]": "0",
    "page[cursor]": "no cursor",
    "include": "nothing",
    "fields[nothing]": "name",
    "additional-fields[profile]": "nothing",
    "unknown": "1",
}


@pytest.mark.parametrize("parameter", PROBES)
@pytest.mark.parametrize("row", READS, ids=lambda row: row.name)
def test_a_refused_read_has_klaviyos_error_body(row: Operation, parameter: str) -> None:
    errors = jsonschema_rs.validator_for(json.loads((SCHEMAS / "response_schemas" / "error.json").read_text()))
    path = row.path.replace("{id}", "01H")
    reply = Sandbox().send(Request("GET", path, params={parameter: PROBES[parameter]}, revision=CURRENT))
    assert reply.status in (400, 404), reply
    assert errors.is_valid(reply.json), reply.json
    (error,) = reply.json["errors"]
    assert reply.status == 404 or error["source"] == {"parameter": parameter}
