"""What each installed vendor would send for an event: a rehearsal, without a network."""

from typing import Any

import orjson
from attrs import field, frozen

from klavier.config.model import Config
from klavier.config.secrets import secret_values
from klavier.errors import ConfigError, EventError, KlavierError
from klavier.events.model import Event
from klavier.events.reader import parse_line
from klavier.flows.rehearsal import rehearse
from klavier.klaviyo.request_json import request_object
from klavier.outcome import Outcome
from klavier.redaction import hide_secrets
from klavier.strictjson import read_text

_LARGEST = 200_000
"""Characters of a pasted event."""


@frozen
class Trial:
    """What one vendor would do: its outcome, its requests and browser calls; or the `problem` with its settings."""

    vendor: str
    is_chosen: bool
    outcome: Outcome | None = None
    requests: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    browser_calls: tuple[Any, ...] = field(default=(), repr=False)
    problem: str = ""


def try_event(text: str, config: Config) -> list[Trial]:
    """Return what each installed vendor would send for an event, the chosen one first.

    Raises `EventError` for what is no event.
    """
    if len(text) > _LARGEST:
        raise EventError(f"the event is larger than {_LARGEST:,} characters")
    event = parse_line(_on_one_line(text), plugins=config.known_plugins())
    names = sorted(config.known_plugins().vendors, key=lambda name: (name != config.vendor, name))
    return [_try(name, event, config) for name in names]


def _on_one_line(text: str) -> bytes:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise EventError(f"this is not JSON: line {error.lineno}, column {error.colno}") from None
    return orjson.dumps(read_text(text))


def _try(name: str, event: Event, config: Config) -> Trial:
    is_chosen = name == config.vendor
    try:
        vendor = config.build_vendor(name)
        changed = config.known_plugins().transform(event, name)
        if isinstance(changed, Outcome):
            return Trial(name, is_chosen, changed)
        found = rehearse(vendor, [changed])
    except ConfigError as error:
        return Trial(name, is_chosen, problem="; ".join(error.problems))
    except KlavierError as error:
        return Trial(name, is_chosen, problem=str(error))
    secrets = secret_values(config, vendor)
    return Trial(
        name,
        is_chosen,
        found.outcomes[0],
        tuple(request_object(request, secrets) for request in found.requests),
        tuple(hide_secrets(found.browser_calls, secrets)),
    )
