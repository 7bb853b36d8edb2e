"""Who is signed in: sessions, the tokens of their forms, and how often signing in may be tried."""

import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from hashlib import sha256

from attrs import define, field

SESSION_SECONDS = 12 * 3600.0
"""How long a session lasts: a working day."""

_MOST_SESSIONS = 500
"""Sessions in memory: anybody who opens the page of a console without a password begins one."""

_TRIES, _TRIES_OF_ALL, _TRIES_SECONDS = 5, 50, 60.0
"""How often signing in may fail in a minute: from one address, and from all of them."""
_MOST_ADDRESSES = 10_000


@define(eq=False)
class Session:
    """One browser that is signed in; `csrf` is what its forms send along, `message` what its next page shows."""

    csrf: str = field(repr=False)
    expires: float
    message: str = ""


class Sessions:
    """The sessions of one console, in memory: they end with the process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns seconds that never run backwards."""
        self._clock = clock
        self._known: OrderedDict[bytes, Session] = OrderedDict()

    def begin(self) -> tuple[str, Session]:
        """Begin a session; returns the cookie's value, which is stored nowhere, and the session."""
        value = secrets.token_urlsafe(32)
        session = Session(secrets.token_urlsafe(32), self._clock() + SESSION_SECONDS)
        self._known[_digest(value)] = session
        while len(self._known) > _MOST_SESSIONS:
            self._known.popitem(last=False)
        return value, session

    def find(self, value: str) -> Session | None:
        """Return the session of a cookie's value; None for an unknown or expired one."""
        key = _digest(value)  # what is looked up is a hash: its timing reveals nothing of a known value
        session = self._known.get(key)
        if session is not None and session.expires <= self._clock():
            del self._known[key]
            return None
        return session

    def end(self, value: str) -> None:
        """End the session of a cookie's value."""
        self._known.pop(_digest(value), None)


class SignIn:
    """Checks passwords and tokens, each address a few times a minute."""

    def __init__(self, accepted: Sequence[str], clock: Callable[[], float]) -> None:
        """Accept any of these secrets."""
        self._accepted = [_digest(secret) for secret in accepted]
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque()
        self._known: OrderedDict[str, None] = OrderedDict()
        """Addresses that have signed in."""

    def wait(self, address: str) -> float:
        """Return the seconds until an address may try again; 0.0 for now.

        The failures of others do not keep out an address that has signed in before.
        """
        now = self._clock()
        own = _wait(self._failures.get(address, deque()), _TRIES, now)
        return own if address in self._known else max(own, _wait(self._all, _TRIES_OF_ALL, now))

    def check(self, given: str, address: str) -> bool:
        """Return whether a secret is accepted; a wrong one counts as a failure of its address."""
        if self.accepts(given):
            self._failures.pop(address, None)
            self._known[address] = None
            while len(self._known) > _MOST_ADDRESSES:
                self._known.popitem(last=False)
            return True
        now = self._clock()
        own = self._failures.setdefault(address, deque(maxlen=_TRIES))
        self._failures.move_to_end(address)
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
        for failures in (own, self._all):
            failures.append(now)
        while len(self._all) > _TRIES_OF_ALL:
            self._all.popleft()
        return False

    def accepts(self, given: str) -> bool:
        """Return whether a secret is accepted; compares with every one, in a time that does not depend on it."""
        found = False
        for known in self._accepted:
            found |= hmac.compare_digest(known, _digest(given))
        return found


def _wait(failures: "deque[float]", most: int, now: float) -> float:
    if len(failures) < most:
        return 0.0
    return max(0.0, failures[-most] + _TRIES_SECONDS - now)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
