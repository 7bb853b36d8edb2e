"""The requests to Klaviyo's API that the actions make, on either wire."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from klavier.klaviyo.request import Request
from klavier.klaviyo.revisions import CURRENT
from klavier.vendor import Wire

NATIVE = "2025-01-15"
"""The revision that Segment uses."""


class Calls:
    """Builds requests: on the native wire with Segment's revision and trailing slashes, else with the newest."""

    def __init__(self, wire: Wire) -> None:
        native = wire == "native"
        slash = "/" if native else ""
        self.native = native
        self.revision = NATIVE if native else CURRENT
        self.most_subscriptions = 100 if native else 1000
        self.most_lookups = 1000 if native else 100
        self.events = f"/api/events{slash}"
        self.event_batches = f"/api/event-bulk-create-jobs{slash}"
        self.profiles = f"/api/profiles{slash}"
        self.imports = f"/api/profile-bulk-import-jobs{slash}"
        self.subscriptions = f"/api/profile-subscription-bulk-create-jobs{slash}"
        self.deletions = f"/api/data-privacy-deletion-jobs{slash}"
        self.accounts = f"/api/accounts{slash}"
        self.list_choices = f"/api/lists{slash}"
        self.slash = slash

    def post(self, path: str, body: Any) -> Request:
        """Build a POST request with a JSON body."""
        return Request("POST", path, json=body, revision=self.revision)

    def get(self, path: str, params: dict[str, str] | None = None) -> Request:
        """Build a GET request."""
        return Request("GET", path, params=params, revision=self.revision)

    def create_profile(self, attributes: dict[str, Any]) -> Request:
        """Create a profile; Klaviyo answers 409 where one of its identifiers exists."""
        return self.post(self.profiles, {"data": {"type": "profile", "attributes": attributes}})

    def update_profile(self, profile_id: str, attributes: dict[str, Any]) -> Request:
        """Update the profile with an id."""
        body = {"data": {"type": "profile", "attributes": attributes, "id": profile_id}}
        return Request("PATCH", f"/api/profiles/{quote(profile_id, safe='')}", json=body, revision=self.revision)

    def find_profiles(self, field: str, values: Sequence[str]) -> Request:
        """Look profiles up by one kind of identifier."""
        params = {"filter": f"any({field},[{','.join(_quoted(value) for value in values)}])"}
        if len(values) > _DEFAULT_PAGE and not self.native:
            params["page[size]"] = "100"
        return self.get(self.profiles, params)

    def add_to_list(self, list_id: str, profile_id: str | None) -> Request:
        """Add a profile to a list."""
        return Request("POST", self._members(list_id), json={"data": [_profile(profile_id)]}, revision=self.revision)

    def remove_from_list(self, list_id: str, profile_ids: Sequence[str]) -> Request:
        """Remove profiles from a list."""
        body = {"data": [_profile(profile_id) for profile_id in profile_ids]}
        return Request("DELETE", self._members(list_id), json=body, revision=self.revision)

    def import_profiles(self, profiles: list[Any], list_id: str | None) -> Request:
        """Create or update many profiles, and add them to a list if one is passed."""
        data: dict[str, Any] = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": profiles}},
        }
        if list_id:
            data["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
        return self.post(self.imports, {"data": data})

    def create_list(self, name: str) -> Request:
        """Create a list."""
        return self.post("/api/lists", {"data": {"type": "list", "attributes": {"name": name}}})

    def find_list(self, name: str) -> Request:
        """Look a list up by its name."""
        return self.get("/api/lists", {"filter": f"equals(name,{_quoted(name)})"})

    def get_list(self, list_id: str) -> Request:
        """Read a list."""
        return self.get(f"/api/lists/{quote(list_id, safe='')}")

    def _members(self, list_id: str) -> str:
        return f"/api/lists/{quote(list_id, safe='')}/relationships/profiles{self.slash}"


_DEFAULT_PAGE = 20
"""The number of profiles on a page without `page[size]`."""


def _profile(profile_id: str | None) -> dict[str, str]:
    return {"type": "profile"} if profile_id is None else {"type": "profile", "id": profile_id}


def _quoted(value: str) -> str:
    """Quote a value of a filter, and escape the quotes in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
