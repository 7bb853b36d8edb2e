"""From a request to a reply: route, key, revision, rate limit, body, operation."""

from typing import TYPE_CHECKING, Literal

from attrs import define

from klavier.klaviyo.operations import Operation
from klavier.sandbox.account import Account
from klavier.sandbox.bodies import body_check
from klavier.sandbox.exchange import Exchange, Incoming, Reply
from klavier.sandbox.operations import HANDLERS
from klavier.sandbox.rates import Windows
from klavier.sandbox.reading import read_body, read_document
from klavier.sandbox.refused import Problem, RefusedError, error_document
from klavier.sandbox.routes import find_route
from klavier.sandbox.rules import OLDEST_SERVED, Rules, read_revision, rules_of

if TYPE_CHECKING:
    from collections.abc import Mapping

Legacy = Literal["alive", "gone"]
Retired = Literal["own-rules", "fall-forward"]

_OPT_OUT = "x-klaviyo-revision-fall-forward-opt-out"
_LEGACY_RULES = "2023-02-22"


@define(repr=False)
class Gateway:
    """The front of the sandbox: everything that comes before and after an operation."""

    account: Account
    legacy: Legacy
    retired: Retired
    windows: Windows | None

    def answer(self, incoming: Incoming) -> Reply:
        """Give the reply to a request; never raises on what a client sends."""
        headers: Mapping[str, str] = {}
        try:
            operation, path_id = find_route(incoming.method, incoming.path)
            is_legacy = operation.is_legacy
            rules = self._legacy_rules() if is_legacy else self._admitted(operation, incoming)
            now = self.account.clock.time()
            if self.windows is not None:
                headers = self.windows.admit(operation, now)
            exchange = Exchange(self.account, incoming, rules, path_id, now)
            reply = self._operate(exchange, operation.name, is_legacy=is_legacy)
        except RefusedError as refused:
            document = error_document(refused.status, refused.problems, self.account.ids.count("refusal"))
            return Reply(refused.status, document, headers={**headers, **refused.headers})
        if exchange.partial:
            headers = {**headers, "X-Klaviyo-Partial-Failure": ",".join(sorted(exchange.partial))}
        return Reply(reply.status, reply.document, reply.content, {**reply.headers, **headers}) if headers else reply

    def _operate(self, exchange: Exchange, operation: str, *, is_legacy: bool) -> Reply:
        incoming = exchange.incoming
        if incoming.body:
            body = read_body(incoming)
            if body is not incoming.body:
                exchange.incoming = Incoming(incoming.method, incoming.path, incoming.params, incoming.headers, body)
        check = None if is_legacy else body_check(operation, exchange.rules)
        if check is not None:
            exchange.document = read_document(incoming, exchange.incoming.body)
            flaws = check(exchange.document)
            if flaws:
                raise RefusedError(400, [Problem(detail, place or "/data") for place, detail in flaws])
        return HANDLERS[operation](exchange)

    def _legacy_rules(self) -> Rules:
        if self.legacy == "gone":
            raise RefusedError(410, "This version of the API was retired on 30 June 2024.")
        return rules_of(_LEGACY_RULES, sms=self.account.sms)

    def _admitted(self, operation: Operation, incoming: Incoming) -> Rules:
        """Check the key and the revision, and give the rules that the call is judged by."""
        self._authorise(incoming)
        header = incoming.headers.get("revision")
        if not header:
            raise RefusedError(400, "The header 'revision' is required.", parameter="revision")
        rules = rules_of(self._revision(header, incoming), sms=self.account.sms)
        if operation.until and rules.revision >= operation.until:
            raise RefusedError(410, "The endpoint was removed.")
        if rules.revision < operation.since:
            raise RefusedError(404, f"The endpoint does not exist in revision {rules.revision}.")
        return rules

    def _authorise(self, incoming: Incoming) -> None:
        if incoming.path.startswith("/client/"):
            company = incoming.params.get("company_id")
            if not company or self.account.public_api_key not in (None, company):
                raise RefusedError(400, "The company_id is missing or unknown.", parameter="company_id")
            return
        scheme, _, key = incoming.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "klaviyo-api-key" or not key:
            raise RefusedError(401, "Missing or invalid private API key: send Authorization: Klaviyo-API-Key pk_...")
        if self.account.private_api_key not in (None, key.strip()):
            raise RefusedError(401, "The private API key is not this account's.")

    def _revision(self, header: str, incoming: Incoming) -> str:
        """Read the revision; a retired or unreadable one falls forward where the sandbox does as Klaviyo does today."""
        given = read_revision(header)
        if self.retired == "own-rules" and given is not None:
            return given
        if given is None or given < OLDEST_SERVED:
            if incoming.headers.get(_OPT_OUT) == "1":
                raise RefusedError(410, "The revision was retired.")
            return OLDEST_SERVED
        return given
