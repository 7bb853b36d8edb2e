"""Saying many requests with few calls: what can go together, how a bulk body is made, what its reply means for each."""

from klavier.delivery.bulk.kinds import BulkKind
from klavier.delivery.bulk.packing import Body, Row, Unit, in_one, pack
from klavier.delivery.bulk.sending import Sending, Wait, send_rows

__all__ = ["Body", "BulkKind", "Row", "Sending", "Unit", "Wait", "in_one", "pack", "send_rows"]
