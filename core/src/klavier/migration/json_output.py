"""A migration as plain JSON data."""

from typing import TYPE_CHECKING, Any

from attrs import asdict

from klavier.migration.terms import plain

if TYPE_CHECKING:
    from klavier.migration.model import Migration


def migration_object(migration: "Migration") -> dict[str, Any]:
    """Return everything about a migration as plain data; it contains no secret."""
    return {
        "from": migration.source,
        "to": migration.target,
        "klaviyo": dict(migration.klaviyo),
        "settings": plain(migration.settings),
        "carried": [asdict(each) for each in migration.carried],
        "not_carried": [plain(asdict(each)) for each in migration.not_carried],
        "decisions": [asdict(each) for each in migration.decisions],
        "to_set": list(migration.to_set),
    }
