"""Keep Python's garbage collector out of the way of a burst of work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """Let the collector rest until the end of the block, where it was at work.

    A burst makes many objects that all stay until their replies come and then go by their reference counts, so the
    collector would walk through them time and again to free nothing: in bulk that was a third of all processor time.
    So at the end what is young counts as old: it is looked at when the collector next looks at everything.
    Blocks are kept short, since the collector belongs to the whole program; nothing is awaited in them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _age()
        gc.enable()


def _age() -> None:
    """Make young objects old without looking at them, unless the program has frozen some that are to stay so."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
