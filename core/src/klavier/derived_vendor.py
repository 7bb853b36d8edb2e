"""A vendor that differs from another one in its requests: `klavier.derive_vendor`."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import orjson
from attrs import evolve

from klavier.errors import PluginError
from klavier.events.model import Event
from klavier.flows.send_one import SendOne
from klavier.hookspecs import PROJECT
from klavier.klaviyo.request import Request
from klavier.vendor import Delivery, Flow, Vendor, VendorSpec

Change = Callable[[Request, Sequence[Event]], Request | None]
"""Changes a request in place or returns another one; it also gets the events that the request delivers."""


def derive_vendor(
    base: str | VendorSpec, name: str, change: Change, *, constants: Iterable[str | float] = (), summary: str = ""
) -> VendorSpec:
    """Return a vendor that acts as another one, but for what `change` does to each of its requests.

    `base` is the name of an installed vendor or a `VendorSpec`; the new vendor has its settings, its batches and its
    policy of retries.  `change(request, events)` gets a copy of each request, which it may change in place, or it
    returns another `Request`; the same request of the same events must always be changed alike.  `constants` are values
    that it adds by itself, for tests.

    What `change` raises fails the events of that request and no others.  The calls of a vendor's browser code
    (device mode) stay as they are, and so do the terms of `klavier migrate`, which are those of `base`.

    Raises `PluginError` where no vendor of this name is installed, or `change` takes other arguments.
    """
    spec = base if isinstance(base, VendorSpec) else _installed(base)
    try:
        inspect.signature(change).bind(None, ())
    except ValueError:  # a built-in function without a signature
        pass
    except TypeError:
        remedy = "write it as change(request, events)"
        raise PluginError(f"vendor {name!r}: its change takes other arguments; {remedy}") from None
    added = frozenset(constants)

    def build(settings: Any) -> Vendor:
        return DerivedVendor(name, spec.build(settings), change, added)

    return evolve(spec, name=name, summary=summary or f"{spec.name}, with changed requests", build=build)


class DerivedVendor(Vendor):
    """Passes everything on to another vendor, and changes the requests of its flows."""

    def __init__(self, name: str, base: Vendor, change: Change, constants: frozenset[str | float]) -> None:
        """Wrap `base`; see `derive_vendor`."""
        self.name = name
        self.settings = base.settings
        self.batch_size = base.batch_size
        self.bulk_size = base.bulk_size
        self.constants = base.constants | constants
        self._base = base
        self._change = change

    def deliveries(self, events: Sequence[Event]) -> Iterable[Delivery]:
        """Return the deliveries of the base vendor, with changed flows."""
        return (evolve(each, flow=self._changed_flow(each)) for each in self._base.deliveries(events))

    def key(self, event: Event) -> str:
        """Return the ordering key that the base vendor gives."""
        return self._base.key(event)

    def excludes(self, event: Event) -> frozenset[str]:
        """Return what the base vendor excludes."""
        return self._base.excludes(event)

    def _changed_flow(self, delivery: Delivery) -> Callable[[], Flow]:
        one = delivery.flow
        if isinstance(one, SendOne):
            try:
                return SendOne(self._changed(one.request, delivery.events), one.notes, one.failure)
            except Exception as error:  # noqa: BLE001 -- a plugin's function may raise anything
                return partial(_raise, error)
        return partial(self._run, delivery)

    def _run(self, delivery: Delivery) -> Flow:
        """Run the flow of the base vendor, request by request."""
        flow = delivery.flow()
        try:
            request = next(flow)
            while True:
                request = flow.send((yield self._changed(request, delivery.events)))
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]  # what the flow returns is checked where it is run
        finally:
            flow.close()

    def _changed(self, request: Request, events: Sequence[Event]) -> Request:
        """Change a copy: the original may share parts with the payload of its event."""
        if not isinstance(request, Request):  # whoever runs the flow refuses it
            return request
        json = None if request.json is None else orjson.loads(request.body)
        params = None if request.params is None else dict(request.params)
        form = None if request.form is None else dict(request.form)
        own = Request(request.method, request.path, params, json, form, request.revision)
        found = self._change(own, events)
        changed = own if found is None else found
        if not isinstance(changed, Request):
            raise TypeError(f"the change of a request returned {type(changed).__name__}, not a Request")
        # Made anew, since the body of a request that was read is kept.
        return Request(changed.method, changed.path, changed.params, changed.json, changed.form, changed.revision)


def _raise(error: Exception) -> Flow:
    raise error
    yield  # what makes this a generator


def _installed(name: str) -> VendorSpec:
    """Return the spec of an installed vendor; its plugin is asked directly, since plugins may be loading just now."""
    for point in entry_points(group=PROJECT, name=name):
        module = point.load()
        for spec in getattr(module, "klavier_vendors", tuple)():
            if isinstance(spec, VendorSpec) and spec.name == name:
                return spec
    raise PluginError(f"no vendor {name!r} is installed to derive one from: install it, or pass its VendorSpec")
