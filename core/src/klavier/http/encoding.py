"""Encode requests as HTTP (URL, headers, content), and decode the bodies of replies.

Source: Klaviyo's API overview and versioning policy; its legacy Track and Identify API.
"""

import ipaddress
import re
from typing import Any, Self
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import orjson
from attrs import frozen

from klavier.errors import ConfigError
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response

JSON_API_SINCE = "2024-10-15"
"""From this revision on bodies are `application/vnd.api+json`, before they were `application/json`."""

_PATH = re.compile(r"/(?!/)(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*")
_DOT_SEGMENT = re.compile(r"/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]+")


@frozen(repr=False)
class RequestEncoder:
    """Encodes requests for one account of one server; `base_url` has no slash at its end.

    `authorization` is the header of calls that need a private key, None where there is none.
    """

    base_url: str
    authorization: str | None
    public_api_key: str | None
    user_agent: str

    @classmethod
    def create(
        cls,
        base_url: str,
        user_agent: str,
        *,
        private_api_key: str | None = None,
        public_api_key: str | None = None,
        access_token: str | None = None,
    ) -> Self:
        """Check keys and server; raises `ConfigError` that names what cannot be used, never its value.

        `access_token` is an OAuth token, sent in place of `private_api_key`.
        """
        keys = {"private_api_key": private_api_key, "public_api_key": public_api_key, "access_token": access_token}
        for name, key in keys.items():
            if key is not None and not (isinstance(key, str) and _KEY.fullmatch(key)):
                raise ConfigError(f"{name}: must be a key as Klaviyo shows it, without spaces; copy it again")
        authorization = None if private_api_key is None else f"Klaviyo-API-Key {private_api_key}"
        if access_token is not None:
            authorization = f"Bearer {access_token}"
        return cls(_check_base_url(base_url), authorization, public_api_key, user_agent)

    def refuse(self, request: Request) -> Response | None:
        """Return the refusal of a request that must not be sent (another host, no key, no JSON), or None."""
        path = request.path
        if not _PATH.fullmatch(path) or _DOT_SEGMENT.search(path):
            return Response.refusal("the path of the request is not one of Klaviyo's API: quote ids, name no host")
        if _needs_private_key(request) and self.authorization is None:
            return Response.refusal("this call needs private_api_key or access_token; set one")
        try:
            _ = request.body
        except TypeError:
            return Response.refusal("the body of the request cannot be written as JSON")
        return None

    def url(self, request: Request) -> str:
        """Return the URL: the path as it is, the parameters quoted."""
        params = request.params or {}
        if self.public_api_key is not None and request.path.startswith("/client/") and "company_id" not in params:
            params = {**params, "company_id": self.public_api_key}
        # Quoted with %20, since `+` would be a space to some readers and a plus to others.
        query = urlencode(params, quote_via=quote, safe="") if params else ""
        return f"{self.base_url}{request.path}{'?' if query else ''}{query}"

    def headers(self, request: Request) -> dict[str, str]:
        """Return the headers; only calls whose private key Klaviyo checks carry it."""
        revision = request.revision
        media_type = "application/vnd.api+json" if revision and revision >= JSON_API_SINCE else "application/json"
        headers = {
            "User-Agent": self.user_agent,
            "Accept": media_type if revision else "text/html, application/json",
            "Accept-Encoding": "gzip, deflate",
        }
        if revision is not None:
            headers["revision"] = revision
        if _needs_private_key(request) and self.authorization is not None:
            headers["Authorization"] = self.authorization
        if request.json is not None:
            headers["Content-Type"] = media_type
        elif request.form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return headers

    def content(self, request: Request) -> bytes | None:
        """Return the body: JSON, or a form; None where there is none."""
        if request.json is not None:
            return request.body
        return None if request.form is None else urlencode(request.form).encode("ascii")


def decode_body(body: bytes | bytearray) -> Any:
    """Read the body of a reply as JSON, whatever its content type says (the legacy `1` is JSON too), else as text."""
    if not body:
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def choose_proxy(base_url: str, proxy: str | None) -> str | None:
    """Return the proxy to a server: `proxy`, else what the environment names; None for a server on this machine.

    Raises `ConfigError` for a proxy that is no HTTP proxy.
    """
    if proxy is None:
        parts = urlsplit(base_url)
        if is_loopback(base_url) or proxy_bypass(parts.hostname or ""):
            return None
        proxy = getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy is not None and not _is_server(proxy):
        raise ConfigError("proxy: must be the address of an HTTP proxy, such as http://proxy.example:8080")
    return proxy


def is_loopback(base_url: str) -> bool:
    """Return whether a server is on this machine."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _needs_private_key(request: Request) -> bool:
    return request.revision is not None and request.path.startswith("/api/")


def _check_base_url(base_url: str) -> str:
    parts = urlsplit(base_url) if _is_server(base_url) else None
    if parts is None or parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("base_url: must be the address of a server, such as https://a.klaviyo.com")
    return base_url.rstrip("/")


def _is_server(url: Any) -> bool:
    """Return whether a URL names an HTTP server."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except (ValueError, AttributeError, TypeError):
        return False
    return bool(parts.scheme in ("http", "https") and parts.hostname and port != 0 and _KEY.fullmatch(url))
