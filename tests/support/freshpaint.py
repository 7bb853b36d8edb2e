"""Events and settings of Freshpaint's tests."""

import base64
import json
from typing import Any

from klavier import Rehearsal, load_vendor, parse_event, rehearse

KEYS = {"public_api_key": "AbC123", "private_api_key": "pk_secret"}
IDENTIFY: dict[str, Any] = {
    "event": "$identify",
    "properties": {
        "distinct_id": "user-1",
        "token": "env-1",
        "time": 1_700_000_000,
        "$user_props": {"email": "ada@shop.test", "firstName": "Ada", "plan": "pro"},
    },
}
TRACK: dict[str, Any] = {
    "event": "Ordered Product",
    "properties": {
        "distinct_id": "user-1",
        "token": "env-1",
        "time": 1_700_000_000,
        "$insert_id": "i-1",
        "$ip": "10.1.2.3",
        "itemType": "image",
        "$user_props": {"email": "ada@shop.test"},
    },
}


def rehearsed(payload: dict[str, Any], **settings: Any) -> Rehearsal:
    """Rehearse one event."""
    return rehearse(load_vendor("freshpaint", {**KEYS, **settings}), [parse_event(payload)])


def native(payload: dict[str, Any], **settings: Any) -> tuple[str, dict[str, Any]]:
    """Return path and document of the one native call that an event causes."""
    (request,) = rehearsed(payload, wire="native", **settings).requests
    assert request.params is not None
    assert request.revision is None
    return request.path, json.loads(base64.b64decode(request.params["data"]))
