"""Bodies of the profile calls."""

from typing import Any

import orjson

from klavier.klaviyo.limits import PROFILE_BYTES
from klavier.sandbox.bodies.identity import attributes, email, identified, maybe_null, meta, phone_flaw
from klavier.sandbox.rules import Rules
from klavier.sandbox.shape import Check, Flaw, both, many, nullable, one_of, record, reference, resource, text, wrapped

_STRONG = ("email", "phone_number", "external_id")


def _until_2025_10(rules: Rules) -> tuple[str, ...]:
    return () if rules.has("anonymous_id of events only") else ("anonymous_id",)


def create_profile(rules: Rules) -> Check:
    """POST /api/profiles."""
    shape = resource("profile", record("profile", attributes(rules)))
    return wrapped(both(shape, identified(rules, _STRONG)), "document")


def update_profile(rules: Rules) -> Check:
    """PATCH /api/profiles/{id}; any attributes, none included."""
    known = record("profile", attributes(rules, *_until_2025_10(rules)))
    members = {"type": one_of("profile"), "id": text(), "attributes": known, **meta(rules)}
    return wrapped(both(record("profile", members, ("type", "id", "attributes")), _updatable), "document")


def _updatable(value: Any) -> list[Flaw] | None:
    found = value["attributes"]
    if len(orjson.dumps(found)) > PROFILE_BYTES:
        return [("/attributes", f"Invalid input: ensure this profile has no more than {PROFILE_BYTES} bytes.")]
    flaw = phone_flaw(found, sms=True, others=True)
    return [(f"/attributes{flaw[0]}", flaw[1])] if flaw else None


def create_or_update_profile(rules: Rules) -> Check:
    """POST /api/profile-import."""
    return wrapped(_upserted(rules), "document")


def bulk_import_profiles(rules: Rules) -> Check:
    """POST /api/profile-bulk-import-jobs."""
    profiles = wrapped(many(_upserted(rules), 10_000), "profiles")
    lists = record("lists", {"data": many(reference("list"), least=0)})
    job = resource(
        "profile-bulk-import-job",
        record("profile-bulk-import-job", {"profiles": profiles}, ("profiles",)),
        relationships=record("relationships", {"lists": lists}),
    )
    return wrapped(job, "document")


def _upserted(rules: Rules) -> Check:
    extra = ("_kx", *_until_2025_10(rules))
    known = record("profile", attributes(rules, *extra))
    shape = resource("profile", known, id=nullable(text()), **meta(rules))
    return both(shape, identified(rules, (*_STRONG, *(kind for kind in extra if kind in attributes(rules, *extra)))))


def create_client_profile(rules: Rules) -> Check:
    """POST /client/profiles."""
    extra = ("anonymous_id", "_kx") if rules.has("_kx") else ("anonymous_id",)
    known = record("profile", attributes(rules, *extra))
    members = {"id": nullable(text())} if rules.has("profiles in jobs") else {}
    shape = resource("profile", known, **members, **meta(rules))
    return wrapped(both(shape, identified(rules, (*_STRONG, *extra))), "document")


def merge_profiles(rules: Rules) -> Check:  # noqa: ARG001 -- one signature for all bodies
    """POST /api/profile-merge."""
    sources = wrapped(many(reference("profile")), "profiles")
    members = {
        "type": one_of("profile-merge"),
        "id": text(),
        "relationships": record("profile-merge", {"profiles": sources}, ("profiles",)),
    }
    return wrapped(record("profile-merge", members, ("type", "id", "relationships")), "document")


def request_profile_deletion(rules: Rules) -> Check:
    """POST /api/data-privacy-deletion-jobs; exactly one identifier."""
    identifiers = {"email": email(rules), "phone_number": maybe_null(rules, text())}
    if not rules.has("profiles in jobs"):
        flat = record("data-privacy-deletion-job", {**identifiers, "profile_id": text()})
        return wrapped(resource("data-privacy-deletion-job", both(flat, _exactly_one)), "document")
    profile = resource("profile", record("profile", identifiers), id=nullable(text()))
    job = record("data-privacy-deletion-job", {"profile": wrapped(both(profile, _one_in_profile))}, ("profile",))
    return wrapped(resource("data-privacy-deletion-job", job), "document")


def _one_in_profile(value: Any) -> list[Flaw] | None:
    return _exactly_one({"id": value.get("id"), **value["attributes"]})


def _exactly_one(value: Any) -> list[Flaw] | None:
    given = [item for item in value.values() if item]
    return None if len(given) == 1 else [("", "Exactly one identifier is required: id, email or phone_number.")]
