"""Saying many requests with few calls: what can go together, how a bulk body is made, what its reply means for each."""

from klavier.worker.bulk.endpoints import BulkKind
from klavier.worker.bulk.job import Sending, Wait, send_rows
from klavier.worker.bulk.packing import Body, Row, Unit, in_one, pack

__all__ = ["Body", "BulkKind", "Row", "Sending", "Unit", "Wait", "in_one", "pack", "send_rows"]
