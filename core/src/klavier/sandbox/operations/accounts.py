"""The account."""

from collections.abc import Mapping

from klavier.sandbox.errors import RefusedError
from klavier.sandbox.exchange import Exchange, Reply, Served
from klavier.sandbox.queries import Query
from klavier.sandbox.replies import one, page
from klavier.sandbox.resources import account_id, account_resource


def get_accounts(exchange: Exchange) -> Reply:
    """GET /api/accounts; the one account of the key."""
    key = account_id(exchange)
    return page(exchange, [key], lambda _: account_resource(exchange), str)


def get_account(exchange: Exchange) -> Reply:
    """GET /api/accounts/{id}."""
    if exchange.path_id != account_id(exchange):
        raise RefusedError(404, f"An account with id {exchange.path_id} does not exist.", pointer="/data/")
    return one(exchange, account_resource(exchange))


_QUERY = Query(fields=("account",))

SERVED: Mapping[str, Served] = {
    "get_accounts": Served(get_accounts, query=_QUERY),
    "get_account": Served(get_account, query=_QUERY),
}
