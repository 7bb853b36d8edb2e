"""The outbox of a setup, for the commands that work on one."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from klavier.cli.setup import Setup
from klavier.errors import UsageError
from klavier.outbox import DeadLetter, Outbox
from klavier.relay.factory import open_outbox

_PAGE = 1000


def check_shared(setup: Setup) -> None:
    """Raise `UsageError` where the outbox is in the memory of another program."""
    if setup.config.delivery.outbox == "memory":
        raise UsageError('the outbox is in memory (outbox = "memory"): only the program that holds it can read it')


@contextmanager
def open_existing(setup: Setup) -> Iterator[Outbox]:
    """Open the outbox that a configuration names; raises `UsageError` where there is none yet."""
    check_shared(setup)
    name = setup.config.delivery.outbox
    path = setup.config.folder / name
    if "://" not in name and not path.exists():
        raise UsageError(f"{path}: there is no outbox yet; a relay creates it with its first event")
    with closing(open_outbox(setup.config)) as outbox:
        yield outbox


def read_dead_letters(outbox: Outbox) -> Iterator[DeadLetter]:
    """Yield all dead letters in the order of acceptance, read in pages."""
    last = 0
    while page := outbox.dead_letters(last, _PAGE):
        yield from page
        last = page[-1].seq


def find_dead_letter(outbox: Outbox, seq: int) -> DeadLetter:
    """Return one dead letter; raises `UsageError` where there is none with that number."""
    found = outbox.dead_letters(seq - 1, 1)
    if not found or found[0].seq != seq:
        raise UsageError(f"there is no dead letter {seq}; klavier dead list shows them")
    return found[0]
