"""A program that dies: run as a script, it forks one life after the other, each with a relay of its own.

`python -m tests.support.crashing CONFIG` reads lines: `go FIRST` starts a life that accepts events from number FIRST on
for as long as it lives, `end FIRST LAST` one that accepts what is left and delivers all.  It prints `pid P`, `ok N` for
each number that the relay acknowledged, and `over` when the life has ended, whatever ended it.
"""

import os
import random
import sys
import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.waiting import LONG

PEOPLE = 7


def event(number: int) -> dict[str, Any]:
    """Return the event of a number: every tenth says who somebody is, the others what somebody did."""
    about = {
        "userId": f"u{number % PEOPLE}",
        "messageId": f"m{number}",
        "timestamp": f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z",
    }
    if number % 10 == 0:
        return {"type": "identify", "traits": {"email": f"u{number % PEOPLE}@shop.test", "n": number}, **about}
    return {"type": "track", "event": "Counted", "properties": {"n": number}, **about}


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _live(config: Path, numbers: Iterable[int], *, to_the_end: bool) -> None:
    import klavier  # noqa: PLC0415 -- imported once, by the parent of all lives

    rng = random.Random(os.getpid())  # noqa: S311 -- the pace of a test, not a secret
    relay = klavier.open(config)
    for number in numbers:
        relay.send(event(number))
        _say(f"ok {number}")
        if not to_the_end:
            time.sleep(rng.random() * 0.004)
    if to_the_end:
        _say(f"counts {relay.flush(LONG)}")
        relay.close()


def main() -> None:
    """Serve lives until standard input ends."""
    import klavier  # noqa: PLC0415 -- so that no life has to
    import klavier.http.transport  # noqa: F401, PLC0415 -- as above

    config = Path(sys.argv[1])
    for line in sys.stdin:
        order, *limits = line.split()
        first, *last = map(int, limits)
        child = os.fork()
        if child == 0:
            _live(config, range(first, last[0]) if last else count(first), to_the_end=order == "end")
            os._exit(0)
        _say(f"pid {child}")
        os.waitpid(child, 0)
        _say("over")


if __name__ == "__main__":
    main()
