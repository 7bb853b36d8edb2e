"""Import many profiles in one job, which the sandbox finishes at once."""

from collections.abc import Mapping

from klavier.sandbox.account import Job
from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.filters import EXACT, Field
from klavier.sandbox.operations.lists import known_list
from klavier.sandbox.operations.profiles import upsert, upserted_schema
from klavier.sandbox.profile import Profile
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import Resource, identifier, job_resource, list_resource, profile_resource
from klavier.sandbox.revisions import Rules
from klavier.sandbox.schema import Check, many, record, reference, resource, wrapped
from klavier.sandbox.times import write_time

_KIND = "profile-bulk-import-job"
_MOST = 10_000
_KEPT = 7 * 86_400
"""Seconds until a job expires: a guess, no document has it."""


def bulk_import_schema(rules: Rules) -> Check:
    """POST /api/profile-bulk-import-jobs."""
    profiles = wrapped(many(upserted_schema(rules), _MOST), "profiles")
    lists = record("lists", {"data": many(reference("list"), least=0)})
    job = resource(
        _KIND,
        record(_KIND, {"profiles": profiles}, ("profiles",)),
        relationships=record("relationships", {"lists": lists}),
    )
    return wrapped(job, "document")


def bulk_import_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-bulk-import-jobs; nulls are ignored, and a row in conflict becomes an import error."""
    listed = ((exchange.data.get("relationships") or {}).get("lists") or {}).get("data") or []
    lists = [
        known_list(exchange, item["id"], f"/data/relationships/lists/data/{index}/id")
        for index, item in enumerate(listed)
    ]
    rows = exchange.attributes["profiles"]["data"]
    errors: list[Resource] = []
    imported: dict[str, None] = {}
    for row in rows:
        try:
            profile, _ = upsert(exchange, row, clears=False)
        except RefusedError as refused:
            errors.append(_import_error(exchange, refused, row))
            continue
        imported[profile.id] = None
        for found in lists:
            profile.lists.setdefault(found.id, int(exchange.now))
    job = Job(
        exchange.account.ids.ulid("job"),
        _KIND,
        _finished(exchange, len(rows), len(errors)),
        tuple(found.id for found in lists),
        tuple(imported),
        tuple(errors),
    )
    exchange.account.jobs[job.id] = job
    queued = {**job.attributes, "status": "queued", "started_at": None, "completed_at": None}
    queued |= {"completed_count": 0, "failed_count": 0}
    return one(exchange, job_resource(exchange, job, queued), 202)


def _finished(exchange: Exchange, total: int, failed: int) -> Resource:
    now = write_time(exchange.now)
    return {
        "status": "complete",
        "created_at": now,
        "started_at": now,
        "completed_at": now,
        "expires_at": write_time(exchange.now + _KEPT),
        "total_count": total,
        "completed_count": total - failed,
        "failed_count": failed,
    }


def _import_error(exchange: Exchange, refused: RefusedError, row: Resource) -> Resource:
    problem = refused.problems[0]
    is_conflict = refused.status == 409  # noqa: PLR2004 -- Conflict
    attributes = {
        "code": "duplicate_profile" if is_conflict else "not_found",
        "title": "Conflict." if is_conflict else "Not found.",
        "detail": problem.detail,
        "source": {"pointer": problem.pointer},
        "original_payload": row,
    }
    return {"type": "import-error", "id": exchange.account.ids.ulid("error"), "attributes": attributes}


def get_import_jobs(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs."""
    jobs = [job for job in exchange.account.jobs.values() if job.kind == _KIND]
    return page(exchange, jobs, lambda row: job_resource(exchange, row), lambda row: row.id)


def get_import_job(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}."""
    job = job_in_path(exchange, _KIND)
    lists = [exchange.account.lists[found] for found in job.lists if found in exchange.account.lists]
    return one(exchange, job_resource(exchange, job), included=(list_resource(exchange, found) for found in lists))


def get_import_errors(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/import-errors."""
    return page(exchange, job_in_path(exchange, _KIND).errors, dict, lambda row: str(row["id"]))


def get_imported_profiles(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/profiles."""
    return page(exchange, _imported(exchange), lambda row: profile_resource(exchange, row), lambda row: row.id)


def get_imported_profile_ids(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/relationships/profiles."""
    return page(exchange, _imported(exchange), lambda row: identifier("profile", row.id), lambda row: row.id)


def get_lists_of_import(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/lists."""
    lists = exchange.account.lists
    found = [lists[item] for item in job_in_path(exchange, _KIND).lists if item in lists]
    return page(exchange, found, lambda row: list_resource(exchange, row), lambda row: row.id)


def get_list_ids_of_import(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/relationships/lists."""
    return page(exchange, job_in_path(exchange, _KIND).lists, lambda row: identifier("list", row), str)


def job_in_path(exchange: Exchange, kind: str) -> Job:
    """Return the job whose id is in the path; raises `RefusedError` (404) for an unknown one."""
    found = exchange.account.jobs.get(exchange.path_id)
    if found is None or found.kind != kind:
        raise RefusedError(404, f"A job with id {exchange.path_id} does not exist.", pointer="/data/")
    return found


def _imported(exchange: Exchange) -> list[Profile]:
    found = [exchange.account.profiles.find(item) for item in job_in_path(exchange, _KIND).profiles]
    return [profile for profile in found if profile is not None]


_ADDITIONAL = {"profile": ("subscriptions", "predictive_analytics")}

SERVED: Mapping[str, Served] = {
    "bulk_import_profiles": Served(
        bulk_import_profiles, bulk_import_schema, Query(fields=(_KIND,), since={f"fields[{_KIND}]": "2026-07-15"})
    ),
    "get_bulk_import_profiles_jobs": Served(
        get_import_jobs,
        query=Query(
            fields=(_KIND,),
            filters={"status": Field("text", EXACT, lambda row: row.attributes["status"])},
            sorts={"created_at": lambda row: row.attributes["created_at"]},
            order=lambda row: row.attributes["created_at"],
            size=(20, 100),
        ),
    ),
    "get_bulk_import_profiles_job": Served(get_import_job, query=Query(fields=(_KIND, "list"), includes=("lists",))),
    "get_errors_for_bulk_import_profiles_job": Served(
        get_import_errors, query=Query(fields=("import-error",), size=(20, 100))
    ),
    "get_profiles_for_bulk_import_profiles_job": Served(
        get_imported_profiles, query=Query(fields=("profile",), additional=_ADDITIONAL, size=(20, 100))
    ),
    "get_profile_ids_for_bulk_import_profiles_job": Served(get_imported_profile_ids, query=Query(size=(20, 100))),
    "get_list_for_bulk_import_profiles_job": Served(get_lists_of_import, query=Query(fields=("list",))),
    "get_list_ids_for_bulk_import_profiles_job": Served(get_list_ids_of_import),
}
