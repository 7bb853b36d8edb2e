"""From a request to a reply: route, key, revision, rate limit, query, body, operation."""

from functools import lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote

from attrs import define, evolve

from klavier.klaviyo.limits import is_small
from klavier.klaviyo.operations import OPERATIONS, Operation
from klavier.sandbox.account import Account
from klavier.sandbox.errors import Problem, RefusedError, error_document
from klavier.sandbox.exchange import Exchange, Incoming, Reply
from klavier.sandbox.operations import SERVED
from klavier.sandbox.queries import ALL, NO_QUERY, Selection, read_query
from klavier.sandbox.rates import Windows
from klavier.sandbox.request_body import read_body, read_document
from klavier.sandbox.revisions import OLDEST_SERVED, Rules, read_revision, rules_for
from klavier.sandbox.schema import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

Legacy = Literal["alive", "gone"]
Retired = Literal["own-rules", "fall-forward"]

_OPT_OUT = "x-klaviyo-revision-fall-forward-opt-out"
_LEGACY_RULES = "2023-02-22"

NOT_SERVED = frozenset(
    {
        "back-in-stock-subscriptions", "billing-usage", "brand-buttons", "brand-colors", "brand-email-defaults",
        "brand-logos", "brand-social-groups", "brand-voice", "campaign-audience-clone", "campaign-audiences",
        "campaign-clone", "campaign-message-assign-template", "campaign-message-clone", "campaign-message-schedule",
        "campaign-messages", "campaign-recipient-estimation-jobs", "campaign-recipient-estimations",
        "campaign-schedule", "campaign-send-jobs", "campaign-values-reports", "campaign-variations", "campaigns",
        "catalog-categories", "catalog-category-bulk-create-jobs", "catalog-category-bulk-delete-jobs",
        "catalog-category-bulk-update-jobs", "catalog-item-bulk-create-jobs", "catalog-item-bulk-delete-jobs",
        "catalog-item-bulk-update-jobs", "catalog-items", "catalog-variant-bulk-create-jobs",
        "catalog-variant-bulk-delete-jobs", "catalog-variant-bulk-update-jobs", "catalog-variants",
        "conversation-messages", "coupon-code-bulk-create-jobs", "coupon-codes", "coupons", "custom-metrics",
        "data-source-record-bulk-create-jobs", "data-source-record-create-jobs", "data-sources", "flow-actions",
        "flow-messages", "flow-series-reports", "flow-values-reports", "flows", "form-publish-jobs",
        "form-series-reports", "form-unpublish-jobs", "form-values-reports", "form-versions", "forms", "geofences",
        "image-upload", "images", "ip-allowlists", "mapped-metrics", "metric-properties",
        "object-record-bulk-delete-jobs", "object-records", "object-schemas", "object-types", "push-tokens",
        "push-token-unregister", "reviews", "segment-series-reports", "segment-values-reports", "source-mappings",
        "tag-groups", "tags", "template-clone", "template-preview-send-jobs", "template-render",
        "template-universal-content", "template-universal-content-clone", "templates", "text-messaging-configurations",
        "text-messaging-sender-registrations", "text-messaging-senders", "tracking-settings", "translations",
        "web-feeds", "webhook-topics", "webhooks",
    }
)  # fmt: skip
"""The first segments of Klaviyo's paths that the sandbox does not serve, in revision 2026-10-15.

Source: Klaviyo's OpenAPI specification.
"""
_NOT_SERVED_MEMBERS = frozenset(
    {"conversation", "conversations", "flow-triggers", "metric-properties", "push-tokens", "tags"}
)
"""The relationships of served resources that the sandbox does not serve."""

_EXACT = {(row.method, row.path): row for row in OPERATIONS if "{id}" not in row.path}
_WITH_ID = {(row.method, *row.path.split("{id}")): row for row in OPERATIONS if "{id}" in row.path}
_PREFIXES = {(row.path.count("/"), row.path.split("{id}")[0], row.path.split("{id}")[1]) for row in _WITH_ID.values()}
_KNOWN = {row.path for row in _EXACT.values()}


def find_route(method: str, path: str) -> tuple[Operation, str]:
    """Return the operation of a call and the unquoted id in its path; a trailing slash is allowed, as in old revisions.

    Raises `RefusedError`: 404 for an unknown path, 405 for a method that the path does not have, 501 for a path of
    Klaviyo's that the sandbox does not serve.
    """
    path = path.rstrip("/")
    found = _EXACT.get((method, path))
    if found is not None:
        return found, ""
    slashes, known = path.count("/"), path in _KNOWN
    for depth, before, after in _PREFIXES:
        if depth != slashes or not path.startswith(before) or not path.endswith(after):
            continue
        middle = path[len(before) : len(path) - len(after)]
        if middle and "/" not in middle:
            found, known = _WITH_ID.get((method, before, after)), True
            if found is not None:
                return found, unquote(middle)
    segments = path.split("/")
    if segments[2:3] and (segments[2] in NOT_SERVED or segments[-1] in _NOT_SERVED_MEMBERS):
        raise RefusedError(501, "Klaviyo has this path, but the sandbox does not serve it.")
    if known:
        raise RefusedError(405, f"Method {method} is not allowed for this path.")
    raise RefusedError(404, "The path does not exist.")


@lru_cache(maxsize=512)
def body_check(operation: str, rules: Rules, *, measures: bool = True) -> Check | None:
    """Return the check of an operation's body in a revision; None for one that has no JSON:API body.

    Without `measures` it is the check of a body that is too small for the limits on sizes within it.
    """
    schema = SERVED[operation].body
    return None if schema is None else schema(evolve(rules, measures=measures))


@define(repr=False)
class Gateway:
    """Answers requests: checks route, key, revision, rate limit, query and body, then runs the operation."""

    account: Account
    legacy: Legacy
    retired: Retired
    windows: Windows | None

    def answer(self, incoming: Incoming) -> Reply:
        """Return the reply to a request; never raises for what a client sends."""
        headers: Mapping[str, str] = {}
        try:
            operation, path_id = find_route(incoming.method, incoming.path)
            rules = self._legacy_rules() if operation.is_legacy else self._check_access(operation, incoming)
            now = self.account.clock.time()
            if self.windows is not None:
                headers = self.windows.count(operation, now, incoming.params)
            selection = self._select(operation, incoming, rules)
            exchange = Exchange(self.account, incoming, rules, path_id, now, selection)
            reply = self._operate(exchange, operation)
        except RefusedError as refused:
            document = error_document(refused.status, refused.problems, self.account.ids.count("refusal"))
            return Reply(refused.status, document, headers={**headers, **refused.headers})
        if exchange.partial:
            headers = {**headers, "X-Klaviyo-Partial-Failure": ",".join(sorted(exchange.partial))}
        return Reply(reply.status, reply.document, reply.content, {**reply.headers, **headers}) if headers else reply

    def _select(self, operation: Operation, incoming: Incoming, rules: Rules) -> Selection:
        query = SERVED[operation.name].query
        if operation.is_legacy or (not incoming.params and query is NO_QUERY):
            return ALL
        if incoming.repeated:
            name = incoming.repeated
            raise RefusedError(400, f"'{name[:100]}' is given more than once.", parameter=name)
        ignored = ("company_id",) if incoming.path.startswith("/client/") else ()
        return read_query(query, incoming.params, rules, ignored=ignored)

    def _operate(self, exchange: Exchange, operation: Operation) -> Reply:
        incoming = exchange.incoming
        if incoming.body:
            incoming.body = read_body(incoming)
        measures = not is_small(incoming.body)
        check = body_check(operation.name, exchange.rules, measures=measures)
        if check is not None:
            exchange.document = read_document(incoming, incoming.body)
            flaws = check(exchange.document)
            if flaws:
                raise RefusedError(400, [Problem(detail, place or "/data") for place, detail in flaws])
        return SERVED[operation.name].handle(exchange)

    def _legacy_rules(self) -> Rules:
        if self.legacy == "gone":
            raise RefusedError(410, "This version of the API was retired on 30 June 2024.")
        return rules_for(_LEGACY_RULES, sms=self.account.sms)

    def _check_access(self, operation: Operation, incoming: Incoming) -> Rules:
        """Check the key and the revision, and return the rules of the revision."""
        self._authorize(incoming)
        header = incoming.headers.get("revision")
        if not header:
            raise RefusedError(400, "The header 'revision' is required.", parameter="revision")
        rules = rules_for(self._revision(header, incoming), sms=self.account.sms)
        if operation.until and rules.revision >= operation.until:
            raise RefusedError(410, "The endpoint was removed.")
        if rules.revision < operation.since:
            raise RefusedError(404, f"The endpoint does not exist in revision {rules.revision}.")
        return rules

    def _authorize(self, incoming: Incoming) -> None:
        """Check the public key of a client call, and the private key or the OAuth token of any other."""
        if incoming.path.startswith("/client/"):
            company = incoming.params.get("company_id")
            if not company or self.account.public_api_key not in (None, company):
                raise RefusedError(400, "The company_id is missing or unknown.", parameter="company_id")
            return
        scheme, _, key = incoming.headers.get("authorization", "").partition(" ")
        key, expected = key.strip(), None
        if scheme.lower() == "bearer" and key:
            expected = self.account.access_token
        elif scheme.lower() == "klaviyo-api-key" and key:
            expected = self.account.private_api_key
        else:
            raise RefusedError(401, "Missing or invalid private API key: send Authorization: Klaviyo-API-Key pk_...")
        if expected not in (None, key):
            raise RefusedError(401, "The private API key or access token is not this account's.")

    def _revision(self, header: str, incoming: Incoming) -> str:
        """Read the revision; a retired or unreadable one falls forward where the sandbox is set to."""
        given = read_revision(header)
        if self.retired == "own-rules" and given is not None:
            return given
        if given is None or given < OLDEST_SERVED:
            if incoming.headers.get(_OPT_OUT) == "1":
                raise RefusedError(410, "The revision was retired.")
            return OLDEST_SERVED
        return given
