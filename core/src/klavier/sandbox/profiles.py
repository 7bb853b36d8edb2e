"""All profiles of an account, found by their identifiers.

Source for what merges: Klaviyo's help page on identity resolution (an e-mail address, a phone number or a device that
one call links together), its create-or-update-profile reference, and replies quoted in its community and SDK issues.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from klavier.klaviyo.attributes import IDENTIFIERS, PROFILE_IDENTIFIERS
from klavier.sandbox.errors import Problem, RefusedError
from klavier.sandbox.profile import Profile

if TYPE_CHECKING:
    from klavier.sandbox.trace import Trace

Identifiers = dict[str, str]


def identifiers_in(attributes: dict[str, Any]) -> Identifiers:
    """Pick the identifiers among checked attributes; e-mail addresses are lower-case in Klaviyo."""
    found = {kind: attributes[kind] for kind in IDENTIFIERS if attributes.get(kind)}
    if "email" in found:
        found["email"] = found["email"].lower()
    return found


class Profiles:
    """The profiles of an account, with an index for each kind of identifier."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self.by_id: dict[str, Profile] = {}
        self._owners: dict[str, dict[str, Profile]] = {kind: {} for kind in IDENTIFIERS}
        self.trace: Trace | None = None
        """Records the profiles that calls touch, for a comparison; None without one."""

    def __iter__(self) -> Iterator[Profile]:
        """Iterate over the profiles, the oldest first."""
        return iter(self.by_id.values())

    def __len__(self) -> int:
        """Count the profiles."""
        return len(self.by_id)

    def owner(self, kind: str, value: str) -> Profile | None:
        """Return the profile that has an identifier."""
        return self._owners[kind].get(value.lower() if kind == "email" else value)

    def visible(self) -> list[Profile]:
        """Return the profiles that Klaviyo shows: all but those that wait for the confirmation of a subscription."""
        return [profile for profile in self if not profile.is_unconfirmed]

    def find(self, profile_id: str) -> Profile | None:
        """Return a profile that Klaviyo shows, by its id."""
        found = self.by_id.get(profile_id)
        return None if found is None or found.is_unconfirmed else found

    def create(self, identifiers: Identifiers, now: float) -> Profile:
        """Create a profile; no visible one may have its identifiers, and unconfirmed ones become part of it."""
        profile = Profile(self._new_id(), int(now), int(now))
        self.by_id[profile.id] = profile
        if self.trace is not None:
            self.trace.profiles[profile.id] = None
        for kind, value in identifiers.items():
            waiting = self._owners[kind].get(value)
            if waiting is not None:
                self.merge(profile, waiting)
            self.set_identifier(profile, kind, value)
        return profile

    def set_identifier(self, profile: Profile, kind: str, value: str | None) -> None:
        """Set an identifier of a profile; None removes it."""
        before = profile.identifiers.get(kind)
        owners = self._owners[kind]
        if value is None:
            gone = profile.devices if kind == "anonymous_id" else ([before] if before else [])
            for item in gone:
                owners.pop(item, None)
            profile.identifiers.pop(kind, None)
            if kind == "anonymous_id":
                profile.devices = {}
            return
        if kind == "anonymous_id":
            profile.devices.setdefault(value)
        elif before is not None and before != value:
            owners.pop(before, None)
        profile.identifiers[kind] = value
        owners[value] = profile

    def delete(self, profile: Profile) -> None:
        """Delete a profile, its events and its memberships."""
        for kind in IDENTIFIERS:
            self.set_identifier(profile, kind, None)
        self.by_id.pop(profile.id, None)

    def merge(self, keep: Profile, other: Profile) -> None:
        """Move everything of another profile into this one, whose values win."""
        identifiers, devices = dict(other.identifiers), list(other.devices)
        newest = keep.identifiers.get("anonymous_id")
        self.delete(other)
        if self.trace is not None:
            self.trace.merged[other.id] = keep.id
        for kind, value in identifiers.items():
            if kind != "anonymous_id" and kind not in keep.identifiers:
                self.set_identifier(keep, kind, value)
        for device in devices:
            self.set_identifier(keep, "anonymous_id", device)
        if newest is not None:
            self.set_identifier(keep, "anonymous_id", newest)
        keep.absorb(other)

    def upsert(self, profile_id: str | None, identifiers: Identifiers, now: float) -> tuple[Profile, bool]:
        """Return the profile of an upsert, with all these identifiers, and whether it is new.

        Raises `RefusedError`: 404 for an unknown id, or one whose new identifier is another profile's; 409 where two
        identifiers belong to two profiles.
        """
        owners = [self._find(kind, identifiers) for kind in PROFILE_IDENTIFIERS]
        known = [owner for owner in owners if owner is not None and not owner.is_unconfirmed]
        if profile_id:
            found = self.find(profile_id)
            if found is None or any(owner is not found for owner in known):
                raise RefusedError(404, f"A profile with id {profile_id} does not exist.", pointer="/data/")
        else:
            for owner in known[1:]:
                if owner is not known[0]:
                    raise duplicate(owner)
            found = known[0] if known else next(filter(None, owners), None) or self._by_device(identifiers)
        return self._settle(found, identifiers, now, change=True)

    def attribute(
        self, identifiers: Identifiers, now: float, *, change: bool, profile_id: str = "", is_confirmed: bool = True
    ) -> Profile:
        """Return the profile that an event belongs to, created if needed, and link the identifiers of the call to it.

        Never refuses: an identifier of another profile stays there.  `change` is whether the call may replace an
        identifier of the profile (calls with the private key may, a browser's may not).  `is_confirmed` is False for
        a subscription that waits for its confirmation, which creates a profile that Klaviyo does not show.
        """
        found = (self.by_id.get(profile_id) if profile_id else None) or self._by_identifiers(identifiers)
        profile, created = self._settle(found, identifiers, now, change=change, is_confirmed=is_confirmed)
        if created and not is_confirmed:
            profile.is_unconfirmed = True
        return profile

    def _settle(
        self, found: Profile | None, identifiers: Identifiers, now: float, *, change: bool, is_confirmed: bool = True
    ) -> tuple[Profile, bool]:
        """Merge the profiles that the identifiers link, and set those that no other profile has."""
        created = found is None or found.is_unconfirmed
        profile = self.create({}, now) if found is None else found
        if is_confirmed and profile.is_unconfirmed:
            profile.is_unconfirmed, profile.created = False, int(now)
        if self.trace is not None:
            self.trace.profiles[profile.id] = None
        for kind, value in identifiers.items():
            if profile.identifiers.get(kind) == value:
                continue
            owner = self._owners[kind].get(value)
            if owner is not None and owner is not profile:
                if not owner.is_unconfirmed and not _linked(profile, owner, kind):
                    continue
                self.merge(profile, owner)
            if change or kind not in profile.identifiers or kind == "anonymous_id":
                self.set_identifier(profile, kind, value)
        return profile, created

    def _by_identifiers(self, identifiers: Identifiers) -> Profile | None:
        """Return the profile of the first identifier that one has, devices last."""
        for kind in PROFILE_IDENTIFIERS:
            if kind in identifiers and (found := self._owners[kind].get(identifiers[kind])) is not None:
                return found
        return self._by_device(identifiers)

    def _find(self, kind: str, identifiers: Identifiers) -> Profile | None:
        value = identifiers.get(kind)
        return None if value is None else self._owners[kind].get(value)

    def _by_device(self, identifiers: Identifiers) -> Profile | None:
        """Return the profile of a device or cookie, unless the call's own identifiers contradict it."""
        for kind in ("_kx", "anonymous_id"):
            owner = self._find(kind, identifiers)
            if owner is None:
                continue
            known = owner.identifiers
            if all(identifiers.get(k) is None or known.get(k) in (None, identifiers[k]) for k in PROFILE_IDENTIFIERS):
                return owner
        return None

    def refuse_taken(self, identifiers: Identifiers, but: Profile | None = None) -> None:
        """Raise the 409 of `duplicate_profile` where another profile has an identifier."""
        for kind in PROFILE_IDENTIFIERS:
            owner = self._find(kind, identifiers)
            if owner is not None and owner is not but and not owner.is_unconfirmed:
                raise duplicate(owner)


def _linked(profile: Profile, owner: Profile, kind: str) -> bool:
    """Return whether an identifier in one call merges two profiles: never `external_id`, never contradicting ones."""
    mine, theirs = profile.identifiers, owner.identifiers
    return kind != "external_id" and all(
        theirs.get(k) is None or mine.get(k) in (None, theirs[k]) for k in PROFILE_IDENTIFIERS
    )


def duplicate(owner: Profile) -> RefusedError:
    """Return the 409 that names the profile in the way."""
    problem = Problem(
        "A profile already exists with one of these identifiers.",
        "/data/attributes",
        meta={"duplicate_profile_id": owner.id},
    )
    return RefusedError(409, [problem])
