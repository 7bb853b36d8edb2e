"""The content of one Klaviyo account, and its options."""

import hashlib
from collections.abc import Iterator
from functools import partial
from typing import Any, Literal

from attrs import define, field

from klavier.klaviyo.attributes import TEST_DOMAINS
from klavier.sandbox.clock import Clock
from klavier.sandbox.profile import Event, Profile
from klavier.sandbox.profiles import Profiles

OptIn = Literal["single_opt_in", "double_opt_in"]

_ID_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class Ids:
    """Generates ids that look like Klaviyo's and are the same in every run, one series for each kind of object."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, series: str) -> int:
        """Return the next number of a series, from 1."""
        number = self._counts.get(series, 0) + 1
        self._counts[series] = number
        return number

    def ulid(self, series: str) -> str:
        """Return an id like those of profiles: 26 characters, sorted by age."""
        return f"01SANDBX{self.count(series):018d}"

    def short(self, series: str) -> str:
        """Return an id like those of lists and metrics: six characters."""
        digest = hashlib.sha256(f"{series}{self.count(series)}".encode()).digest()
        return "".join(_ID_LETTERS[byte % len(_ID_LETTERS)] for byte in digest[:6])


@define(repr=False)
class Metric:
    """The name under which events are counted; `service` is the integration that sent them, None for the API.

    `is_own` marks Klaviyo's own metrics, such as "Subscribed to List".
    """

    id: str
    name: str
    service: str | None
    created: int = 0
    valued: bool = False
    """Whether an event ever had a value; then a missing one reads as 0."""
    is_own: bool = False
    number: int = 0
    """Its place in the order of creation."""


@define
class List:
    """One list; its members stand with the profiles."""

    id: str
    name: str
    opt_in_process: OptIn
    created: int
    has_given_id: bool = False
    """Whether the sandbox's user chose the id, so that it means the same in two sandboxes."""
    number: int = 0
    """Its place in the order of creation."""
    updated: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Start with the time of creation."""
        self.updated = self.created


@define(repr=False)
class Job:
    """An asynchronous job, which the sandbox finishes at once.

    `kind` is the type of its resource, `attributes` are those of the finished job; `profiles` are the ids that it
    imported, `lists` those it named, `errors` the resources of the rows that it did not import.
    """

    id: str
    kind: str
    attributes: dict[str, Any]
    lists: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    errors: tuple[dict[str, Any], ...] = ()


@define(repr=False)
class Account:
    """The profiles, lists, metrics and jobs of an account, and its options (see `klavier.sandbox.Sandbox`)."""

    clock: Clock
    private_api_key: str | None
    public_api_key: str | None
    access_token: str | None = None
    opt_in: OptIn = "double_opt_in"
    sms: bool = True
    global_unsubscribe: bool = True
    own_metrics: bool = False
    drops_test_addresses: bool = False
    unknown_lists: Literal["refuse", "create"] = "refuse"
    ids: Ids = field(factory=Ids)
    profiles: Profiles = field(init=False)
    lists: dict[str, List] = field(factory=dict)
    metrics: dict[str, Metric] = field(factory=dict)
    jobs: dict[str, Job] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Create the index of profiles."""
        self.profiles = self._no_profiles()

    def clear(self) -> None:
        """Delete everything that the account holds."""
        self.ids = Ids()
        self.profiles = self._no_profiles()
        for held in (self.lists, self.metrics, self.jobs):
            held.clear()

    def _no_profiles(self) -> Profiles:
        # Not by a method of the account: in a circle of references its content would wait for the garbage collector.
        return Profiles(partial(self.ids.ulid, "profile"))

    def find_list(self, list_id: str) -> List | None:
        """Return a list, which is created where the account creates unknown ones."""
        found = self.lists.get(list_id)
        if found is None and self.unknown_lists == "create":
            found = self.add_list(list_id, list_id, self.opt_in)
        return found

    def add_list(self, name: str, list_id: str | None, opt_in: OptIn) -> List:
        """Create a list."""
        number, now = self.ids.count("lists"), int(self.clock.time())
        added = List(list_id or self.ids.short("list"), name, opt_in, now, bool(list_id), number)
        self.lists[added.id] = added
        return added

    def delete_list(self, list_id: str) -> None:
        """Delete a list and its memberships."""
        del self.lists[list_id]
        for profile in self.profiles:
            profile.lists.pop(list_id, None)
            profile.list_suppressions.pop(list_id, None)

    def members(self, list_id: str) -> list[Profile]:
        """Return the members of a list, the first to join first."""
        found = [profile for profile in self.profiles if list_id in profile.lists]
        return sorted(found, key=lambda profile: (profile.lists[list_id], profile.id))

    def metric(self, name: str, service: str | None, *, is_own: bool = False) -> Metric:
        """Return a metric, which is created at its first event."""
        key = f"{name}\x00klaviyo" if is_own else name if service is None else f"{name}\x00{service}"
        found = self.metrics.get(key)
        if found is None:
            now = int(self.clock.time())
            number = len(self.metrics) + 1
            found = Metric(self.ids.short("metric"), name, service, now, is_own=is_own, number=number)
            self.metrics[key] = found
        return found

    def record(self, profile: Profile, metric: Metric, event: Event) -> bool:
        """Keep an event of a profile; return whether it was kept.

        It is not where the profile has one of the same metric and unique id, or without a unique id of the same second,
        and where the account drops events of test addresses.
        """
        if self.drops_test_addresses and profile.identifiers.get("email", "").endswith(TEST_DOMAINS):
            return False
        key = (event.metric, event.time if event.unique_id is None else event.unique_id)
        if key in profile.events:
            return False
        profile.add_event(key, event)
        if self.profiles.trace is not None:
            self.profiles.trace.events.append(event)
        if event.value is not None:
            metric.valued = True
        return True

    def events(self) -> Iterator[tuple[Event, Profile]]:
        """Yield every event with its profile, profile by profile."""
        return ((event, profile) for profile in self.profiles for event in profile.events.values())
