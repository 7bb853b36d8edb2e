"""Whose reply it is: Klaviyo's own, or that of a proxy, a firewall or another server."""

from typing import Any

import pytest

from klavier import Request, Response
from klavier.klaviyo.operations import OPERATIONS, usual_success
from klavier.klaviyo.replies import check_reply, has_content_pointer

EVENT = Request("POST", "/api/events", json={"data": {}})
IMPORT = Request("POST", "/api/profile-import", json={"data": {}})
TRACK = Request("GET", "/api/track", params={"data": "e30="})
EMPTY: tuple[Any, ...] = ({}, None)
ERRORS = {"errors": [{"code": "invalid", "detail": "no", "source": {"pointer": "/data/attributes"}}]}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda row: row.name)
def test_the_success_of_every_operation_is_klaviyos(operation: Any) -> None:
    request = Request(operation.method, operation.path.replace("{id}", "X"))
    for status in operation.success:
        reply = Response(status, usual_success(request).json)
        assert check_reply(request, reply) is reply


@pytest.mark.parametrize(
    "reply",
    [
        Response(202),
        Response(400, ERRORS),
        Response(409, ERRORS),
        Response(404, {"errors": []}),
        Response(400, {"detail": "bad"}),
        Response(404),
        *(Response(status, "<html>") for status in (0, 401, 403, 408, 413, 425, 429, 500, 503, 524)),
        Response.refusal("too large"),
    ],
)
def test_klaviyos_own_reply_is_kept(reply: Response) -> None:
    assert check_reply(EVENT, reply) is reply


@pytest.mark.parametrize(
    ("request_", "reply"),
    [
        (EVENT, Response(200, "<html>Sign in to this network</html>")),
        (EVENT, Response(202, "<html>")),
        (EVENT, Response(200, {})),
        (IMPORT, Response(201, {})),
        (IMPORT, Response(201, [])),
        (IMPORT, Response(202, {"data": {}})),
        (TRACK, Response(200, "<html>")),
        *((EVENT, Response(status, body)) for status in (301, 302, 304, 307, 308) for body in EMPTY),
        (EVENT, Response(404, "<html>Not Found</html>")),
        (EVENT, Response(400, {})),
        (EVENT, Response(407, "proxy")),
        (Request("POST", "/api/unknown"), Response(200, "<html>")),
    ],
)
def test_another_servers_reply_is_none(request_: Request, reply: Response) -> None:
    found = check_reply(request_, reply)
    assert (found.status, found.retryable) == (0, True)
    assert str(reply.status) in found.problem
    assert "<html>" not in found.problem


def test_a_refusal_that_names_a_place_is_about_its_event() -> None:
    assert has_content_pointer(Response(400, ERRORS))
    assert not has_content_pointer(Response(400, {"errors": [{"code": "revision"}]}))
    assert not has_content_pointer(Response(410))
