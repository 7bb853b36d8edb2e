"""Read what an account holds of some predicted profiles: themselves, their events, and their lists."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field, frozen

from klavier.comparison.similarity import ValueSet
from klavier.comparison.snapshot import StoredEvent, StoredProfile
from klavier.klaviyo.attributes import PROFILE_IDENTIFIERS
from klavier.sandbox.account import Metric
from klavier.sandbox.profile import Profile
from klavier.values import read_phone
from klavier.verification import queries
from klavier.verification.account_reader import AccountReader
from klavier.verification.prediction import AccountList
from klavier.verification.sampling import Sample

OnProgress = Callable[[str, int, int], None]
"""Called with what is done, how many of it were done, and how many there are."""

_DAY = 86_400


@frozen
class Span:
    """The time span to read, in seconds since 1970; without an end it reaches to now."""

    start: int
    end: int | None

    def contains(self, time: int) -> bool:
        """Return whether a time is within the span."""
        return self.start <= time and (self.end is None or time < self.end)

    def widened(self) -> "Span":
        """Return the span with a day around it, to find events that stand at another time, as in another time zone."""
        return Span(self.start - _DAY, None if self.end is None else self.end + _DAY)


@define(eq=False)
class AccountPart:
    """What the account holds of the sample."""

    profiles: dict[str, StoredProfile] = field(factory=dict)
    """By Klaviyo's id."""
    owners: dict[tuple[str, str], str] = field(factory=dict)
    """The ids of profiles by kind and value of an identifier."""
    located: dict[int, str] = field(factory=dict)
    """The ids of profiles that only an event led to, by the identity of the predicted one."""
    events: dict[str, list[StoredEvent]] = field(factory=dict)
    """By the id of the profile."""
    metrics: dict[str, Metric] = field(factory=dict)

    def owners_of(self, stored: StoredProfile) -> list[str]:
        """Return the ids of the account's profiles that have an identifier of a predicted one."""
        found = [self.owners.get(normalized(kind, value), "") for kind, value in stored.strong]
        return list(dict.fromkeys(filter(None, [*found, self.located.get(id(stored), "")])))


def normalized(kind: str, value: str) -> tuple[str, str]:
    """Return an identifier as Klaviyo keeps it: addresses in lower case, numbers in E.164 form."""
    if kind == "email":
        return kind, value.strip().lower()
    if kind == "phone_number":
        return kind, read_phone(value)[0] or value
    return kind, value


async def read_lists(reader: AccountReader) -> list[AccountList]:
    """Return all lists of the account."""
    found: list[AccountList] = []
    with queries.known_form():
        async for document in reader.pages(queries.get_lists()):
            for item in document.get("data") or ():
                given = item["attributes"]
                is_single = given.get("opt_in_process") == "single_opt_in"
                opt_in = AccountList(item["id"], given["name"], "single_opt_in" if is_single else "double_opt_in")
                found.append(opt_in)
    return found


class Reading:
    """Reads the part of an account that a sample is about.

    Without a `span` no events are read. Predicted profiles that became one in the account are read together, so
    `everybody` may add some to the sample.
    """

    def __init__(
        self,
        reader: AccountReader,
        sample: Sample,
        everybody: Sequence[StoredProfile],
        span: Span | None,
        on_progress: OnProgress,
    ) -> None:
        self._reader = reader
        self._everybody = {normalized(*pair): stored for stored in everybody for pair in stored.strong}
        self._sample = sample
        self._span = span
        self._on_progress = on_progress
        self._part = AccountPart()

    async def read(self, list_ids: Sequence[str]) -> AccountPart:
        """Read profiles by their identifiers, others by their events, then all events, then members of these lists."""
        with queries.known_form():
            await self._read_all(list_ids)
        return self._part

    async def _read_all(self, list_ids: Sequence[str]) -> None:
        profiles = self._sample.profiles
        await self._read_profiles([pair for stored in profiles for pair in stored.strong])
        await self._locate([stored for stored in profiles if not self._part.owners_of(stored)])
        while added := self._merged_into():
            profiles.extend(added)
            await self._read_profiles([pair for stored in added for pair in stored.strong])
        if self._span is not None:
            await self._count(
                "reading events", list(self._part.profiles), partial(self._read_events, self._span.widened())
            )
        await self._read_members(list_ids)

    async def _count(self, doing: str, items: Sequence[str], work: Callable[[str], "object"]) -> None:
        done = 0

        async def counted(item: str) -> None:
            nonlocal done
            await work(item)  # type: ignore[misc]  # a coroutine function
            done += 1
            self._on_progress(doing, done, len(items))

        await self._reader.for_each(items, counted)

    async def _read_profiles(self, identifiers: Iterable[tuple[str, str]]) -> None:
        values: dict[str, dict[str, None]] = {}
        for kind, value in identifiers:
            values.setdefault(kind, {})[normalized(kind, value)[1]] = None
        batches = [(kind, batch) for kind, found in values.items() for batch in queries.in_batches(list(found))]
        done = 0

        async def read(batch: tuple[str, list[str]]) -> None:
            nonlocal done
            await self._read_batch(*batch)
            done += len(batch[1])
            self._on_progress("reading profiles", done, sum(map(len, values.values())))

        await self._reader.for_each(batches, read)

    async def _read_batch(self, kind: str, values: list[str]) -> None:
        async for document in self._reader.pages(queries.get_profiles(kind, values)):
            for resource in document.get("data") or ():
                self._add(queries.read_profile(resource))

    def _merged_into(self) -> list[StoredProfile]:
        """Return the predicted profiles out of the sample whose identifiers a profile that was read has."""
        known = set(map(id, self._sample.profiles))
        found = {id(p): p for p in (self._everybody.get(pair) for pair in self._part.owners) if p is not None}
        return [stored for key, stored in found.items() if key not in known]

    def _add(self, profile: Profile) -> None:
        """Add a profile of the account."""
        if profile.id not in self._part.profiles:
            self._part.profiles[profile.id] = StoredProfile(profile, frozenset())
            for kind in PROFILE_IDENTIFIERS:
                if kind in profile.identifiers:
                    self._part.owners[normalized(kind, profile.identifiers[kind])] = profile.id

    async def _locate(self, profiles: Sequence[StoredProfile]) -> None:
        """Find profiles that have none of the predicted identifiers by their events.

        They are known by a device only, or became part of another profile.
        """
        done = 0

        async def locate(stored: StoredProfile) -> None:
            nonlocal done
            await self._locate_one(stored)
            done += 1
            self._on_progress("looking for profiles by their events", done, len(profiles))

        await self._reader.for_each(profiles, locate)
        ids = [found for found in dict.fromkeys(self._part.located.values()) if found not in self._part.profiles]
        for batch in queries.in_batches(ids):
            await self._read_batch("id", batch)

    async def _locate_one(self, stored: StoredProfile) -> None:
        for held in self._sample.events.get(id(stored), ()):
            if held.event.dated:
                time = held.event.time
                async for document in self._reader.pages(queries.get_events(None, time, time + 1)):
                    found = _owner_of(held, document)
                    if found is not None:
                        self._part.located[id(stored)] = found
                        return

    async def _read_events(self, span: Span, profile_id: str) -> None:
        part = self._part
        found: list[StoredEvent] = []
        async for document in self._reader.pages(queries.get_events(profile_id, span.start, span.end)):
            part.metrics.update((metric.id, metric) for metric in queries.read_metrics(document))
            for resource in document.get("data") or ():
                metric = part.metrics[queries.owner_id(resource, "metric")]
                event = queries.read_event(resource, metric, len(found))
                found.append(StoredEvent(event, metric, part.profiles[profile_id], 0))
        part.events[profile_id] = sorted(found, key=lambda held: held.event.time)

    async def _read_members(self, list_ids: Sequence[str]) -> None:
        """Read which of the profiles are on these lists; those without an address are asked for one by one."""
        profiles = [held.profile for held in self._part.profiles.values()] if list_ids else []
        named: dict[str, list[str]] = {}
        unnamed: list[str] = []
        for profile in profiles:
            kind = next((kind for kind in ("email", "phone_number") if kind in profile.identifiers), None)
            if kind is None:
                unnamed.append(profile.id)
            else:
                named.setdefault(kind, []).append(profile.identifiers[kind])
        batches = [
            (list_id, kind, batch)
            for list_id in list_ids
            for kind, values in named.items()
            for batch in queries.in_batches(values)
        ]
        await self._reader.for_each(batches, self._read_batch_of_members)
        await self._count("reading lists", unnamed, self._read_lists_of)

    async def _read_batch_of_members(self, batch: tuple[str, str, list[str]]) -> None:
        list_id, kind, values = batch
        async for document in self._reader.pages(queries.get_members(list_id, kind, values)):
            for item in document.get("data") or ():
                self._join(str(item["id"]), list_id)

    async def _read_lists_of(self, profile_id: str) -> None:
        async for document in self._reader.pages(queries.get_list_ids(profile_id)):
            for item in document.get("data") or ():
                self._join(profile_id, str(item["id"]))

    def _join(self, profile_id: str, list_id: str) -> None:
        held = self._part.profiles.get(profile_id)
        if held is not None:
            held.profile.lists[list_id] = 0


def _owner_of(held: StoredEvent, document: dict[str, object]) -> str | None:
    """Return the profile of the event in a reply that is the predicted one; None where there is none.

    It has the unique id, or the same metric and the same distinctive values.
    """
    metrics = {metric.id: metric for metric in queries.read_metrics(document)}
    expected = ValueSet(held.event.properties.values()).telling
    for resource in document.get("data") or ():  # type: ignore[attr-defined]  # a JSON array
        metric = metrics[queries.owner_id(resource, "metric")]
        event = queries.read_event(resource, metric, 0)
        is_same = event.unique_id is not None and event.unique_id == held.event.unique_id
        has_values = bool(expected) and expected <= ValueSet(event.properties.values()).telling
        if is_same or (has_values and metric.name == held.metric.name):
            return queries.owner_id(resource, "profile")
    return None
