"""Saying many requests with few calls: what can go together, how a bulk body is made, what its reply means for each."""

from klavier.delivery.bulk.kinds import BulkKind, kind_of_request
from klavier.delivery.bulk.packing import Row, pack
from klavier.delivery.bulk.sending import Sending, Wait, send_rows

__all__ = ["BulkKind", "Row", "Sending", "Wait", "kind_of_request", "pack", "send_rows"]
