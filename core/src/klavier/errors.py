"""Everything klavier raises, as one tree: grouped by who can repair it, then by what the host program does about it.

::

    KlavierError                 catch this to catch all of them
    ├── UsageError               the caller's fault: correct the input, then call again
    │   ├── ConfigError          settings or klavier.toml: names every wrong setting with its path
    │   ├── EventError           one event: names the place in it; other events are not affected
    │   └── RelayClosedError     a call on a relay after `close`: open a new one
    ├── PluginError              a plugin's fault: fix or uninstall it; the other plugins keep working
    └── DeliveryError            the fault of the network, the disk or Klaviyo
        ├── TransportError       no reply from Klaviyo (time-out, reset, DNS): try again later
        └── OutboxError          the outbox cannot read or write: nothing was accepted, so keep the event
            ├── OutboxFullError  no room: the disk is full, or `max_bytes` is reached; try again later
            └── LeaseLostError   another worker delivers from this outbox now: stop delivering

A reply of Klaviyo is never raised, whatever its status: it becomes the event's `Outcome`.
"""

from collections.abc import Sequence


class KlavierError(Exception):
    """The root of every error that klavier raises on purpose."""


class UsageError(KlavierError):
    """The caller passed something that cannot work; the message names it and the remedy."""


class ConfigError(UsageError):
    """Settings that cannot be used; `problems` holds one line for each wrong one, path first."""

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems: tuple[str, ...] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type["ConfigError"], tuple[tuple[str, ...]]]:
        """Keep the list of problems when the error crosses a process boundary."""
        return type(self), (self.problems,)


class EventError(UsageError):
    """A payload that is no event; `place` is the path inside it, such as `properties.items[2]`."""

    def __init__(self, problem: str, place: str = "") -> None:
        self.problem = problem
        self.place = place
        super().__init__(f"{place}: {problem}" if place else problem)

    def __reduce__(self) -> tuple[type["EventError"], tuple[str, str]]:
        """Keep problem and place apart when the error crosses a process boundary."""
        return type(self), (self.problem, self.place)


class RelayClosedError(UsageError):
    """A relay was used after `close`; open a new one."""


class PluginError(KlavierError):
    """A plugin broke its side of the contract; the message names the plugin."""


class DeliveryError(KlavierError):
    """Klaviyo could not be reached or understood."""


class TransportError(DeliveryError):
    """A request got no reply; whether Klaviyo saw it is unknown, so requests carry stable ids."""


class OutboxError(DeliveryError):
    """The outbox could not read or write its storage; nothing of the failed call has happened."""


class OutboxFullError(OutboxError):
    """The outbox has no room: its disk is full, or it holds as many bytes as `[delivery] max_bytes` allows."""


class LeaseLostError(OutboxError):
    """Another worker has acquired the lease of the outbox; nothing was settled."""
