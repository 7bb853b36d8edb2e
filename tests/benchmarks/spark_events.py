"""A made-up history of a shop: events of every type, profiles that are joined later, and lines that are no events."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

_START = 1_790_000_000
_NAMES = ("Product Viewed", "Product Added", "Order Completed", "Newsletter Opened")
_ODD = 100
"""One in so many lines is no event, or one that nobody can send."""


def write_events(folder: Path, events: int, profiles: int, files: int) -> None:
    """Write `events.jsonl` in order, and the same as rows to the files of a folder `rows`, in turn.

    A row has its place as `id`, from 1, the line as `payload`, and a `timestamp` that grows with the place.
    """
    (folder / "rows").mkdir()
    with ExitStack() as stack:
        lines = stack.enter_context((folder / "events.jsonl").open("w", encoding="utf-8"))
        rows = [
            stack.enter_context((folder / "rows" / f"{number:03d}.json").open("w", encoding="utf-8"))
            for number in range(files)
        ]
        for number, line in enumerate(_lines(events, profiles), 1):
            lines.write(f"{line}\n")
            row = {"id": number, "payload": line, "timestamp": _time(number)}
            rows[-number % files].write(json.dumps(row) + "\n")


def _lines(events: int, profiles: int) -> Iterator[str]:
    for number in range(1, events + 1):
        line = json.dumps(_event(number, profiles), ensure_ascii=number % 2 == 0)
        yield line if number % _ODD else _odd(line, number // _ODD)


def _odd(line: str, number: int) -> str:
    event = json.loads(line)
    changes: tuple[dict[str, Any], ...] = (
        {"userId": "u" * 2000},
        {"userId": None, "anonymousId": None, "context": {}, "traits": {}},
        {"properties": {"n": 2**70}, "traits": {"n": 2**70}},
        {"type": "trick"},
    )
    if number % 5 == 4:
        return line[: len(line) // 2]
    return json.dumps({**event, **changes[number % 5]})


def _event(number: int, profiles: int) -> dict[str, Any]:
    """Return an event; profiles are unknown first, and most become known by an event with both identifiers."""
    profile = number * 7919 % profiles
    known = {"userId": f"u{profile}"} if number % 3 else {"anonymousId": f"a{profile}"}
    both = {"userId": f"u{profile}", "anonymousId": f"a{profile}"}
    event = {"messageId": f"m{number}", "timestamp": _time(number), "context": {"ip": "14.5.67.21"}}
    place = number % 20
    if place in (0, 8):
        traits = {
            "email": f"P{profile}@shop.test",
            "firstName": f"Zoë {profile % 50}",
            "plan": ["free", "pro"][place // 8],
        }
        return {"type": "identify", **both, **event, "traits": traits}
    if place == 4:
        return {"type": "group", **known, **event, "groupId": "g1", "traits": {"name": "Büro"}}
    if place in (12, 16):
        kind = "page" if place == 12 else "screen"
        return {"type": kind, **known, **event, "name": "Pricing", "properties": {"url": "https://shop.test/p"}}
    if place == 19:
        return {"type": "alias", "userId": f"u{profile}", "previousId": f"a{profile}", **event}
    return {"type": "track", "event": _NAMES[number % 4], **known, **event, "properties": _properties(number)}


def _properties(number: int) -> dict[str, Any]:
    item = {"product_id": f"p{number % 97}", "name": "Uno 🎲", "price": 12.5, "quantity": 1 + number % 3}
    if number % 4 == 2:
        return {"order_id": f"o{number}", "revenue": number % 50 / 4, "currency": "USD", "products": [item, item]}
    return {**item, "n": number}


def _time(number: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(_START + number))
