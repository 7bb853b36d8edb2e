"""The vendors' own Python SDKs, pointed at a server on loopback that keeps what they post.

The sample events that klavier ships were captured this way.  To capture them anew:

    python -m tests.support.sdks > core/src/klavier/cli/samples/captured.jsonl
"""

import gzip
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple

from tests.support.documented_calls import Call, Sdk, documented_calls
from tests.support.servers import Recording, Seen, recording_server

_PACKAGES: dict[Sdk, str] = {"segment": "segment.analytics", "rudderstack": "rudderstack.analytics"}


class Captured(NamedTuple):
    """What an SDK said that it queued, what it posted, and the headers of each post."""

    queued: list[dict[str, Any]]
    posted: list[dict[str, Any]]
    headers: list[dict[str, str]]


@contextmanager
def client(sdk: Sdk, server: Recording, **options: Any) -> Iterator[Any]:
    """Return a client of an SDK that posts to a server; at the end of the block it is shut down."""
    # Imported by name, since neither package has types.
    package = _PACKAGES[sdk]
    made = import_module(f"{package}.client").Client("WRITE_KEY", host=server.url, max_retries=0, **options)
    try:
        yield made
        if not options.get("sync_mode"):
            made.shutdown()
    finally:
        import_module(f"{package}.request")._session.close()


def capture(sdk: Sdk, calls: list[Call], **options: Any) -> Captured:
    """Make calls with one SDK and give what it posted, in order."""
    queued = []
    with recording_server(lambda _: (200, {}, b"{}")) as server, client(sdk, server, **options) as made:
        for call in calls:
            done, message = getattr(made, call.method)(**call.arguments)
            assert done
            queued.append(message)
    posted = [event for seen in server.seen for event in batch_of(seen)]
    return Captured(json.loads(json.dumps(queued, default=_written)), posted, [seen.headers for seen in server.seen])


def _written(value: Any) -> str:
    """Write a time as the SDKs do."""
    text: str = value.isoformat()
    return text


def batch_of(seen: Seen) -> list[dict[str, Any]]:
    """Read the events of one post, compressed or not."""
    packed = seen.headers.get("content-encoding") == "gzip"
    batch: list[dict[str, Any]] = json.loads(gzip.decompress(seen.body) if packed else seen.body)["batch"]
    return batch


def main() -> None:
    """Write what the SDKs post for the documents' sample calls, one event a line."""
    for call in documented_calls():
        for event in capture(call.sdk, [call], sync_mode=True).posted:
            sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
