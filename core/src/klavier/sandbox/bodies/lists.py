"""Bodies of the list calls."""

from klavier.sandbox.rules import Rules
from klavier.sandbox.shape import Check, many, nullable, one_of, record, reference, resource, text, wrapped

_MOST_PROFILES = 1000


def create_list(rules: Rules) -> Check:
    """POST /api/lists."""
    fields = {"name": text(shortest=1)}
    if rules.has("opt_in_process"):
        fields["opt_in_process"] = nullable(one_of("single_opt_in", "double_opt_in"))
    return wrapped(resource("list", record("list", fields, ("name",))), "document")


def profile_references(rules: Rules) -> Check:  # noqa: ARG001 -- one signature for all bodies
    """POST and DELETE /api/lists/{id}/relationships/profiles."""
    return wrapped(many(reference("profile"), _MOST_PROFILES), "document")
