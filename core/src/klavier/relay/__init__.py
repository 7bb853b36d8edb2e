"""The object that a program holds: a vendor, an outbox and a client in one."""

from klavier.relay.accepting import Call
from klavier.relay.counts import Counts

__all__ = ["Call", "Counts"]
