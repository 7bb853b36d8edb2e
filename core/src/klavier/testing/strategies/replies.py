"""Replies: what Klaviyo, or something on the way to it, may answer."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from klavier.klaviyo.response import Response
from klavier.testing.strategies.members import some_of
from klavier.testing.strategies.values import json_values

_STATUSES = (
    0,
    200,
    201,
    202,
    204,
    301,
    400,
    401,
    403,
    404,
    408,
    409,
    410,
    413,
    415,
    423,
    429,
    500,
    501,
    502,
    503,
    504,
    524,
)
_POINTERS = (
    "/data/attributes/email",
    "/data/attributes/profiles/data/0",
    "/data/attributes/events-bulk-create/data/1",
    "",
)


def replies() -> SearchStrategy[Response]:
    """Return replies of every status, with the bodies that Klaviyo sends and ones that it never should."""
    return st.one_of(_errors(), _resources(), st.builds(Response, st.sampled_from(_STATUSES), json_values()))


def _errors() -> SearchStrategy[Response]:
    errors = st.lists(_error_objects, max_size=2).map(lambda found: {"errors": found})
    return st.builds(Response, st.sampled_from((400, 404, 409, 429, 500)), errors)


def _resources() -> SearchStrategy[Response]:
    bodies: SearchStrategy[Any] = st.sampled_from(
        (
            {"data": {"type": "profile", "id": "01ABC"}},
            {"data": {"type": "profile", "id": "../x?y#z"}},
            {"data": []},
            {"data": [{"type": "profile", "id": "01ABC"}]},
            None,
            1,
            "1",
            0,
        )
    )
    return st.builds(Response, st.sampled_from((200, 201, 202, 204)), bodies)


_error_objects = some_of(
    {
        "code": st.sampled_from(("invalid", "duplicate_profile", "throttled")),
        "detail": st.sampled_from(("A profile already exists.", "Invalid input", None)),
        "status": st.sampled_from((400, 409, "400")),
        "source": st.one_of(st.none(), st.builds(lambda pointer: {"pointer": pointer}, st.sampled_from(_POINTERS))),
        "meta": st.sampled_from(({"duplicate_profile_id": "01DUP"}, {"duplicate_profile_id": None}, [], None)),
    },
)
