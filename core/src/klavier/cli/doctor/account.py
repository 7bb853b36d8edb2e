"""Read the account of the keys from Klaviyo.

Source: Klaviyo's Get Accounts, which needs the scope `accounts:read`.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from klavier.cli.doctor.check import Check
from klavier.cli.setup import Setup
from klavier.cli.wording import plain
from klavier.errors import TransportError
from klavier.jsvalues import dig
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.klaviyo.revisions import CURRENT
from klavier.worker.factory import make_connect

_GET_ACCOUNTS = Request("GET", "/api/accounts", revision=CURRENT)
_NOT_ACCEPTED, _NOT_ALLOWED, _THROTTLED = 401, 403, 429


def check_account(setup: Setup, public_api_key: str | None, key_name: str) -> Iterator[Check]:
    """Check the key that is named by reading its account, and that the public key is of the same one."""
    reply = asyncio.run(_get_account(setup))
    yield _check_reply(reply, key_name)
    if reply.ok:
        yield from _compare(_account_of(reply), public_api_key)


async def _get_account(setup: Setup) -> Response:
    async with make_connect(setup.config, setup.vendor)() as send:
        try:
            return await send(_GET_ACCOUNTS)
        except TransportError as error:
            return Response.none(str(error))


def _check_reply(reply: Response, key_name: str) -> Check:
    if reply.ok:
        name = dig(_account_of(reply), "attributes", "contact_information", "organization_name")
        return Check("key", "ok", f"Klaviyo accepts the {key_name}{f', of {plain(name, 60)}' if name else ''}")
    if reply.status == _NOT_ACCEPTED:
        expired = (
            "an access token expires: get a new one"
            if key_name == "access token"
            else "copy it again from its settings"
        )
        return Check("key", "wrong", f"Klaviyo does not accept the {key_name} (401)", expired)
    if reply.status == _NOT_ALLOWED:
        return Check("key", "note", "the key may not read the account (403)", "add the scope accounts:read to check it")
    if reply.status == _THROTTLED:
        return Check("key", "note", "Klaviyo got too many requests (429)", "wait a minute, then check again")
    if reply.status == 0:
        return Check("key", "wrong", f"no reply came: {reply.problem}", "check base_url, the network and the proxy")
    return Check("key", "wrong", f"the server answered {reply.status}", "check base_url, or try again later")


def _compare(account: dict[str, Any], public_api_key: str | None) -> Iterator[Check]:
    theirs = dig(account, "attributes", "public_api_key")
    if public_api_key and isinstance(theirs, str) and theirs:
        if theirs == public_api_key:
            yield Check("public key", "ok", "it is of the same account")
        else:
            yield Check("public key", "wrong", "it is of another account", "copy the one beside the private key")


def _account_of(reply: Response) -> dict[str, Any]:
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    first = data[0] if isinstance(data, list) and data else data
    return first if isinstance(first, dict) else {}
