"""Requests: what they say of themselves, and those whose body was written before."""

import copy

import pytest
from attrs import evolve

from klavier import Request

PLAIN = Request("POST", "/api/events", json={"data": {"a": [1, "é"]}}, revision="2026-10-15")


def written() -> Request:
    return Request.of_text("POST", "/api/events", PLAIN.body, "2026-10-15")


def test_a_request_of_text_is_that_of_its_document() -> None:
    assert written().body is PLAIN.body
    assert written().json == PLAIN.json
    assert written() == PLAIN
    assert evolve(written(), path="/api/other").json == PLAIN.json
    assert copy.copy(written()) == PLAIN


def test_its_document_is_read_where_somebody_asks_and_once() -> None:
    made = Request.of_text("POST", "/api/events", b"not JSON", None)
    assert made.has_json
    assert "json=8 bytes" in repr(made)
    whole = written()
    assert whole.json is whole.json


def test_other_members_are_not_made_up() -> None:
    with pytest.raises(AttributeError, match="no_such_member"):
        _ = written().no_such_member  # type: ignore[attr-defined]  # that there is none is what is tested
    with pytest.raises(AttributeError):
        PLAIN.no_such_member = 1  # type: ignore[attr-defined]  # as above


@pytest.mark.parametrize("request_", [Request("GET", "/api/lists"), Request("POST", "/api/track", form={"a": "b"})])
def test_what_has_no_document_has_none(request_: Request) -> None:
    assert not request_.has_json
    assert request_.body == b""
    assert not request_.has_json
