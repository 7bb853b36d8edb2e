"""The hooks a plugin can implement; decorate an implementation with `klavier.hookimpl`."""

import re
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:  # a plugin that only adds commands needs none of these
    from collections.abc import Iterable

    import click

    from klavier.events.model import Event, JsonObject
    from klavier.klaviyo.request import Request
    from klavier.klaviyo.response import Response
    from klavier.outbox.base import Outbox
    from klavier.outcome import Outcome
    from klavier.streams.lines import Line
    from klavier.vendor import VendorSpec

PROJECT = "klavier"

VENDOR_NAME: "re.Pattern[str]" = re.compile(r"[a-z][a-z0-9]{0,30}(-[a-z0-9]{1,30}){0,5}")
"""How a vendor's name is spelled."""

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker(PROJECT)
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker(PROJECT)
"""Mark a function as the implementation of the hook whose name it bears."""


class Hooks:
    """Each hook in one sentence; implement any of them as a function of a module or a method of an object."""

    @hookspec
    def klavier_vendors(self) -> "Iterable[VendorSpec]":  # type: ignore[empty-body]  # pluggy reads the signature only
        """Register vendors: return the `VendorSpec` of each."""

    @hookspec
    def klavier_read_event(self, payload: "JsonObject") -> "Event | None":
        """Read `payload` in a wire format of the plugin's own: return its event, or None for any other format."""

    @hookspec
    def klavier_read_rows(self, path: str, mode: str, id_column: str | None) -> "Iterable[Event | Line] | None":
        """Read the warehouse rows of the file at `path` as events; return None for a kind of file of another plugin.

        `mode` is what happened to the rows, `added`, `updated` or `deleted`, and `id_column` the column with the user
        id.  A row that cannot be read is a `klavier.streams.lines.Line` with its bytes and the problem; the rows after
        it are read.  Raises `UsageError` where no row of the file can be read.
        """

    @hookspec
    def klavier_open_outbox(self, url: str, max_bytes: int | None, dead_letter_age: float | None) -> "Outbox | None":
        """Open the outbox at `url`, what `[delivery] outbox` holds, or return None for a URL of another plugin.

        `max_bytes` is how many bytes it may use, `dead_letter_age` after how many seconds `maintain` deletes a dead
        letter; None for no limit.
        """

    @hookspec
    def klavier_transform_event(self, event: "Event", vendor: str) -> "Event | Outcome | None":
        """Change or drop `event` before `vendor` translates it.

        Give another event, a `skipped` outcome that drops it with its reason, or None to leave it as it is.
        """

    @hookspec
    def klavier_event_outcome(self, event: "Event", vendor: str, outcome: "Outcome", accepted: float | None) -> None:
        """Observe the final `outcome` of `event` under `vendor`.

        `accepted` is the Unix time at which the outbox accepted the event; None where there is no outbox.
        """

    @hookspec
    def klavier_reply(self, request: "Request", reply: "Response", endpoint: str, seconds: float) -> None:
        """Observe the `reply` to a `request`, which took so many `seconds`; `endpoint` is the name of its operation.

        A reply with the status 0 stands for one that did not come.
        """

    @hookspec
    def klavier_commands(self, group: "click.Group") -> None:
        """Add commands to the `klavier` command line `group`."""
