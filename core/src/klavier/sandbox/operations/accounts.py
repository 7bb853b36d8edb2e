"""Who the account is, and what it counts."""

from klavier.sandbox.exchange import Exchange, Reply
from klavier.sandbox.resources import collection, metric_resource


def get_accounts(exchange: Exchange) -> Reply:
    """GET /api/accounts."""
    key = exchange.account.public_api_key or "SNDBX1"
    attributes = {
        "test_account": True,
        "contact_information": {"organization_name": "klavier sandbox"},
        "timezone": "UTC",
        "preferred_currency": "USD",
        "public_api_key": key,
        "locale": "en-US",
    }
    return Reply(200, {"data": [{"type": "account", "id": key, "attributes": attributes}]})


def get_metrics(exchange: Exchange) -> Reply:
    """GET /api/metrics."""
    return collection(exchange, [metric_resource(metric) for metric in exchange.account.metrics.values()], 200)
