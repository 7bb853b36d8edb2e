"""Whether a reply is Klaviyo's own: a proxy, a firewall or a wrong address may answer in its place."""

from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response

_OWN_STATUSES = frozenset({0, 401, 403, 408, 413, 425, 429})
"""Refusals that count whoever sends them: they say something about the key, the size or the time of a request."""

_CLIENT_ERROR, _SERVER_ERROR = 400, 500


def check_reply(request: Request, reply: Response) -> Response:
    """Return a reply as it is where it is Klaviyo's, else one with status 0 that says what came instead.

    Klaviyo's success has a status of the operation, and no body or JSON; its refusal is a JSON object with `errors`, or
    with `detail` or `message` in the legacy API. Any other reply, such as a redirect or a page in HTML, says nothing
    about the event, which is sent again.
    """
    if reply.status in _OWN_STATUSES or reply.status >= _SERVER_ERROR or reply.local:
        return reply
    problem = _success_problem(request, reply) if reply.ok else _refusal_problem(reply)
    return Response.none(f"the reply is not Klaviyo's: {problem}") if problem else reply


def has_content_pointer(reply: Response) -> bool:
    """Return whether a refusal names a place in the request's body, so that it is about this one event."""
    return any(error.pointer.startswith("/data") for error in reply.errors)


def _success_problem(request: Request, reply: Response) -> str:
    operation = find_operation(request.method, request.path)
    if operation is not None and reply.status not in operation.success:
        return f"status {reply.status}, where {operation.name} has {' or '.join(map(str, operation.success))}"
    if isinstance(reply.json, str):
        return f"status {reply.status} with a body that is not JSON"
    if operation is not None and operation.resource and not (isinstance(reply.json, dict) and "data" in reply.json):
        return f"status {reply.status} without the data that {operation.name} returns"
    return ""


def _refusal_problem(reply: Response) -> str:
    is_error = isinstance(reply.json, dict) and not reply.json.keys().isdisjoint(("errors", "detail", "message"))
    if is_error or (reply.json is None and reply.status >= _CLIENT_ERROR):
        return ""
    return f"status {reply.status}" + (" with a body that is not JSON" if isinstance(reply.json, str) else "")
