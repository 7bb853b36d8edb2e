"""A disk of some megabytes for one program: a file system in memory that no other process sees.

`python -m tests.support.full_disk FOLDER MEGABYTES` runs inside `unshare`, mounts the disk at FOLDER and goes through a
full disk's life; it prints one line of JSON for each step.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.waiting import LONG

ROOT = Path(__file__).parents[2]
IN_A_NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def can_mount() -> bool:
    """Return whether this system lets a program mount a disk for itself."""
    probe = [*IN_A_NAMESPACE, "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0  # noqa: S603 -- fixed words
    except OSError:
        return False


def run(folder: Path, megabytes: int) -> list[dict[str, Any]]:
    """Run this script with a disk of its own; returns what each step printed."""
    command = [*IN_A_NAMESPACE, sys.executable, "-m", "tests.support.full_disk", str(folder), str(megabytes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=LONG)  # noqa: S603 -- our own script
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


def _step(name: str, **found: Any) -> None:
    print(json.dumps({"step": name, **found}), flush=True)  # noqa: T201 -- how it reports


def _fill(path: Path) -> None:
    """Take every byte that is left, as another program might."""
    with path.open("ab", buffering=0) as file:
        for size in (65_536, 4096, 512, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def _payload(number: int) -> bytes:
    event = {"type": "track", "event": "E", "userId": f"u{number % 70}", "messageId": f"m{number}"}
    return json.dumps({**event, "properties": {"text": "x" * 20_000}}).encode()


def _accept(folder: Path) -> None:
    from klavier.errors import OutboxFullError  # noqa: PLC0415 -- after the disk is there
    from klavier.outbox import SqliteOutbox  # noqa: PLC0415 -- as above

    outbox, number = SqliteOutbox(folder / "klavier.db"), 0
    try:
        while True:
            outbox.append([(f"m{number}", f"k{number % 70}", _payload(number))])
            number += 1
    except OutboxFullError as error:
        _step("refused", accepted=number, error=str(error), problem=outbox.status().problem)
    os._exit(0)  # killed, as it were: the log is not written back


def _deliver(folder: Path) -> None:
    import httpx  # noqa: PLC0415 -- after the disk is there

    import klavier  # noqa: PLC0415 -- as above

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(202, json={})

    settings = {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "pk_x"},
        "delivery": {"outbox": str(folder / "klavier.db")},
    }
    relay = klavier.open(settings, transport=httpx.MockTransport(answer))
    before = relay.counts().pending
    try:
        relay.track("One more", user_id="u1")
        refused = False
    except klavier.OutboxFullError:
        refused = True
    counts = relay.flush(LONG)
    _step("delivered", before=before, refused=refused, pending=counts.pending, delivered=counts.delivered)
    (folder / "junk").unlink()
    relay.track("Again", user_id="u1")
    _step("recovered", pending=relay.close(60).pending, problem="")


def main(folder: Path, megabytes: str) -> None:
    """Fill, deliver, recover."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder)], check=True)  # noqa: S603, S607 -- fixed words
    for work in (_accept, _deliver):
        child = os.fork()
        if child == 0:
            work(folder)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        if work is _accept:
            _fill(folder / "junk")
            _step("filled", free=os.statvfs(folder).f_bavail)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
