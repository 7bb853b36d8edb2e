"""The object that a program holds: a vendor, an outbox and a client in one."""

from klavier.relay.counts import Counts
from klavier.relay.intake import Call

__all__ = ["Call", "Counts"]
