import copy
import pickle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klavier import ApiError, Request, Response

DETAIL = "A profile already exists with one of these identifiers."
DUPLICATE = {
    "errors": [
        {
            "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "status": 409,
            "code": "duplicate_profile",
            "title": "Conflict.",
            "detail": DETAIL,
            "source": {"pointer": "/data/attributes"},
            "meta": {"duplicate_profile_id": "01GDDKASAP8TKDDA2GRZDSVP4H"},
        }
    ]
}


def test_errors_are_read() -> None:
    response = Response(409, DUPLICATE)
    (error,) = response.errors
    assert (error.code, error.pointer) == ("duplicate_profile", "/data/attributes")
    assert response.duplicate_profile_id == "01GDDKASAP8TKDDA2GRZDSVP4H"
    assert not response.ok
    assert not response.retryable


def test_a_parameter_or_title_stands_in() -> None:
    (error,) = Response(400, {"errors": [{"title": "Bad", "source": {"parameter": "filter"}}]}).errors
    assert error == ApiError(detail="Bad", pointer="filter")


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (
            Response(409, DUPLICATE),
            f"Klaviyo answered 409: duplicate_profile: {DETAIL} (at /data/attributes)",
        ),
        (Response(500), "Klaviyo answered 500"),
        (Response(502, "<html>ada@example.com</html>"), "Klaviyo answered 502"),
        (Response(400, {"detail": "ada@example.com\nis bad"}), "Klaviyo answered 400: (email) is bad"),
        (Response(403, {"message": "wrong key pk_abc"}), "Klaviyo answered 403: wrong key (key)"),
        (Response(400, {"errors": [{}]}), "Klaviyo answered 400: no detail"),
        (
            Response(400, {"errors": [{"code": str(number)} for number in range(5)]}),
            "Klaviyo answered 400: 0; 1; 2 (and 2 more)",
        ),
        (Response.none("waiting for the reply timed out"), "no reply from Klaviyo: waiting for the reply timed out"),
        (Response(0), "no reply from Klaviyo: unknown problem"),
        (
            Response.refusal("too long; shorten it", "/data/x"),
            "not sent: invalid: too long; shorten it (at /data/x)",
        ),
    ],
)
def test_the_reason_is_one_line_without_personal_data(response: Response, reason: str) -> None:
    assert response.reason == reason


def test_a_long_detail_is_cut_after_it_was_redacted() -> None:
    reason = Response(400, {"errors": [{"detail": "x" * 295 + " ada.lovelace@example.com " + "y" * 10**6}]}).reason
    assert len(reason) < 400
    assert "ada" not in reason


@pytest.mark.parametrize("status", [0, 408, 425, 429, 500, 502, 503, 504, 524])
def test_what_may_succeed_later_is_retryable(status: int) -> None:
    assert Response(status).retryable
    assert not Response(status, local=True).retryable


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 409, 410, 413, 415, 501])
def test_what_will_not_is_not(status: int) -> None:
    assert not Response(status).retryable


@pytest.mark.parametrize(("status", "ok"), [(0, False), (199, False), (200, True), (299, True), (300, False)])
def test_success_is_two_hundred_and_something(status: int, *, ok: bool) -> None:
    assert Response(status).ok == ok


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSONS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["errors", "data", "id", "meta", "source", "pointer", "parameter", "detail", "title", "code", "message"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@settings(max_examples=300, deadline=None)
@given(status=st.integers(0, 999), json=JSONS | st.fixed_dictionaries({"errors": st.lists(JSONS, max_size=3)}))
def test_no_reply_is_too_odd_to_be_read(status: int, json: Any) -> None:
    response = Response(status, json)
    assert isinstance(response.reason, str)
    assert "\n" not in response.reason
    assert all(isinstance(error.meta, dict) for error in response.errors)
    assert response.duplicate_profile_id is None or isinstance(response.duplicate_profile_id, str)
    assert response.data_id is None or isinstance(response.data_id, str)
    assert repr(response).startswith("<Response")


def test_reprs_show_no_values() -> None:
    response = Response(400, {"errors": [{"detail": "ada@example.com", "source": {"pointer": "/data"}}]})
    assert repr(response) == "<Response 400 errors at ['/data']>"
    assert repr(Response.refusal("too long", "/data/x")) == "<Response 400 errors at ['/data/x'] (not sent)>"
    request = Request(
        "POST",
        "/api/track",
        params={"data": "s3cret"},
        json={"email": "s3cret"},
        form={"token": "s3cret"},
        revision="2026-10-15",
    )
    assert "s3cret" not in repr(request)
    assert repr(request).startswith("<Request POST /api/track revision=2026-10-15 params=['data'] form=['token'] json=")


@pytest.mark.parametrize(
    "value",
    [
        Response(409, DUPLICATE, {"retry-after": "1"}),
        Response.refusal("x"),
        Request("POST", "/api/events", params={"a": "b"}, json={"a": [1]}, revision="2026-10-15"),
        Request("POST", "/api/track", form={"data": "x"}),
    ],
)
def test_requests_and_responses_copy_and_pickle(value: Any) -> None:
    if isinstance(value, Request):
        assert value.body == value.body
    for again in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301 -- our own bytes
        assert again == value


def test_a_hundred_thousand_errors_are_read_up_to_a_bound() -> None:
    reply = Response(400, {"errors": [{"code": f"c{number}", "detail": "no"} for number in range(100_000)]})
    assert len(reply.errors) == 1000
    assert reply.reason.endswith("(and 99997 more)")
    assert len(reply.reason) < 1000
