"""Importing many profiles in one job, which the sandbox does at once."""

from typing import Any

from klavier.sandbox.exchange import Exchange, Reply
from klavier.sandbox.operations.lists import known_list
from klavier.sandbox.operations.profiles import upsert
from klavier.sandbox.refused import RefusedError
from klavier.sandbox.resources import collection, job_resource
from klavier.sandbox.times import write_time


def bulk_import_profiles(exchange: Exchange) -> Reply:
    """POST /api/profile-bulk-import-jobs; nulls are ignored, and a row in conflict becomes an import error."""
    listed = ((exchange.data.get("relationships") or {}).get("lists") or {}).get("data") or []
    lists = [
        known_list(exchange, item["id"], f"/data/relationships/lists/data/{index}/id")
        for index, item in enumerate(listed)
    ]
    rows = exchange.attributes["profiles"]["data"]
    errors: list[dict[str, Any]] = []
    for row in rows:
        try:
            profile, _ = upsert(exchange, row, clears=False)
        except RefusedError as refused:
            errors.append(_import_error(exchange, refused, row))
            continue
        for found in lists:
            profile.lists.setdefault(found.id, int(exchange.now))
    job = exchange.account.ids.ulid("job")
    now = write_time(exchange.now)
    attributes = {
        "status": "complete",
        "created_at": now,
        "started_at": now,
        "completed_at": now,
        "total_count": len(rows),
        "completed_count": len(rows) - len(errors),
        "failed_count": len(errors),
    }
    exchange.account.jobs[job] = {"attributes": attributes, "errors": errors}
    queued = {**attributes, "status": "queued", "started_at": None, "completed_at": None}
    queued |= {"completed_count": 0, "failed_count": 0}
    return Reply(202, {"data": job_resource(job, queued)})


def _import_error(exchange: Exchange, refused: RefusedError, row: dict[str, Any]) -> dict[str, Any]:
    problem = refused.problems[0]
    attributes = {
        "code": "duplicate_profile" if refused.status == 409 else "not_found",  # noqa: PLR2004 -- Conflict
        "title": "Conflict." if refused.status == 409 else "Not found.",  # noqa: PLR2004 -- Conflict
        "detail": problem.detail,
        "source": {"pointer": problem.pointer},
        "original_payload": row,
    }
    return {"type": "import-error", "id": exchange.account.ids.ulid("error"), "attributes": attributes}


def get_import_job(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}."""
    return Reply(200, {"data": job_resource(exchange.path_id, _job_of(exchange)["attributes"])})


def get_import_errors(exchange: Exchange) -> Reply:
    """GET /api/profile-bulk-import-jobs/{id}/import-errors."""
    return collection(exchange, _job_of(exchange)["errors"], 20)


def _job_of(exchange: Exchange) -> dict[str, Any]:
    found = exchange.account.jobs.get(exchange.path_id)
    if found is None:
        raise RefusedError(404, f"A job with id {exchange.path_id} does not exist.", pointer="/data/")
    return found
