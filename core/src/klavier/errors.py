"""Everything klavier raises, as one tree.

Whose fault comes first, then what the host program does about it::

    KlavierError                 catch this to catch all of them
    ├── UsageError               the caller's fault: mend the input, then call again
    │   ├── ConfigError          settings or klavier.toml: names every wrong setting with its path
    │   └── EventError           one event: names the place in it; other events are not concerned
    ├── PluginError              a plugin's fault: fix or uninstall it; the others go on working
    └── DeliveryError            the world's fault
        ├── TransportError       no reply from Klaviyo (time-out, reset, DNS): try again later
        └── OutboxError          the outbox's disk or file fails: nothing was accepted, so keep the event

What Klaviyo answers, however bad, is never raised: it becomes the event's `Outcome`.
"""

from collections.abc import Sequence


class KlavierError(Exception):
    """The root of every error that klavier raises on purpose."""


class UsageError(KlavierError):
    """The caller gave something that cannot work; the message names it and the remedy."""


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


class PluginError(KlavierError):
    """A plugin broke its side of the contract; the message names the plugin."""


class DeliveryError(KlavierError):
    """Klaviyo could not be reached or understood."""


class TransportError(DeliveryError):
    """A request got no reply; whether Klaviyo saw it is unknown, so requests carry stable ids."""


class OutboxError(DeliveryError):
    """The outbox could not read or write its file; nothing of the failed call has happened."""
