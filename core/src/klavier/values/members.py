"""Members of an event's payload that no vendor reads: of the wrong kind, or under a misspelt name."""

from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from klavier.strictjson import kind_of

# fmt: off
_MEMBERS = frozenset((
    "type", "event", "userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
    "context", "integrations", "properties", "traits", "name", "category", "groupId", "previousId",
    "channel", "version",
))
"""The members of an event in Segment's and RudderStack's specifications that a sender writes."""
_OTHERS = frozenset((
    "token", "$options", "sessionId", "rudderId", "request_ip", "writeKey", "projectId", "_metadata", "metadata",
    "options", "library", "destinations", "source", "sourceType", "action", "fields", "identifiers",
    "recordId", "replay",
))
"""Members that libraries, collectors and pipelines add."""
# fmt: on
_NORMAL = {name.lower(): name for name in _MEMBERS}
_ELSEWHERE = {
    "email": "traits.email",
    "phone": "traits.phone",
    "ip": "context.ip",
    "distinctid": "properties.distinct_id",
}
"""Members that are often written at the root, and their places."""
_CONTENTS = {
    "identify": "traits",
    "group": "traits",
    "track": "properties",
    "page": "properties",
    "screen": "properties",
}
_EMPTY: tuple[Any, ...] = (None, "", [])
"""What stands for an absent object: an empty array is PHP's empty object."""
_LONGEST_NAME = 30
"""Characters of a name that may be a misspelt one: twice as many as the longest member has."""
_CLOSE = 0.88
"""Similarity from which a name counts as misspelt: `propertis` has 0.95 with its member, the word `content` 0.86."""


def misplaced_members(payload: dict[str, Any], kind: str) -> tuple[str, ...]:
    """Return a note for each member of a payload in Segment's format that no vendor can read; `kind` is its type.

    These are `traits`, `properties`, `context`, `context.traits` and `integrations` that are no object, such as the
    JSON text of a warehouse's column, and members whose name is nearly one of the format's.  Unknown names of another
    kind are no mistake: pipelines add members of their own.
    """
    notes = []
    context, flags = payload.get("context"), payload.get("integrations")
    traits = context.get("traits") if isinstance(context, dict) else None
    content = _CONTENTS.get(kind, "context")
    for place, value in (
        (content, payload.get(content)),
        ("context", context if content != "context" else None),
        ("context.traits", traits),
        ("integrations", flags if flags is not True and flags is not False else None),
    ):
        if value.__class__ is not dict and value not in _EMPTY:
            notes.append(f"{place} left out: {kind_of(value)} where an object is expected")
    if not payload.keys() <= _MEMBERS:
        unknown = sorted(payload.keys() - _MEMBERS - _OTHERS)
        meanings = [(name, _meaning(name)) for name in unknown if len(name) <= _LONGEST_NAME]
        notes += [f"{name} is no member of an event; did you mean {meant}?" for name, meant in meanings if meant]
    return tuple(notes)


@lru_cache(maxsize=1024)  # a pipeline adds the same names to every event, and to compare one takes 30 us
def _meaning(name: str) -> str:
    """Return the member that an unknown one seems to mean; empty for none.  Only names near a known one are shown."""
    normal = name.replace("_", "").replace("-", "").replace(" ", "").lower()
    if not normal.isalpha() or not normal.isascii():
        return ""
    if normal in _ELSEWHERE:
        return _ELSEWHERE[normal]
    close = get_close_matches(normal, _NORMAL, n=1, cutoff=_CLOSE)
    return _NORMAL[close[0]] if close else ""
