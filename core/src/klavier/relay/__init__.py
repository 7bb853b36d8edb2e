"""The object that a program holds: a vendor, an outbox and a client in one."""

from klavier.relay.counts import Counts

__all__ = ["Counts"]
