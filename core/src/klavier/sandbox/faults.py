"""Scripted faults: replies that are not Klaviyo's, slow ones, broken ones, lost ones.

A fault applies to the calls that it matches, a number of times or at random; the random choices come from a seed, so
that a run can be repeated.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Literal

from attrs import define, evolve, field, frozen

from klavier.errors import UsageError
from klavier.sandbox.exchange import Incoming, Reply

Match = str | Callable[[Incoming], bool] | None


@frozen
class Fault:
    """One kind of fault.

    - `status`, `headers`, `json` or `body` (raw bytes, such as half a JSON document): the reply instead of Klaviyo's.
      Without a `status` and a `connection` the call is processed as usual, and only slow.
    - `connection`: `"reset"` closes it without a reply, `"cut"` in the middle of the reply's body.
    - `processed`: whether Klaviyo processes the call although it does not reply so; with `connection="reset"` that is a
      lost reply.
    - `delay`: seconds before the reply.
    - `match`: a path, `"METHOD /path"` (both also as a prefix that ends with `*`), or a function of the request.
    - `times`: how many calls it applies to, None for all; `rate`: the share of matching calls, 0 to 1.

    Raises `UsageError` for a value that an option cannot have.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(factory=dict)
    json: Any = None
    body: bytes | None = None
    connection: Literal["", "reset", "cut"] = ""
    processed: bool = field(kw_only=True, default=False)
    delay: float = 0.0
    match: Match = None
    times: int | None = 1
    rate: float = 1.0

    def __attrs_post_init__(self) -> None:
        """Check the options, since a test under a fault that never applies as written proves nothing."""
        if self.connection not in ("", "reset", "cut"):
            raise UsageError("connection: must be 'reset' or 'cut'")
        if self.times is not None and self.times < 1:
            raise UsageError("times: must be at least 1, or None for all calls")
        if not 0 <= self.rate <= 1:
            raise UsageError("rate: must be between 0 and 1")
        if self.delay < 0:
            raise UsageError("delay: must be 0 or more seconds")

    @classmethod
    def throttled(cls, retry_after: int = 1, **more: Any) -> "Fault":
        """Answer 429 with Retry-After, in seconds."""
        return cls(429, {"Retry-After": str(retry_after)}, **more)

    @classmethod
    def reset(cls, **more: Any) -> "Fault":
        """Close the connection before the call is processed."""
        return cls(connection="reset", **more)

    @classmethod
    def lost_reply(cls, **more: Any) -> "Fault":
        """Process the call, then close the connection without a reply."""
        return cls(connection="reset", processed=True, **more)

    @classmethod
    def cut(cls, **more: Any) -> "Fault":
        """Process the call, and send only half of the reply."""
        return cls(connection="cut", processed=True, **more)

    @classmethod
    def garbled(cls, body: bytes = b'{"errors": [{"id": ', status: int = 200, **more: Any) -> "Fault":
        """Answer with a body that is not JSON, as a proxy in between might."""
        return cls(status, {"Content-Type": "application/json"}, body=body, **more)

    @classmethod
    def redirect(cls, location: str, status: int = 307, **more: Any) -> "Fault":
        """Answer with a redirect to another place."""
        return cls(status, {"Location": location}, **more)

    @classmethod
    def slow(cls, seconds: float, **more: Any) -> "Fault":
        """Process the call as usual, but reply after some seconds."""
        return cls(delay=seconds, processed=True, **more)

    def matches(self, incoming: Incoming) -> bool:
        """Return whether the fault matches a request."""
        if self.match is None or callable(self.match):
            return self.match is None or bool(self.match(incoming))
        wanted = self.match
        have = f"{incoming.method} {incoming.path}" if " " in wanted else incoming.path
        if wanted.endswith("*"):
            return have.startswith(wanted[:-1])
        return have.rstrip("/") == wanted.rstrip("/")

    @property
    def is_processed(self) -> bool:
        """Whether the call is processed before the fault."""
        return self.processed or (self.status is None and not self.connection)

    def apply(self, reply: Reply | None) -> Reply:
        """Return the reply that the client gets; `reply` is Klaviyo's own, None for a call that was not processed."""
        if self.connection == "reset":
            return Reply(0, broken="none")
        if self.status is not None:
            reply = Reply(self.status, self.json, self.body, self.headers)
        reply = reply or Reply(202)
        return evolve(reply, broken="half") if self.connection == "cut" else reply


@define
class Faults:
    """The active faults, the oldest first; the first one that matches a call applies to it."""

    seed: int = 0
    _waiting: list[Fault] = field(factory=list, init=False)
    _random: random.Random = field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Seed the random choices."""
        self._random = random.Random(self.seed)  # noqa: S311 -- repeatable, not secret

    def add(self, *faults: Fault) -> None:
        """Activate faults."""
        self._waiting.extend(faults)

    def clear(self) -> None:
        """Remove all faults."""
        self._waiting.clear()

    def __bool__(self) -> bool:
        """Return whether any fault is active."""
        return bool(self._waiting)

    def __len__(self) -> int:
        """Return the number of active faults."""
        return len(self._waiting)

    def next_for(self, incoming: Incoming) -> Fault | None:
        """Return the fault of a request, and count it as used once; None for a call without one."""
        for place, fault in enumerate(self._waiting):
            if not fault.matches(incoming) or (fault.rate < 1 and self._random.random() >= fault.rate):
                continue
            if fault.times is not None:
                left = fault.times - 1
                self._waiting[place : place + 1] = [evolve(fault, times=left)] if left > 0 else []
            return fault
        return None
