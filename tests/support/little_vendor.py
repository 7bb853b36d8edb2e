"""A vendor small enough to read at a glance: registered as a plugin, or copied as a `klavier_plugin.py`."""

from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import Any

import click
from attrs import frozen

import klavier
from klavier.klaviyo.revisions import CURRENT
from klavier.outcome import delivered, failed, rejected, skipped


@frozen
class LittleSettings:
    """Settings of the little vendor."""

    private_api_key: str | None = klavier.setting(None, doc="The key.", klaviyo="private_api_key", secret=True)
    public_api_key: str | None = klavier.setting(None, doc="The site id.", klaviyo="public_api_key")
    list_id: str = klavier.setting("", doc="The list.")
    consent: tuple[str, ...] = klavier.setting((), doc="Channels.")
    batch_size: int = klavier.setting(1, doc="Events a delivery.")
    device: bool = klavier.setting(default=False, doc="Whether a browser does it.")


class LittleVendor(klavier.Vendor):
    """Tracks become events, identifies become profiles, the rest is skipped."""

    name = "little"

    def __init__(self, settings: LittleSettings) -> None:
        if settings.list_id == "clash" and settings.consent:
            raise klavier.ConfigError("vendors.little: list_id and consent do not go together; leave one out")
        self.settings = settings
        self.batch_size = settings.batch_size

    def deliveries(self, events: Sequence[klavier.Event]) -> Iterable[klavier.Delivery]:
        for start in range(0, len(events), self.batch_size):
            part = tuple(events[start : start + self.batch_size])
            calls = tuple(_call(event) for event in part if self.settings.device)
            yield klavier.Delivery(part, tuple(map(self.key, part)), partial(self._flow, part), calls)

    def _flow(self, events: Sequence[klavier.Event]) -> klavier.Flow:
        outcomes: list[klavier.Outcome] = []
        for event in events:
            outcome = yield from self._one(event)
            outcomes.append(outcome)
        return outcomes

    def _one(self, event: klavier.Event) -> Generator[klavier.Request, klavier.Response, klavier.Outcome]:
        match event:
            case klavier.Track() if not event.user_id:
                return rejected("userId is missing; give it")
            case klavier.Track(event="Explode"):
                raise RuntimeError("someone@example.com")
            case klavier.Track():
                reply = yield _post("/api/events", event)
            case klavier.Identify():
                reply = yield _post("/api/profile-import", event)
            case _:
                return skipped(f"{event.type} calls have no meaning here")
        if not reply.ok:
            return failed(f"Klaviyo answered {reply.status}", reply.status, retryable=reply.retryable)
        return delivered(["the phone number was left out"] if "phone" in event.payload else [])


def _call(event: klavier.Event) -> list[Any]:
    return ["track", getattr(event, "event", None), {}]


def _post(path: str, event: klavier.Event) -> klavier.Request:
    profile = {"type": "profile", "attributes": {"external_id": str(event.user_id)}}
    if path == "/api/profile-import":
        return klavier.Request("POST", path, json={"data": profile}, revision=CURRENT)
    attributes = {
        "properties": getattr(event, "properties", {}),
        "unique_id": event.stable_id,
        "metric": {"data": {"type": "metric", "attributes": {"name": str(getattr(event, "event", ""))}}},
        "profile": {"data": profile},
    }
    return klavier.Request("POST", path, json={"data": {"type": "event", "attributes": attributes}}, revision=CURRENT)


@klavier.hookimpl
def klavier_vendors() -> list[klavier.VendorSpec]:
    return [klavier.VendorSpec("little", "A vendor for tests.", LittleSettings, LittleVendor)]


@klavier.hookimpl
def klavier_commands(group: click.Group) -> None:
    @group.command("hello")
    def hello() -> None:
        """Say hello."""
        click.echo("hello from a plugin")
