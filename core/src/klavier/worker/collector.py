"""Keep Python's garbage collector out of the way of a burst of work."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ENOUGH = 3_000_000
"""After so many of them all objects are looked at once, so that garbage of the whole program does not pile up."""


@contextmanager
def resting() -> Iterator[None]:
    """Let the collector rest until the end of the block, where it was at work.

    A burst makes many objects that all stay until their replies come and then go by their reference counts, so the
    collector would walk through them time and again to free nothing: in bulk that was a third of all processor time.
    So at the end of one that would have it walk at once, what is young counts as old, without a look at it.
    Blocks are kept short, since the collector belongs to the whole program; nothing is awaited in them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _aging.after(gc.get_count()[0])
        gc.enable()


class _Aging:
    """Makes young objects old, and looks at all of them now and then."""

    def __init__(self) -> None:
        self.aged = 0

    def after(self, young: int) -> None:
        """Age what is young where it would be looked at now, unless the program has frozen objects to stay so."""
        most = gc.get_threshold()[0]
        if not 0 < most < young or gc.get_freeze_count():
            return
        self.aged += young
        if self.aged >= _ENOUGH:
            self.aged = 0
            gc.collect()
        else:
            gc.freeze()
            gc.unfreeze()


_aging = _Aging()
