"""Every invariant over generated events, for the settings that differ most."""

from functools import cache
from typing import Any, ClassVar

from hypothesis import settings as search_settings

from klavier.testing import Schemas, VendorConformance
from tests.support.schemas import shared_folder

SEARCH = search_settings(max_examples=search_settings().max_examples * 2 // 5)

PERSON = {
    "email": {"@path": "$.context.traits.email"},
    "external_id": {"@path": "$.userId"},
    "anonymous_id": {"@path": "$.anonymousId"},
}
EVERYTHING: list[dict[str, Any]] = [
    {"action": "upsertProfile", "trigger": 'type = "identify"', "fields": {
        "external_id": {"@path": "$.userId"}, "country_code": "US", "list_id": "LIST/1 ?",
        "phone_number": {"@path": "$.traits.phone"}, "properties": {"@path": "$.traits"}}},
    {"action": "trackEvent", "trigger": 'type != "identify"', "fields": {
        "profile": PERSON, "metric_name": {"@template": "{{type}} {{event}}{{name}}"},
        "value": {"@path": "$.properties.value"}}},
    {"action": "subscribeProfile", "trigger": 'type = "identify" and traits.email != null',
     "fields": {"list_id": "LIST1"}},
]  # fmt: skip


def batching(mappings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [mapping | {"fields": mapping["fields"] | {"enable_batching": True}} for mapping in mappings]


@cache
def schemas() -> Schemas | None:
    folder = shared_folder()
    return Schemas(folder / "klaviyo-schemas" / "strict") if folder else None


class Conformance(VendorConformance):
    vendor = "segment-actions"
    search = SEARCH
    schemas = schemas()


class TestNothingButAKey(Conformance):
    settings: ClassVar = {"api_key": "pk_secret"}


class TestClassicMigration(Conformance):
    settings: ClassVar = {"api_key": "pk_secret", "preset": "classic-migration", "wire": "native"}


class TestSeveralMappings(Conformance):
    settings: ClassVar = {"api_key": "pk_secret", "mappings": EVERYTHING}


class TestBatches(Conformance):
    settings: ClassVar = {"api_key": "pk_secret", "mappings": batching(EVERYTHING)}


class TestNativeBatches(Conformance):
    settings: ClassVar = {"api_key": "pk_secret", "mappings": batching(EVERYTHING), "wire": "native"}


class Deployed(Conformance):
    """Exactly as Segment: Klaviyo's schemas do not apply, every other invariant does.

    Mappings are independent of each other there: a subscription may overtake the profile that it belongs to, and then
    the retried result differs.  So profiles and subscriptions are checked apart.
    """

    schemas = None


class TestDeployedProfiles(Deployed):
    settings: ClassVar = {
        "api_key": "pk_secret",
        "mappings": batching(EVERYTHING[:2]),
        "fidelity": "deployed",
        "wire": "native",
    }


class TestDeployedSubscriptions(Deployed):
    settings: ClassVar = {
        "api_key": "pk_secret",
        "mappings": batching(EVERYTHING[2:]),
        "fidelity": "deployed",
        "wire": "native",
    }
