"""Run a vendor's flow: one request, the execution of a generator, the drivers, and the dry run."""

from klavier.flows.drivers import deliver, deliver_async, plan

__all__ = ["deliver", "deliver_async", "plan"]
