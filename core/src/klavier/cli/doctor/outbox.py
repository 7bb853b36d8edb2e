"""Check the outbox: whether it can be opened, what it holds, and the room on its disk."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing

from klavier.cli.doctor.check import Check
from klavier.cli.setup import Setup
from klavier.cli.wording import count
from klavier.errors import KlavierError
from klavier.relay.factory import open_outbox
from klavier.worker.status import Limits, find_problems, read_status

_LEAST, _FEW = 100_000_000, 1_000_000_000
"""Free bytes below which nothing can be accepted soon, and below which an outage of a day may fill the disk."""


def check_outbox(setup: Setup) -> Iterator[Check]:
    """Check the outbox without creating one."""
    name = setup.config.delivery.outbox
    if name == "memory":
        yield Check("outbox", "ok", "in memory: events that wait are lost when the program ends")
        return
    path = setup.config.folder / name
    if "://" not in name:
        try:
            is_there = path.exists()
        except OSError as error:  # as where the folder may not be read
            yield Check("outbox", "wrong", f"{path}: {error.strerror}", "check the name, the folder and its rights")
            return
        if not is_there:
            yield _check_folder(setup)
            yield from _check_disk(setup)
            return
        yield from _check_disk(setup)
    try:
        with closing(open_outbox(setup.config)) as outbox:
            status = read_status(outbox)
    except KlavierError as error:
        found, _, remedy = str(error).partition("; ")
        yield Check("outbox", "wrong", found, remedy)
        return
    waiting, dead = count(status.waiting, "event"), count(status.dead, "dead letter")
    yield Check("outbox", "ok", f"{name}: {waiting} waiting, {dead}")
    for problem in find_problems(status, Limits(min_free=0)):
        found, _, remedy = problem.partition(": ")
        yield Check("outbox", "note", found, remedy or "klavier status shows more")


def _check_folder(setup: Setup) -> Check:
    """Check whether the file can be created with the first event."""
    path = setup.config.folder / setup.config.delivery.outbox
    if os.access(path.parent, os.W_OK | os.X_OK):
        return Check("outbox", "ok", f"{path} is created with the first event")
    problem = "cannot be written" if path.parent.is_dir() else "does not exist"
    return Check("outbox", "wrong", f"the folder of {path} {problem}", "create it, owned by the user that runs klavier")


def _check_disk(setup: Setup) -> Iterator[Check]:
    folder = (setup.config.folder / setup.config.delivery.outbox).parent
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # the folder is reported as missing
    state = "ok" if free >= _FEW else "note" if free >= _LEAST else "wrong"
    remedy = "" if state == "ok" else "free some space: an event of 1 kB takes about 1.5 kB while it waits"
    yield Check("disk", state, f"{free / 1e9:,.1f} GB free for the outbox", remedy)  # type: ignore[arg-type]  # one of the states
