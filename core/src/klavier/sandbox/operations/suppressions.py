"""Suppressions: no e-mail, whatever the consent is."""

from collections.abc import Mapping

from klavier.sandbox.account import Job
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import ACCEPTED, Exchange, Reply, Served
from klavier.sandbox.filters import Field
from klavier.sandbox.operations.imports import job_in_path
from klavier.sandbox.operations.lists import list_in_body
from klavier.sandbox.profile import Profile
from klavier.sandbox.profile_schema import email
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import job_resource
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, both, many, nullable, record, reference, resource, text, wrapped
from klavier.sandbox.times import write_time

REASON = "USER_SUPPRESSED"
"""The reason of suppressions that the account's own users made; unsuppressing lifts no other."""

_MOST = 100
_SUPPRESS = "profile-suppression-bulk-create-job"
_UNSUPPRESS = "profile-suppression-bulk-delete-job"


# Schemas -------------------------------------------------------------------------------------------------------------


def suppress_schema(rules: Rules) -> Check:
    """POST /api/profile-suppression-bulk-create-jobs."""
    return _schema(_SUPPRESS, rules)


def unsuppress_schema(rules: Rules) -> Check:
    """POST /api/profile-suppression-bulk-delete-jobs."""
    return _schema(_UNSUPPRESS, rules)


def old_unsuppress_schema(rules: Rules) -> Check:
    """POST /api/profile-unsuppression-bulk-create-jobs, until 2023-07-15."""
    return _schema("profile-unsuppression-bulk-create-job", rules)


def _schema(kind: str, rules: Rules) -> Check:
    address = record("profile", {"email": both(text(), email(rules))}, ("email",))
    if not rules.has("profiles in jobs"):
        fields = {"suppressions": many(address, _MOST)}
        return wrapped(resource(kind, record(kind, fields, ("suppressions",))), "document")
    profiles = nullable(wrapped(many(resource("profile", address), _MOST), "profiles"))
    relationships = record(
        "relationships", {name: record(name, {"data": reference(name)}) for name in ("list", "segment")}
    )
    return wrapped(resource(kind, record(kind, {"profiles": profiles}), relationships=relationships), "document")


# Handlers ------------------------------------------------------------------------------------------------------------


def bulk_suppress_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-suppression-bulk-create-jobs; profiles that do not exist are created."""
    profiles = [
        exchange.account.profiles.attribute({"email": address}, exchange.now, change=False)
        for address in _addresses(exchange)
    ] + _list_members(exchange)
    changed = 0
    for profile in profiles:
        changed += REASON not in profile.suppressions
        profile.suppressions.setdefault(REASON, int(exchange.now))
    return _reply(exchange, _SUPPRESS, len(profiles), changed)


def bulk_unsuppress_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-suppression-bulk-delete-jobs; nothing is done for profiles that do not exist."""
    addresses = _addresses(exchange)
    owners = [exchange.account.profiles.owner("email", address) for address in addresses]
    profiles = [owner for owner in owners if owner is not None] + _list_members(exchange)
    changed = sum(profile.suppressions.pop(REASON, None) is not None for profile in profiles)
    return _reply(exchange, _UNSUPPRESS, len(profiles) + owners.count(None), changed)


def get_job(exchange: Exchange) -> Reply:
    """GET /api/profile-suppression-bulk-create-jobs/{id}, and the same for delete jobs."""
    return one(exchange, job_resource(exchange, job_in_path(exchange, exchange.incoming.path.split("/")[2][:-1])))


def get_jobs(exchange: Exchange) -> Reply:
    """GET /api/profile-suppression-bulk-create-jobs, and the same for delete jobs."""
    kind = exchange.incoming.path.rstrip("/").split("/")[2][:-1]
    jobs = [job for job in exchange.account.jobs.values() if job.kind == kind]
    return page(exchange, jobs, lambda row: job_resource(exchange, row), lambda row: row.id)


def _addresses(exchange: Exchange) -> list[str]:
    attributes = exchange.attributes
    rows = (attributes.get("profiles") or {}).get("data") or []
    addresses = [row["attributes"]["email"] for row in rows]
    addresses += [row["email"] for row in attributes.get("suppressions", [])]
    return [address.lower() for address in addresses]


def _list_members(exchange: Exchange) -> list[Profile]:
    """Return the members of the list that the call names; raises `RefusedError` (400) for any segment."""
    segment = ((exchange.data.get("relationships") or {}).get("segment") or {}).get("data")
    if segment:
        pointer = "/data/relationships/segment/data/id"
        raise RefusedError(400, f"A segment with id {segment['id']} does not exist.", pointer=pointer)
    found = list_in_body(exchange)
    return exchange.account.members(found.id) if found else []


def _reply(exchange: Exchange, kind: str, total: int, changed: int) -> Reply:
    """Reply with the job, which is done at once though the reply says it is queued."""
    if not exchange.rules.has("suppression jobs"):
        return ACCEPTED
    now = write_time(exchange.now)
    done = {
        "status": "complete",
        "created_at": now,
        "total_count": total,
        "completed_count": changed,
        "completed_at": now,
        "skipped_count": total - changed,
    }
    found = list_in_body(exchange)
    job = Job(exchange.account.ids.ulid("job"), kind, done, (found.id,) if found else ())
    exchange.account.jobs[job.id] = job
    queued = {**done, "status": "queued", "completed_count": 0, "completed_at": None, "skipped_count": 0}
    return one(exchange, job_resource(exchange, job, queued), 202)


# Queries -------------------------------------------------------------------------------------------------------------


def _jobs_query(kind: str) -> Query:
    equals = frozenset({"equals"})
    return Query(
        fields=(kind,),
        filters={
            "status": Field("text", equals, lambda row: row.attributes["status"]),
            "list_id": Field("text", equals, lambda row: list(row.lists)),
            "segment_id": Field("text", equals, lambda _: None),
        },
        sorts={"created": lambda row: row.attributes["created_at"]},
        order=lambda row: row.attributes["created_at"],
        size=(20, 20),
        sizes_since=None,
    )


def _written(kind: str) -> Query:
    return Query(fields=(kind,), since={f"fields[{kind}]": "2026-07-15"})


SERVED: Mapping[str, Served] = {
    "bulk_suppress_profiles": Served(bulk_suppress_profiles, suppress_schema, _written(_SUPPRESS)),
    "get_bulk_suppress_profiles_jobs": Served(get_jobs, query=_jobs_query(_SUPPRESS)),
    "get_bulk_suppress_profiles_job": Served(get_job, query=Query(fields=(_SUPPRESS,))),
    "bulk_unsuppress_profiles": Served(bulk_unsuppress_profiles, unsuppress_schema, _written(_UNSUPPRESS)),
    "get_bulk_unsuppress_profiles_jobs": Served(get_jobs, query=_jobs_query(_UNSUPPRESS)),
    "get_bulk_unsuppress_profiles_job": Served(get_job, query=Query(fields=(_UNSUPPRESS,))),
    "old_unsuppress_profiles": Served(bulk_unsuppress_profiles, old_unsuppress_schema),
}
