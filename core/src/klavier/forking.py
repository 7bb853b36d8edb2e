"""Keep locks usable in forked processes.

A lock that another thread holds at the moment of a fork stays locked in the child for ever: the thread that would
release it does not exist there.  Objects with locks register themselves here and renew them in the child.
"""

import os
import threading
from abc import ABC, abstractmethod
from weakref import ReferenceType, ref

WAIT = 1.0
"""Seconds that a fork waits for each lock that is held.

A lock is held for a transaction, milliseconds as a rule, so a second is only used up when another process blocks the
file.  Then the fork goes ahead: the child renews the lock, and only SQLite's own locks may be in an undefined state.
"""


class ForkAware(ABC):
    """An object with locks, registered with `register`."""

    def lock_for_fork(self, timeout: float) -> bool:  # noqa: ARG002 -- those that have something to wait for use it
        """Wait until no other thread is inside the object; returns whether `unlock_after_fork` is to be called."""
        return False

    def unlock_after_fork(self) -> None:  # noqa: B027 -- only for those that return True above
        """Continue in the parent, in the thread that called `lock_for_fork`."""

    @abstractmethod
    def renew_after_fork(self) -> None:
        """Replace every lock in the child, and drop what belongs to the parent."""


_members: list["ReferenceType[ForkAware]"] = []
_locked = threading.local()


def register(member: ForkAware) -> None:
    """Renew the locks of `member` in every child that is forked while it exists."""
    _members.append(ref(member, _members.remove))


def _alive() -> list[ForkAware]:
    return [member for found in list(_members) if (member := found()) is not None]


def _before() -> None:
    _locked.members = [member for member in _alive() if member.lock_for_fork(WAIT)]


def _after_in_parent() -> None:
    for member in _locked.__dict__.pop("members", ()):
        member.unlock_after_fork()


def _after_in_child() -> None:
    _locked.__dict__.clear()
    for member in _alive():
        member.renew_after_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
