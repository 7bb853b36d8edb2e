"""What one Klaviyo account holds."""

from typing import Any, Literal

from attrs import define, field

from klavier.sandbox.clock import Clock
from klavier.sandbox.ids import Ids
from klavier.sandbox.lists import List, OptIn
from klavier.sandbox.profile import Event, Profile
from klavier.sandbox.profiles import Profiles

_TEST_DOMAINS = ("@example.com", "@test.com")


@define(repr=False)
class Metric:
    """What events are counted under."""

    id: str
    name: str
    service: str | None
    valued: bool = False
    """Whether an event ever had a value; then a missing one reads as 0."""


@define(repr=False)
class Account:
    """The profiles, lists, metrics and jobs of an account, and how it is set up."""

    clock: Clock
    private_api_key: str | None
    public_api_key: str | None
    opt_in: OptIn = "double_opt_in"
    sms: bool = True
    drops_test_addresses: bool = False
    unknown_lists: Literal["refuse", "create"] = "refuse"
    ids: Ids = field(factory=Ids)
    profiles: Profiles = field(init=False)
    lists: dict[str, List] = field(factory=dict)
    metrics: dict[str, Metric] = field(factory=dict)
    jobs: dict[str, dict[str, Any]] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Give the profiles their ids."""
        self.profiles = Profiles(lambda: self.ids.ulid("profile"))

    def clear(self) -> None:
        """Forget everything that the account holds."""
        self.ids = Ids()
        self.profiles = Profiles(lambda: self.ids.ulid("profile"))
        for held in (self.lists, self.metrics, self.jobs):
            held.clear()

    def list_of(self, list_id: str) -> List | None:
        """Give a list; makes it where unknown lists are welcome."""
        found = self.lists.get(list_id)
        if found is None and self.unknown_lists == "create":
            found = self.add_list(list_id, list_id, self.opt_in)
        return found

    def add_list(self, name: str, list_id: str | None, opt_in: OptIn) -> List:
        """Make a list."""
        made = List(list_id or self.ids.six("list"), name, opt_in, int(self.clock.time()), given_id=bool(list_id))
        self.lists[made.id] = made
        return made

    def metric(self, name: str, service: str | None) -> Metric:
        """Give a metric, made at its first event."""
        key = name if service is None else f"{name}\x00{service}"
        found = self.metrics.get(key)
        if found is None:
            found = self.metrics[key] = Metric(self.ids.six("metric"), name, service)
        return found

    def record(self, profile: Profile, metric: Metric, event: Event) -> bool:
        """Keep an event, unless the profile has it already: same metric and unique id, the first one stays."""
        if self.drops_test_addresses and profile.identifiers.get("email", "").endswith(_TEST_DOMAINS):
            return False
        key = (event.metric, event.time if event.unique_id is None else event.unique_id)
        if key in profile.events:
            return False
        profile.events[key] = event
        if self.profiles.trace is not None:
            self.profiles.trace.events.append(event)
        if event.value is not None:
            metric.valued = True
        return True
