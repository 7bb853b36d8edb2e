"""A host of several that share an outbox: accepts events of its own profiles until its standard input ends.

`python -m tests.support.host CONFIG NAME` prints `ok N` for each number that the relay acknowledged; an event that
could not be stored is tried again.  When standard input ends it stops accepting, flushes and prints `end`.
"""

import os
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

PROFILES = 5
PAUSE = 0.05
"""Seconds between two events: two hosts accept less than one account receives, 3,500 single calls a minute."""


def event(host: str, number: int) -> dict[str, Any]:
    """Return the event of a number, of one of the host's own profiles."""
    return {
        "type": "track",
        "event": "Counted",
        "userId": f"{host}-{number % PROFILES}",
        "messageId": f"{host}-{number}",
        "properties": {"n": number + 1},
    }


def main() -> None:
    """Accept, then flush."""
    import klavier  # noqa: PLC0415 -- the test imports this module for `event` only

    stopping = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    with klavier.open(Path(sys.argv[1])) as relay:
        for number in count():
            if stopping.is_set():
                break
            while True:
                try:
                    relay.send(event(sys.argv[2], number))
                    break
                except klavier.OutboxError:
                    time.sleep(0.05)
            os.write(1, f"ok {number}\n".encode())
            time.sleep(PAUSE)
        relay.flush(60)
    os.write(1, b"end\n")


if __name__ == "__main__":
    main()
