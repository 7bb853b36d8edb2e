"""A Klaviyo account in memory, in the process and over HTTP."""

from klavier.sandbox.calls import Call
from klavier.sandbox.clock import Clock, FakeClock, SystemClock
from klavier.sandbox.faults import Fault, Faults
from klavier.sandbox.sandbox import Sandbox

__all__ = ["Call", "Clock", "FakeClock", "Fault", "Faults", "Sandbox", "SystemClock"]
