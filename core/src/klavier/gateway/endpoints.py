"""The endpoints of the gateway as Starlette routes."""

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from klavier.gateway.bodies import Refusal
from klavier.gateway.messages import Client
from klavier.gateway.replies import METRICS, PIXEL, ROUTES, error_body, rudderstack_source_config, segment_settings
from klavier.gateway.service import Collected
from klavier.version import VERSION

if TYPE_CHECKING:
    from klavier.gateway.service import GatewayService

Endpoint = Callable[[Request], Awaitable[Response]]
ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]

BODY_SECONDS = 30.0
"""How long a body may take to arrive: a slow phone sends 4 MB in that time, a slow attacker holds no connection."""

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_NO_STORE = {"Cache-Control": "no-store"}
"""For answers that repeat the Host header or the key of their request: no cache may return them to others."""


def routes(service: "GatewayService") -> list[Route]:
    """Return the routes that take events from SDKs."""
    guarded = partial(_guarded, service)
    webhook = guarded(_Webhook(service))
    found = [Route(path, guarded(_Collect(service, kind)), methods=["POST"]) for path, kind in ROUTES.items()]
    found += [Route(path, guarded(_discard(service)), methods=["POST"]) for path in METRICS]
    return [
        *found,
        Route("/v1/webhook", webhook, methods=["GET", "POST"]),
        Route("/pixel/v1/{event_type}", _Pixel(service).__call__, methods=["GET"]),
        Route("/v1/projects/{write_key}/settings", guarded(_segment_settings(service)), methods=["GET"]),
        Route("/sourceConfig", guarded(_source_config(service)), methods=["GET"]),
        Route("/sourceConfig/", guarded(_source_config(service)), methods=["GET"]),
        Route("/health", _health, methods=["GET"]),
        Route("/version", _version, methods=["GET"]),
    ]


def refuse_unknown_path(service: "GatewayService") -> ErrorHandler:
    """Return what answers 404; a source that sends there is counted and logged, as its SDK drops the events."""

    async def answer(request: Request, _: Exception) -> Response:
        refusal = Refusal(404, "not_found", "no events are accepted at this path; set the SDK's host without a path")
        keys = _keys_outside(request)
        if request.method == "POST" and service.knows(keys):  # strangers try any path
            service.report_refusal(refusal, keys)
        return JSONResponse(error_body(refusal.code, refusal.message), refusal.status)

    return answer


def _guarded(service: "GatewayService", endpoint: Endpoint) -> Endpoint:
    """Turn what an endpoint refuses into replies that make SDKs retry, or not."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Refusal as refusal:
            service.report_refusal(refusal, _keys_outside(request))
            headers = {} if refusal.retry_after is None else {"Retry-After": str(refusal.retry_after)}
            return JSONResponse(error_body(refusal.code, refusal.message), refusal.status, headers)
        except ClientDisconnect:
            return Response(status_code=400)

    return answer


class _Collect:
    """Accepts the events of Segment's, RudderStack's and Freshpaint's SDKs."""

    def __init__(self, service: "GatewayService", event_type: str | None) -> None:
        """`event_type` is the type that the path names."""
        self._service = service
        self._event_type = event_type

    async def __call__(self, request: Request) -> Response:
        service = self._service
        collected = Collected(
            await _read_raw(request, service),
            self._event_type,
            _keys_outside(request),
            request.headers.get("content-encoding", ""),
            request.headers.get("x-signature", ""),
            _client(request, service, is_browser=_is_browser(request)),
        )
        await service.collect(collected)
        return JSONResponse({"success": True})


class _Webhook:
    """Accepts events from other servers: one event or an array."""

    def __init__(self, service: "GatewayService") -> None:
        self._service = service

    async def __call__(self, request: Request) -> Response:
        raw = await _read_raw(request, self._service)
        if request.method == "GET" and not raw:
            raw = orjson.dumps({name: value for name, value in request.query_params.items() if name != "writeKey"})
        collected = Collected(
            raw,
            None,
            _keys_outside(request),
            request.headers.get("content-encoding", ""),
            request.headers.get("x-signature", ""),
        )
        await self._service.collect(collected)
        return JSONResponse({"success": True})


class _Pixel:
    """Accepts one event in the query of an image; answers with the image whatever happens, as RudderStack does."""

    def __init__(self, service: "GatewayService") -> None:
        self._service = service

    async def __call__(self, request: Request) -> Response:
        event_type = request.path_params["event_type"]
        if event_type in ("track", "page") and request.method == "GET":  # scanners of links ask for the head first
            members = {name: value for name, value in request.query_params.items() if name != "writeKey"}
            client = _client(request, self._service, is_browser=True)
            collected = Collected(orjson.dumps(members), event_type, _keys_outside(request), client=client)
            await _guarded(self._service, self._collector(collected))(request)
        return Response(PIXEL, media_type="image/gif", headers={"Cache-Control": "no-store"})

    def _collector(self, collected: Collected) -> Endpoint:
        async def collect(_: Request) -> Response:
            await self._service.collect(collected)
            return Response()

        return collect


def _segment_settings(service: "GatewayService") -> Endpoint:
    async def answer(request: Request) -> Response:
        key = request.path_params["write_key"]
        service.find_source([key])
        host = request.headers.get("host", "")
        if not _HOST.fullmatch(host):
            raise Refusal(400, "invalid_host", "the Host header is no host name")
        place = host + request.scope.get("root_path", "")
        return JSONResponse(segment_settings(_scheme(request), place, key), headers=_NO_STORE)

    return answer


def _source_config(service: "GatewayService") -> Endpoint:
    async def answer(request: Request) -> Response:
        keys = _keys_outside(request)
        source = service.find_source(keys)
        found = rudderstack_source_config(source.name, next(key for key in keys if key))
        return JSONResponse(found, headers=_NO_STORE)

    return answer


def _discard(service: "GatewayService") -> Endpoint:
    async def answer(request: Request) -> Response:
        """Read and discard the figures that SDKs send about themselves; their size and time are bounded as events'."""
        await _read_raw(request, service)
        return JSONResponse({"success": True})

    return answer


async def _health(_: Request) -> Response:
    return JSONResponse({"server": "UP", "db": "UP", "acceptingEvents": "TRUE"})


async def _version(_: Request) -> Response:
    return JSONResponse({"Version": VERSION})


async def _read_raw(request: Request, service: "GatewayService") -> bytes:
    """Return the body as sent; raises `Refusal` for one that is too large or takes too long."""
    limit, bodies = service.section.max_body, service.bodies
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                if len(body) + len(piece) > limit:
                    raise Refusal(413, "too_large", f"the request is larger than {limit} bytes")
                bodies.grow(len(body), len(body) + len(piece))
                body += piece
    except TimeoutError:
        raise Refusal(408, "timeout", "the body took too long to arrive") from None
    finally:
        bodies.shrink(len(body))
    return bytes(body)


def _scheme(request: Request) -> str:
    """Return how browsers reach this server: a proxy in front that ends TLS says so, in a reply to its own client."""
    return "https" if request.headers.get("x-forwarded-proto") == "https" else request.url.scheme


def _keys_outside(request: Request) -> list[str]:
    """Return the write keys outside the body: the user of Basic authentication, then the query's."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    user = ""
    if scheme.lower() == "basic":
        try:
            user = base64.b64decode(value.strip(), validate=True).decode("utf-8", "replace").split(":", 1)[0]
        except (binascii.Error, ValueError):
            user = ""
    return [user, request.query_params.get("writeKey", "")]


def _is_browser(request: Request) -> bool:
    """Return whether a page sends the request: browsers name the page's origin, servers and apps do not."""
    return "origin" in request.headers or "referer" in request.headers


def _client(request: Request, service: "GatewayService", *, is_browser: bool) -> Client:
    if not is_browser or not service.section.fill_client:
        return Client()
    peer = request.client.host if request.client else ""
    address = service.proxies.client_address(peer, ",".join(request.headers.getlist("x-forwarded-for")))
    return Client(address, request.headers.get("user-agent", ""))
