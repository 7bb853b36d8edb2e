"""The conformance class: inherit it, name a vendor, and pytest holds it to every invariant."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.loading import load_vendor
from klavier.plugins import Plugins
from klavier.testing import invariants
from klavier.testing.extra import hypothesis
from klavier.testing.schemas import Schemas
from klavier.testing.strategies import json_values, payloads, replies, stream_payloads
from klavier.testing.strategies.payloads import Payload
from klavier.vendor import Vendor

st = hypothesis.strategies


class VendorConformance:
    """Tests that hold one vendor, with one choice of settings, to every invariant.

    Inherit it in a test module, name the class `Test...`, and give at least `vendor`; pytest finds the rest::

        class TestMyVendor(VendorConformance):
            vendor = "my-vendor"
            settings = {"private_api_key": "pk_test"}

    """

    vendor: ClassVar[str]
    """The vendor's name, as in configuration."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Its settings as plain data; give every secret one, so that it can be looked for."""
    constants: ClassVar[Collection[Any]] = ()
    """What the vendor adds by itself, besides what `Vendor.constants` says."""
    exclusions: ClassVar[Collection[str]] = ()
    """Traits and properties that are not sent, besides what `Vendor.excludes` says."""
    plugins: ClassVar[Plugins | None] = None
    """Where the vendor and wire formats are registered; None takes the installed plugins."""
    schemas: ClassVar[Schemas | None] = None
    """Klaviyo's schemas to judge bodies by, where you have them."""
    search: ClassVar[Any] = None
    """How hypothesis searches, a `hypothesis.settings`; None leaves it to the profile that you loaded."""

    def make(self) -> Vendor:
        """Build the vendor; override it for one that no plugin registers."""
        return load_vendor(self.vendor, self.settings, plugins=self.plugins)

    def payloads(self) -> Any:
        """Give the strategy of single payloads; override it to add what your vendor treats apart."""
        return payloads()

    def streams(self) -> Any:
        """Give the strategy of payloads of a few people, in order."""
        return stream_payloads()

    def test_total(self) -> None:
        """Any JSON gives each event exactly one outcome, whatever Klaviyo replies."""
        vendor = self.make()
        anything = st.lists(st.one_of(self.payloads(), json_values()), max_size=3)

        @hypothesis.given(anything, st.lists(replies(), max_size=4))
        def holds(given: list[Any], answers: list[Any]) -> None:
            invariants.check_total(vendor, given, answers, self.plugins)

        self._search(holds)

    def test_deterministic(self) -> None:
        """The same events and settings give the same requests."""
        self._hold(self.streams(), invariants.check_deterministic)
        self._hold(self._singles(), invariants.check_deterministic)

    def test_pure(self) -> None:
        """The input is not changed."""
        self._hold(self._singles(), invariants.check_pure)

    def test_nothing_invented(self) -> None:
        """Every value in a request comes from the event, the settings or the vendor's constants."""
        self._hold(self._singles(), lambda v, events: invariants.check_nothing_invented(v, events, self.constants))

    def test_nothing_lost(self) -> None:
        """Every custom trait and property is sent, unless the vendor's documents exclude it."""
        self._hold(self._singles(), lambda v, events: invariants.check_nothing_lost(v, events, self.exclusions))

    def test_sendable(self) -> None:
        """Bodies are strict JSON within Klaviyo's limits and schemas."""
        self._hold(self._singles(), lambda v, events: invariants.check_sendable(v, events, self.schemas))
        self._hold(self.streams(), lambda v, events: invariants.check_sendable(v, events, self.schemas))

    def test_identified(self) -> None:
        """Every profile carries an identifier of its event."""
        self._hold(self._singles(), lambda v, events: invariants.check_identified(v, events, self.constants))

    def test_safe(self) -> None:
        """Ids in paths are quoted; secrets and e-mail addresses are nowhere that people read."""
        vendor = self.make()

        @hypothesis.given(self._singles(), st.lists(replies(), max_size=4))
        def holds(given: list[Payload], answers: list[Any]) -> None:
            invariants.check_safe(vendor, self._read(given), answers)

        self._search(holds)

    def test_idempotent(self) -> None:
        """Delivering twice leaves Klaviyo as delivering once."""
        self._hold(self.streams(), invariants.check_idempotent)

    def test_batch_is_singles(self) -> None:
        """A batch leaves Klaviyo as its events one by one would."""
        self._hold(self.streams(), invariants.check_batch_is_singles)

    def test_ordered(self) -> None:
        """What is said about one person follows the order of their events."""
        self._hold(self.streams(), invariants.check_ordered)

    def _read(self, given: Sequence[Payload]) -> list[Event]:
        return [parse_event(payload, plugins=self.plugins) for payload in given]

    def _singles(self) -> Any:
        return st.lists(self.payloads(), min_size=1, max_size=2)

    def _hold(self, strategy: Any, check: Callable[[Vendor, Sequence[Event]], None]) -> None:
        vendor = self.make()

        @hypothesis.given(strategy)
        def holds(given: list[Payload]) -> None:
            check(vendor, self._read(given))

        self._search(holds)

    def _search(self, test: Callable[[], None]) -> None:
        # Settings can be laid on a test once it is given its strategies, and before it runs.
        (test if self.search is None else self.search(test))()
