"""The conformance class: inherit it and name a vendor, and pytest checks every invariant."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from klavier.events.model import Event
from klavier.events.reader import parse_event
from klavier.loading import load_vendor
from klavier.plugins import Plugins, installed_plugins
from klavier.testing import corpus, invariants
from klavier.testing.extra import hypothesis
from klavier.testing.schemas import Schemas
from klavier.testing.strategies import json_values, payloads, replies, stream_payloads
from klavier.testing.strategies.payloads import Payload
from klavier.vendor import Vendor

st = hypothesis.strategies


class VendorConformance:
    """Tests that hold one vendor, with one choice of settings, to every invariant.

    Inherit it in a test module, name the class `Test...`, and return at least `vendor`; pytest finds the rest::

        class TestMyVendor(VendorConformance):
            vendor = "my-vendor"
            settings = {"private_api_key": "pk_test"}

    """

    vendor: ClassVar[str]
    """The vendor's name, as in configuration."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Its settings as plain data; every secret needs a value, so that it can be looked for."""
    constants: ClassVar[Collection[Any]] = ()
    """What the vendor adds by itself, besides `Vendor.constants`."""
    exclusions: ClassVar[Collection[str]] = ()
    """Traits and properties that are not sent, besides `Vendor.excludes`."""
    plugins: ClassVar[Plugins | None] = None
    """Where the vendor and wire formats are registered; None takes the installed plugins."""
    schemas: ClassVar[Schemas | None] = None
    """Klaviyo's schemas to judge bodies by, where you have them."""
    search: ClassVar[Any] = None
    """How hypothesis searches, a `hypothesis.settings`; None uses the profile that you loaded.  Deadlines are off."""

    def make(self) -> Vendor:
        """Build the vendor; override it for one that no plugin registers."""
        return load_vendor(self.vendor, self.settings, plugins=self.plugins)

    def payloads(self) -> Any:
        """Return the strategy of single payloads; override it to add what your vendor treats apart."""
        return payloads()

    def streams(self) -> Any:
        """Return the strategy of payloads of a few people, in order."""
        return stream_payloads()

    def test_total(self) -> None:
        """Every event of any JSON has exactly one true outcome, whatever Klaviyo replies."""
        vendor = self._made()
        for answers in corpus.replies():
            for payload in corpus.payloads()[: self._FIRST]:
                invariants.check_total(vendor, [payload], answers, self.plugins)
        for given in self._known():
            invariants.check_total(vendor, given, (), self.plugins)
        anything = st.lists(st.one_of(self.payloads(), json_values()), max_size=3)

        @hypothesis.given(anything, st.lists(replies(), max_size=4))
        def holds(given: list[Any], answers: list[Any]) -> None:
            invariants.check_total(vendor, given, answers, self.plugins)

        self._search(holds)

    def test_survives(self) -> None:
        """What failed temporarily is delivered by a later attempt, and nothing lost counts as delivered."""
        vendor = self._made()
        for seed, given in enumerate(corpus.streams()):
            invariants.check_survives(vendor, self._read(given), seed)

        @hypothesis.given(self.streams(), st.integers(0, 2**16))
        def holds(given: list[Payload], seed: int) -> None:
            invariants.check_survives(vendor, self._read(given), seed)

        self._search(holds)

    def test_deterministic(self) -> None:
        """The same events and settings result in the same requests."""
        self._hold(self.streams(), invariants.check_deterministic, corpus.streams())
        self._hold(self._singles(), invariants.check_deterministic, self._known())

    def test_pure(self) -> None:
        """The input is not changed."""
        self._hold(self._singles(), invariants.check_pure, self._known())

    def test_nothing_invented(self) -> None:
        """Every value in a request comes from the event, the settings or the vendor's constants."""
        self._hold(
            self._singles(),
            lambda vendor, events: invariants.check_nothing_invented(vendor, events, self.constants),
            self._known(),
        )

    def test_nothing_lost(self) -> None:
        """Every custom trait and property is sent, unless the vendor's documents exclude it."""
        self._hold(
            self._singles(),
            lambda vendor, events: invariants.check_nothing_lost(vendor, events, self.exclusions),
            self._known(),
        )

    def test_sendable(self) -> None:
        """Bodies are strict JSON within Klaviyo's limits and schemas."""

        def check(vendor: Vendor, events: Sequence[Event]) -> None:
            invariants.check_sendable(vendor, events, self.schemas)

        self._hold(self._singles(), check, self._known())
        self._hold(self.streams(), check, corpus.streams())

    def test_identified(self) -> None:
        """Every profile carries an identifier of its event."""
        self._hold(
            self._singles(),
            lambda vendor, events: invariants.check_identified(vendor, events, self.constants),
            self._known(),
        )

    def test_safe(self) -> None:
        """Ids in paths are quoted; secrets and e-mail addresses are in no repr, outcome or log line."""
        vendor = self._made()
        for known in self._known():
            invariants.check_safe(vendor, self._read(known))

        @hypothesis.given(self._singles(), st.lists(replies(), max_size=4))
        def holds(given: list[Payload], answers: list[Any]) -> None:
            invariants.check_safe(vendor, self._read(given), answers)

        self._search(holds)

    def test_idempotent(self) -> None:
        """Delivering twice results in the same account as delivering once."""
        self._hold(self.streams(), invariants.check_idempotent, corpus.streams())

    def test_batch_is_singles(self) -> None:
        """A batch results in the same account as its events one by one."""
        self._hold(self.streams(), invariants.check_batch_is_singles, corpus.streams())

    def test_ordered(self) -> None:
        """The requests about one profile are sent in the order of its events."""
        self._hold(self.streams(), invariants.check_ordered, corpus.streams())

    def test_bounded(self) -> None:
        """Translation takes time and memory linear in the size of an event."""
        vendor = self._made()
        events = self._read(corpus.payloads()[: self._PLAIN])
        for number, event in enumerate(events):
            invariants.check_bounded(vendor, [event], slice(number, None, self._PLAIN))

    _PLAIN = 6
    """How many payloads of the corpus are plain: one of each type, so that a hostile text is tried in every place."""
    _FIRST = 12
    """How many payloads of the corpus meet each of its replies: the plain ones, and some with odd ids."""

    def _made(self) -> Vendor:
        if self.plugins is None:
            installed_plugins()  # found once, outside of the examples, which are expected to be quick
        return self.make()

    def _read(self, given: Sequence[Payload]) -> list[Event]:
        return [parse_event(payload, plugins=self.plugins) for payload in given]

    def _known(self) -> list[list[Payload]]:
        return [[payload] for payload in corpus.payloads()]

    def _singles(self) -> Any:
        return st.lists(self.payloads(), min_size=1, max_size=2)

    def _hold(
        self,
        strategy: Any,
        check: Callable[[Vendor, Sequence[Event]], None],
        known: Sequence[Sequence[Payload]],
    ) -> None:
        vendor = self._made()
        for examples in known:
            check(vendor, self._read(examples))

        @hypothesis.given(strategy)
        def holds(given: list[Payload]) -> None:
            check(vendor, self._read(given))

        self._search(holds)

    def _search(self, test: Callable[[], None]) -> None:
        # Settings apply to a test that has its strategies, before it runs.
        search = hypothesis.settings() if self.search is None else self.search
        # A deadline fails a test on a busy machine; how long a translation takes is measured by test_bounded.
        hypothesis.settings(search, deadline=None)(test)()
