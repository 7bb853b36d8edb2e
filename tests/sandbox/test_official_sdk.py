"""Klaviyo's official Python SDK against the sandbox over HTTP: its models read every reply."""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from klavier.klaviyo.operations import BY_NAME, OPERATIONS, Operation, RateLimit
from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from klavier.sandbox.operations import SERVED
from klavier.sandbox.server import SandboxServer
from tests.support.klaviyo import bulk_import, event, profile_data, subscribe, suppress, unsubscribe, upsert
from tests.support.klaviyo import consent as consents

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from klaviyo_api import KlaviyoAPI  # type: ignore[import-untyped]  # it has no types
    from openapi_client.exceptions import ApiException

Account = dict[str, str]
Call = Callable[[Any, Account], Any]

TOKEN = {"token": "t", "platform": "ios", "vendor": "apns"}
GROUPS = ("Accounts", "Data_Privacy", "Events", "Lists", "Metrics", "Profiles", "Segments")
FOUND_BY_SDK = [
    row
    for row in OPERATIONS
    if row.name in SERVED and not row.is_legacy and not row.until and not row.path.startswith("/client/")
]
"""The operations that the SDK has methods for: it leaves out the calls of browsers."""


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(Sandbox(opt_in="single_opt_in", global_unsubscribe=False, own_metrics=True)) as running:
        yield running


@pytest.fixture
def account(server: SandboxServer) -> Account:
    """Fill the account with something of each kind, and return the ids."""
    sandbox = server.sandbox
    sandbox.reset()
    letters = sandbox.add_list("Letters", "Y6nRLr", "single_opt_in")
    news = sandbox.add_list("News", opt_in_process="single_opt_in")
    every_channel = {
        "email": {"marketing": {"consent": "SUBSCRIBED"}, "open_tracking": {"consent": "SUBSCRIBED"}},
        "sms": {"marketing": {"consent": "SUBSCRIBED"}, "transactional": {"consent": "SUBSCRIBED"}},
        "whatsapp": {"marketing": {"consent": "SUBSCRIBED"}},
        "push": {
            "marketing": {"consent": "SUBSCRIBED"},
            "tokens": [{"token": "t", "platform": "ios", "vendor": "apns"}],
        },
    }
    known: dict[str, Any] = {"email": "ada@b.co", "phone_number": "+15005550006"}
    gone = consents("email", says="UNSUBSCRIBED")
    requests = (
        subscribe(profile_data(email="ada@b.co", subscriptions=consents("email")), list_id=news),
        subscribe(profile_data(**known, subscriptions=every_channel), list_id=letters, custom_source="Fair"),
        unsubscribe(profile_data(email="ada@b.co", subscriptions=gone), list_id=news),
        suppress("bob@b.co"),
        upsert(**known, first_name="Ada", location={"city": "London", "latitude": 51.5}, properties={"a": 1}),
        event(unique_id="m1", value=9.5, value_currency="USD", properties={"items": [{"sku": "s"}]}),
        bulk_import(profile_data(email="eve@b.co"), profile_data(profile_id="x"), lists=(news,)),
    )
    replies = [sandbox.send(request) for request in requests]
    assert all(reply.ok for reply in replies), replies
    state = sandbox.state()
    return {
        "profile": profile_id(sandbox, "ada@b.co"),
        "other": profile_id(sandbox, "eve@b.co"),
        "list": letters,
        "news": news,
        "metric": next(metric["id"] for metric in state["metrics"] if metric["name"] == "Ordered"),
        "event": sandbox_event_id(state),
        "import": str(replies[-1].data_id),
        "suppression": next(j["id"] for j in state["jobs"] if j["type"] == "profile-suppression-bulk-create-job"),
    }


def profile_id(sandbox: Sandbox, email: str) -> str:
    found = sandbox.profile(email)
    assert found is not None
    return str(found["id"])


def sandbox_event_id(state: dict[str, Any]) -> str:
    number = next(item["id"] for item in state["events"] if item["metric"] == "Ordered")
    return f"3sandbx{number:09d}"


@pytest.fixture
def api(server: SandboxServer) -> Any:
    return KlaviyoAPI("pk_sandbox", max_retries=1, test_host=server.url)


def method_of(api: Any, operation: str) -> Callable[..., Any]:
    groups = (getattr(api, group) for group in GROUPS)
    found: Callable[..., Any] = next(getattr(group, operation) for group in groups if hasattr(group, operation))
    return found


def document(kind: str, attributes: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"type": kind, **more}
    if attributes is not None:
        data["attributes"] = attributes
    return {"data": data}


def job(kind: str, *profiles: dict[str, Any], **more: Any) -> dict[str, Any]:
    rows = [{"type": "profile", "attributes": attributes} for attributes in profiles]
    return document(kind, {"profiles": {"data": rows}}, **more)


def members(profile_id: str) -> dict[str, Any]:
    return {"data": [{"type": "profile", "id": profile_id}]}


EVENT = {
    "properties": {"a": 1},
    "metric": {"data": {"type": "metric", "attributes": {"name": "Viewed"}}},
    "profile": {"data": {"type": "profile", "attributes": {"email": "eve@b.co"}}},
    "unique_id": "m2",
}
GROUP = {
    "profile": EVENT["profile"],
    "events": {"data": [{"type": "event", "attributes": {k: v for k, v in EVENT.items() if k != "profile"}}]},
}
BULK = {"events-bulk-create": {"data": [{"type": "event-bulk-create", "attributes": GROUP}]}}
AGGREGATE = {
    "measurements": ["count", "sum_value", "unique"],
    "filter": ["greater-or-equal(datetime,2026-01-01T00:00:00),less-than(datetime,2026-12-31T00:00:00)"],
    "interval": "month",
    "timezone": "America/New_York",
}
OUT = {"email": "eve@b.co", "subscriptions": consents("email", says="UNSUBSCRIBED")}
IN = {"email": "eve@b.co", "subscriptions": consents("email")}
ALL_OF_PROFILE = {"additional_fields_profile": ["subscriptions", "predictive_analytics"]}

CALLS: dict[str, Call] = {
    "get_accounts": lambda call, _: call(),
    "get_account": lambda call, _: call("SNDBX1"),
    "create_event": lambda call, _: call(document("event", EVENT)),
    "bulk_create_events": lambda call, _: call(document("event-bulk-create-job", BULK)),
    "get_events": lambda call, ids: call(
        include=["metric", "profile", "attributions"],
        sort="-datetime",
        page_size=1000,
        filter=f'equals(profile_id,"{ids["profile"]}"),equals(metric_id,"{ids["metric"]}"),'
        f"greater-than(datetime,2020-01-01T00:00:00Z),less-than(timestamp,9999999999),has(profile),has(metric)",
    ),
    "get_event": lambda call, ids: call(ids["event"], include=["metric", "profile"]),
    "get_metric_for_event": lambda call, ids: call(ids["event"]),
    "get_metric_id_for_event": lambda call, ids: call(ids["event"]),
    "get_profile_for_event": lambda call, ids: call(ids["event"], **ALL_OF_PROFILE),
    "get_profile_id_for_event": lambda call, ids: call(ids["event"]),
    "get_metrics": lambda call, _: call(filter='equals(integration.name,"API")', include=["flow-triggers"]),
    "get_metric": lambda call, ids: call(ids["metric"], include=["flow-triggers"]),
    "query_metric_aggregates": lambda call, ids: call(
        document("metric-aggregate", {**AGGREGATE, "metric_id": ids["metric"]})
    ),
    "create_or_update_profile": lambda call, _: call(document("profile", {"email": "eve@b.co"}), **ALL_OF_PROFILE),
    "get_profiles": lambda call, _: call(
        **ALL_OF_PROFILE,
        filter='any(email,["ada@b.co","bob@b.co"])',
        sort="-email",
        include=["push-tokens"],
        page_size=1,
    ),
    "create_profile": lambda call, _: call(document("profile", {"email": "new@b.co"}), **ALL_OF_PROFILE),
    "get_profile": lambda call, ids: call(
        ids["profile"], **ALL_OF_PROFILE, include=["lists", "segments", "push-tokens"]
    ),
    "update_profile": lambda call, ids: call(
        ids["profile"], document("profile", {"title": "Countess"}, id=ids["profile"]), **ALL_OF_PROFILE
    ),
    "get_lists_for_profile": lambda call, ids: call(ids["profile"]),
    "get_list_ids_for_profile": lambda call, ids: call(ids["profile"]),
    "get_segments_for_profile": lambda call, ids: call(ids["profile"]),
    "get_segment_ids_for_profile": lambda call, ids: call(ids["profile"]),
    "merge_profiles": lambda call, ids: call(
        document("profile-merge", id=ids["profile"], relationships={"profiles": members(ids["other"])})
    ),
    "bulk_import_profiles": lambda call, _: call(job("profile-bulk-import-job", {"email": "new@b.co"})),
    "get_bulk_import_profiles_jobs": lambda call, _: call(filter='any(status,["complete"])', sort="-created_at"),
    "get_bulk_import_profiles_job": lambda call, ids: call(ids["import"], include=["lists"]),
    "get_errors_for_bulk_import_profiles_job": lambda call, ids: call(ids["import"], page_size=100),
    "get_profiles_for_bulk_import_profiles_job": lambda call, ids: call(ids["import"], **ALL_OF_PROFILE),
    "get_profile_ids_for_bulk_import_profiles_job": lambda call, ids: call(ids["import"]),
    "get_list_for_bulk_import_profiles_job": lambda call, ids: call(ids["import"]),
    "get_list_ids_for_bulk_import_profiles_job": lambda call, ids: call(ids["import"]),
    "bulk_subscribe_profiles": lambda call, _: call(job("profile-subscription-bulk-create-job", IN)),
    "bulk_unsubscribe_profiles": lambda call, _: call(job("profile-subscription-bulk-delete-job", OUT)),
    "bulk_suppress_profiles": lambda call, _: call(job("profile-suppression-bulk-create-job", {"email": "eve@b.co"})),
    "get_bulk_suppress_profiles_jobs": lambda call, _: call(filter='equals(status,"complete")', sort="-created"),
    "get_bulk_suppress_profiles_job": lambda call, ids: call(ids["suppression"]),
    "bulk_unsuppress_profiles": lambda call, _: call(job("profile-suppression-bulk-delete-job", {"email": "bob@b.co"})),
    "get_bulk_unsuppress_profiles_jobs": lambda call, _: call(),
    "get_bulk_unsuppress_profiles_job": lambda call, ids: call(ids["unsuppression"]),
    "get_lists": lambda call, _: call(filter='equals(name,"News")', sort="name", include=["tags"], page_size=5),
    "create_list": lambda call, _: call(document("list", {"name": "Third", "opt_in_process": "single_opt_in"})),
    "get_list": lambda call, ids: call(ids["list"], additional_fields_list=["profile_count"], include=["tags"]),
    "update_list": lambda call, ids: call(ids["list"], document("list", {"name": "Mail"}, id=ids["list"])),
    "delete_list": lambda call, ids: call(ids["list"]),
    "get_profiles_for_list": lambda call, ids: call(ids["list"], **ALL_OF_PROFILE, sort="-joined_group_at"),
    "get_profile_ids_for_list": lambda call, ids: call(
        ids["list"], filter="greater-than(joined_group_at,2020-01-01T00:00:00Z)"
    ),
    "add_profiles_to_list": lambda call, ids: call(ids["list"], members(ids["other"])),
    "remove_profiles_from_list": lambda call, ids: call(ids["list"], members(ids["other"])),
    "get_segments": lambda call, _: call(filter="equals(is_active,true)", page_size=10),
    "get_segment": lambda call, _: refused(call, 404, "Abc123"),
    "get_profiles_for_segment": lambda call, _: refused(call, 404, "Abc123"),
    "get_profile_ids_for_segment": lambda call, _: refused(call, 404, "Abc123"),
    "request_profile_deletion": lambda call, _: call(
        document("data-privacy-deletion-job", {"profile": document("profile", {"email": "eve@b.co"})})
    ),
}


def refused(call: Callable[..., Any], status: int, *arguments: Any, **named: Any) -> Any:
    """Call what has to be refused; the SDK reads the error too."""
    error: Any = None
    try:
        call(*arguments, **named)
    except ApiException as raised:
        error = raised
    assert error is not None
    assert error.status == status
    return error


def test_every_served_operation_is_called() -> None:
    assert sorted(CALLS) == sorted(row.name for row in FOUND_BY_SDK)


@pytest.mark.parametrize("operation", sorted(CALLS))
def test_the_sdk_reads_every_reply(api: Any, account: Account, operation: str, server: SandboxServer) -> None:
    if operation == "get_bulk_unsuppress_profiles_job":
        reply = api.Profiles.bulk_unsuppress_profiles(job("profile-suppression-bulk-delete-job", {"email": "bob@b.co"}))
        account["unsuppression"] = reply.data.id
    before = len(server.sandbox.calls)
    reply = CALLS[operation](method_of(api, operation), account)
    assert server.sandbox.calls[before:][-1].status in (*BY_NAME[operation].success, 404)
    if BY_NAME[operation].resource and not isinstance(reply, ApiException):
        rows = reply.data if BY_NAME[operation].many else [reply.data]
        assert all(row.type.value == BY_NAME[operation].resource for row in rows)


def test_the_sdk_reads_every_consent(api: Any, account: Account) -> None:
    reply = api.Profiles.get_profile(account["profile"], additional_fields_profile=["subscriptions"])
    found = reply.data.attributes.subscriptions
    email, sms = found.email.marketing, found.sms
    assert (email.consent, email.can_receive_email_marketing, email.custom_method_detail) == (
        "SUBSCRIBED",
        True,
        "Fair",
    )
    assert [(item.list_id, item.reason) for item in email.list_suppressions] == [(account["news"], "UNSUBSCRIBE")]
    assert (sms.marketing.can_receive_sms_marketing, sms.transactional.consent) == (True, "SUBSCRIBED")
    assert (found.whatsapp.marketing.can_receive, found.email.open_tracking.can_receive) == (True, True)
    assert found.mobile_push.marketing.can_receive_push_marketing
    (bob,) = api.Profiles.get_profiles(
        filter='equals(subscriptions.email.marketing.suppression.reason,"USER_SUPPRESSED")',
        additional_fields_profile=["subscriptions"],
    ).data
    assert not bob.attributes.subscriptions.email.marketing.can_receive_email_marketing
    assert [item.reason for item in bob.attributes.subscriptions.email.marketing.suppression] == ["USER_SUPPRESSED"]


@pytest.mark.usefixtures("account")
def test_the_sdk_follows_pages_within_the_sandbox(api: Any, server: SandboxServer) -> None:
    for number in range(7):
        server.sandbox.send(upsert(external_id=f"u{number}"))
    seen, cursor = [], None
    while True:
        reply = api.Profiles.get_profiles(page_size=3, page_cursor=cursor, sort="-created")
        seen += [row.id for row in reply.data]
        cursor = reply.links.next
        if cursor is None:
            break
        assert cursor.startswith(server.url)
    assert sorted(seen) == sorted(row["id"] for row in server.sandbox.state()["profiles"])


def test_an_oauth_token_stands_in_for_the_key(server: SandboxServer) -> None:
    assert KlaviyoAPI(None, access_token="at_sandbox", test_host=server.url).Accounts.get_accounts().data  # noqa: S106 -- the sandbox's
    wrong = KlaviyoAPI(None, access_token="at_other", test_host=server.url, max_retries=1)  # noqa: S106 -- nobody's
    refused(wrong.Accounts.get_accounts, 401)


PROBES: list[tuple[str, dict[str, Any], str]] = [
    ("get_profiles", {"filter": "equals(email,ada@b.co)"}, "filter"),
    ("get_profiles", {"filter": 'equals(first_name,"Ada")'}, "filter"),
    ("get_profiles", {"filter": 'greater-than(created,"2026-01-01T00:00:00Z")'}, "filter"),
    ("get_profiles", {"filter": 'contains(email,"ada")'}, "filter"),
    ("get_profiles", {"sort": "first_name"}, "sort"),
    ("get_profiles", {"include": ["lists"]}, "include"),
    ("get_profiles", {"fields_profile": ["frist_name"]}, "fields[profile]"),
    ("get_profiles", {"additional_fields_profile": ["consent"]}, "additional-fields[profile]"),
    ("get_profiles", {"page_cursor": "nonsense"}, "page[cursor]"),
    ("get_events", {"filter": 'equals(name,"Ordered")'}, "filter"),
    ("get_events", {"sort": "value"}, "sort"),
    ("get_lists", {"filter": "less-than(created,2026-01-01T00:00:00Z)"}, "filter"),
    ("get_metrics", {"filter": 'equals(name,"Ordered")'}, "filter"),
]


@pytest.mark.parametrize(("operation", "named", "parameter"), PROBES)
@pytest.mark.usefixtures("account")
def test_what_klaviyo_refuses_is_refused_by_its_parameter(
    api: Any, server: SandboxServer, operation: str, named: dict[str, Any], parameter: str
) -> None:
    error = refused(method_of(api, operation), 400, **named)
    assert f"parameter='{parameter}'" in str(error)
    assert server.sandbox.calls[-1].status == 400


# The tables beside the SDK's own signatures ---------------------------------------------------------------------------


def signature(operation: str) -> tuple[Callable[..., Any], str]:
    api = KlaviyoAPI("pk")
    for group in GROUPS:
        method = getattr(type(getattr(api, group)), operation, None)
        if method is not None:
            return method, inspect.getdoc(method) or ""
    raise AssertionError(operation)


def sdk_parameters(operation: str) -> set[str]:
    method, _ = signature(operation)
    return {
        _written(name)
        for name in inspect.signature(method).parameters
        if re.match(r"additional_fields_|fields_|page_|filter$|sort$|include$", name)
    }


def _written(name: str) -> str:
    """Return a query parameter as the API spells it, from the name that the SDK gives it."""
    found = re.fullmatch(r"(additional_fields|fields|page)_(.+)", name)
    return name if found is None else f"{found[1]}[{found[2]}]".replace("_", "-")


@pytest.mark.parametrize("row", FOUND_BY_SDK, ids=lambda row: row.name)
def test_the_parameters_are_those_of_the_sdk(row: Operation) -> None:
    query = SERVED[row.name].query
    later = {name for name, since in query.since.items() if since > CURRENT}
    assert query.parameters - later == sdk_parameters(row.name)


@pytest.mark.parametrize("row", FOUND_BY_SDK, ids=lambda row: row.name)
def test_the_filters_are_those_of_the_sdk(row: Operation) -> None:
    _, doc = signature(row.name)
    found = re.search(r":param filter: .*?Allowed field\(s\)/operator\(s\):(.*)", doc)
    expected = {}
    for name, operators in re.findall(r"`([\w.]+)`: ((?:`[\w-]+`(?:, )?)+)", found[1] if found else ""):
        expected[name] = frozenset(re.findall(r"`([\w-]+)`", operators))
    query = SERVED[row.name].query
    # A segment of the sandbox has no members, so its filters are those of lists.
    expected.pop("profile_id", None) if "segment" in row.name else None
    assert {name: item.operators for name, item in query.filters.items()} == expected


@pytest.mark.parametrize("row", FOUND_BY_SDK, ids=lambda row: row.name)
def test_the_rate_limits_are_those_of_the_sdk(row: Operation) -> None:
    _, doc = signature(row.name)
    limits = [
        RateLimit(int(burst), int(steady)) for burst, steady in re.findall(r"`(\d+)/s`<br>Steady: `(\d+)/m`", doc)
    ]
    assert limits[0] == row.rate
    assert row.daily == next((int(daily) for daily in re.findall(r"Daily: `(\d+)/d`", doc)), None)


def test_the_page_sizes_are_those_of_the_sdk() -> None:
    for row in FOUND_BY_SDK:
        _, doc = signature(row.name)
        stated = re.search(r"Default: (\d+)\. Min: 1\. Max: (\d+)\.", doc)
        query = SERVED[row.name].query
        if stated:
            assert query.size == (int(stated[1]), int(stated[2])), row.name
            assert query.sizes_since is not None
