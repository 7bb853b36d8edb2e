"""Import jobs: rows that share one, and the flow that sends it."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from attrs import define, field

from klavier.events.model import Event, JsonObject
from klavier.flows.send_one import SendOne
from klavier.klaviyo.request import Request
from klavier.outcome import delivered
from klavier.vendor import Delivery, Flow, RejectEvent, SkipEvent
from klavier_rudderstack.bulk_upload.profiles import NEEDS_KEY, make_profile
from klavier_rudderstack.cloud.flows import end, send_entries
from klavier_rudderstack.cloud.wires import PROFILE_IMPORT, failure_outcome
from klavier_rudderstack.mode import Mode
from klavier_rudderstack.tables.bulk_upload import JOB_BYTES, JOB_PROFILES, REVISION
from klavier_rudderstack.values.integrations import check_enabled

IMPORT_JOBS = "/api/profile-bulk-import-jobs"


@define
class _Job:
    """The rows of one import job while they are collected; `position` is its place among the deliveries."""

    position: int
    events: list[Event] = field(factory=list)
    keys: list[str] = field(factory=list)
    profiles: list[JsonObject] = field(factory=list)
    notes: list[tuple[str, ...]] = field(factory=list)
    size: int = 0


class BulkUpload:
    """Translates rows to import jobs.

    On the current wire, without a list, each row is a profile import of its own: klavier's bulk delivery combines those
    in import jobs and reads the jobs' errors.
    """

    def __init__(self, mode: Mode) -> None:
        self._settings, self._exact, self._current = mode.settings, mode.exact, mode.current
        self._revision = mode.revision if mode.current else REVISION
        self._makes_jobs = bool(self._settings.list_id) or not mode.current
        self.batch_size = JOB_PROFILES if self._makes_jobs else 1

    def deliveries(self, events: Sequence[Event], key_of: Callable[[Event], str]) -> Iterable[Delivery]:
        """Return the deliveries of events.

        A job has up to 10,000 profiles and `JOB_BYTES`, and one row of each ordering key: Klaviyo imports the profiles
        of a job in any order.  A row joins the last job unless another event of its key came after the job began.
        """
        found: list[Delivery | _Job] = []
        job: _Job | None = None
        last: dict[str, int] = {}
        for event in events:
            key = key_of(event)
            row = self._translate(event, key)
            if isinstance(row, Delivery):
                last[key] = len(found)
                found.append(row)
                continue
            size = len(json.dumps(row[0], ensure_ascii=False).encode())
            if job is None or not _has_room(job, size) or last.get(key, -1) >= job.position:
                job = _Job(len(found))
                found.append(job)
            last[key] = job.position
            _add(job, event, key, row, size)
        return [self._delivery(item) if isinstance(item, _Job) else item for item in found]

    def _translate(self, event: Event, key: str) -> Delivery | tuple[JsonObject, tuple[str, ...]]:
        """Return the profile of a row and its notes, or the delivery of an event that joins no job."""
        try:
            profile, notes = self._make_profile(event)
        except (RejectEvent, SkipEvent) as ending:
            return Delivery((event,), (key,), partial(end, ending), exact=self._exact)
        if self._makes_jobs:
            return profile, notes
        request = Request("POST", PROFILE_IMPORT, json={"data": profile}, revision=self._revision)
        return Delivery((event,), (key,), SendOne(request, notes, failure_outcome), bulkable=True, single_request=True)

    def _make_profile(self, event: Event) -> tuple[JsonObject, tuple[str, ...]]:
        if "integrations" in event.payload:
            check_enabled(event.payload)
        if not self._settings.private_api_key:
            raise RejectEvent(NEEDS_KEY)
        return make_profile(event, exact=self._exact, takes_anonymous=not self._current)

    def _delivery(self, job: _Job) -> Delivery:
        flow = partial(self._send, tuple(job.profiles), tuple(job.notes))
        return Delivery(tuple(job.events), tuple(job.keys), flow, exact=self._exact, follows_jobs=True)

    def _send(self, profiles: Sequence[JsonObject], notes: Sequence[tuple[str, ...]]) -> Flow:
        results = yield from send_entries(self._request, list(profiles), sent=False)
        return [result or delivered(noted) for result, noted in zip(results, notes, strict=True)]

    def _request(self, profiles: Sequence[JsonObject]) -> Request:
        """Return the request of an import job."""
        job: JsonObject = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(profiles)}}}
        if self._settings.list_id:
            job["relationships"] = {"lists": {"data": [{"type": "list", "id": self._settings.list_id}]}}
        return Request("POST", IMPORT_JOBS, json={"data": job}, revision=self._revision)


def _has_room(job: _Job, size: int) -> bool:
    return len(job.profiles) < JOB_PROFILES and job.size + size <= JOB_BYTES


def _add(job: _Job, event: Event, key: str, row: tuple[JsonObject, tuple[str, ...]], size: int) -> None:
    job.events.append(event)
    job.keys.append(key)
    job.profiles.append(row[0])
    job.notes.append(row[1])
    job.size += size
