"""What the SDKs read from a server beside the status: settings documents, a pixel, errors.

Source: recorded requests and replies of Segment's and RudderStack's SDKs.
"""

from collections.abc import Mapping
from typing import Any

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""A transparent GIF of one pixel."""


def error_body(code: str, message: str) -> dict[str, str]:
    """Return the body of a refusal, with the members that Segment's SDKs show."""
    return {"code": code, "message": message}


def segment_settings(scheme: str, place: str, write_key: str) -> dict[str, Any]:
    """Return the settings of Segment's browser SDK: events go to this server, no other destination is loaded.

    `place` is the server's host name, and the path below which it is mounted.
    """
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": write_key,
                "apiHost": f"{place}/v1",
                "protocol": scheme,
                "unbundledIntegrations": [],
                "addBundledMetadata": False,
                "versionSettings": {"version": "4.4.7", "componentTypes": ["browser"]},
            }
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudderstack_source_config(source: str, write_key: str) -> dict[str, Any]:
    """Return the source configuration of RudderStack's SDKs: without one of its members they send no event."""
    return {
        "source": {
            "id": f"klavier-{source}",
            "name": source,
            "writeKey": write_key,
            "enabled": True,
            "workspaceId": "klavier",
            "config": {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}},
            "destinations": [],
            "dataplanes": {},
        },
        "updatedAt": "2026-01-01T00:00:00.000Z",
    }


ROUTES: Mapping[str, str | None] = {
    # Segment's HTTP API and RudderStack's, which share their names
    "/v1/identify": "identify",
    "/v1/track": "track",
    "/v1/page": "page",
    "/v1/screen": "screen",
    "/v1/group": "group",
    "/v1/alias": "alias",
    "/v1/batch": None,
    "/v1/import": None,
    # Segment's browser SDK
    "/v1/i": "identify",
    "/v1/t": "track",
    "/v1/p": "page",
    "/v1/s": "screen",
    "/v1/g": "group",
    "/v1/a": "alias",
    "/v1/b": None,
    # RudderStack's browser SDK with beacons
    "/beacon/v1/batch": None,
    # Freshpaint's HTTP API
    "/track": None,
    "/identify": None,
}
"""The paths that take events, and the type that each names."""

METRICS = ("/m", "/v1/m", "/rsaMetrics")
"""Where SDKs send figures about themselves, which are read by nobody."""
