"""The circuits of one account: what is held back after refusals and failures, and how that is reported.

Each endpoint has a circuit breaker, so that one that fails stops no other. What Klaviyo refuses to the whole account it
refuses at every endpoint: then all circuits in use are open, no backlog becomes dead letters, and each is probed.
"""

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache, partial

from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.replies import has_content_pointer
from klavier.klaviyo.response import Response
from klavier.worker.alerts import Alerts
from klavier.worker.circuit_breaker import FAILURES, LONGEST_PROBE, THROTTLED_SECONDS, CircuitBreaker

_KEY_REFUSED, _ENDPOINT_REFUSED, _THROTTLED = 401, 403, 429
"""Klaviyo does not accept the key; the key has no scope for the endpoint; too many requests."""

_MOST_REFUSALS = 20
"""After how many refusals in a row, of any endpoints, that name nothing in the body, the circuits of those that refuse
open: a retired revision or a closed account refuses everything. Fewer would pause for a deleted list; each more is one
dead letter."""

_KEY_REFUSED_REASON = "Klaviyo does not accept the private key (401)"
_KEY_WAITS = f"delivery is paused, and the key is tried again every {LONGEST_PROBE:.0f} s; check private_api_key"
_WAITING = f"its events wait, one is tried every {LONGEST_PROBE:.0f} s, and those of other endpoints are sent"


class Circuits:
    """Holds back requests to endpoints that refuse or fail all of them.

    Unless it `holds_back`, it only knows what is failing: for a run that ends soon and waits for no recovery.
    """

    def __init__(self, clock: Callable[[], float], alerts: Alerts, *, holds_back: bool) -> None:
        self._holds_back = holds_back
        self._endpoints: dict[str, CircuitBreaker] = defaultdict(partial(CircuitBreaker, clock))
        self._refusals = 0
        self._refusing: set[str] = set()
        self._pause_reason = ""
        self._alerts = alerts

    @property
    def paused(self) -> float:
        """The seconds until a paused account is tried again; 0.0 where it is not paused."""
        return min(self.open_endpoints().values(), default=0.0) if self._pause_reason else 0.0

    @property
    def pause_reason(self) -> str:
        """Why the account is paused, for people; an empty string while some endpoint accepts what is sent."""
        return self._pause_reason if self._holds_back else ""

    def open_endpoints(self) -> dict[str, float]:
        """Return the endpoints whose circuits are open, with the seconds until each is probed."""
        if not self._holds_back:
            return {}
        return {name: circuit.probe_wait for name, circuit in self._endpoints.items() if circuit.is_open}

    def wait(self, endpoint: str) -> float:
        """Return the seconds for which an endpoint is held back; 0.0 where it is not."""
        return self._endpoints[endpoint].wait if self._holds_back else 0.0

    def acquire(self, endpoint: str) -> None:
        """Count a request as sent now: while a circuit is open it is the probe."""
        self._endpoints[endpoint].try_acquire()

    def is_failing(self, endpoint: str) -> bool:
        """Return whether an endpoint refuses all requests: then no event is at fault."""
        return self._endpoints[endpoint].is_open

    def probe_wait(self, endpoint: str) -> float | None:
        """Return the seconds until an endpoint may be probed; None where its circuit is closed."""
        circuit = self._endpoints[endpoint]
        return circuit.probe_wait if circuit.is_open and self._holds_back else None

    def permit_probe(self, endpoint: str) -> bool:
        """Permit one request to an endpoint whose circuit is open, if it is time."""
        return self._endpoints[endpoint].permit_probe()

    def update(self, name: str, reply: Response) -> None:
        """Update the circuits with a reply of an endpoint; a refusal by klavier itself says nothing about Klaviyo."""
        circuit = self._endpoints[name]
        if reply.local:
            return
        if reply.status == _KEY_REFUSED:
            self._on_key_refused(circuit, name)
        elif reply.status == _ENDPOINT_REFUSED:
            circuit.on_failure(is_final=True)
            self._report(f"403 {name}", f"{name}: the key may not be used for it (403)", _WAITING)
        elif reply.status == _THROTTLED:
            if circuit.on_throttled():
                self._report(name, f"{name}: nothing but 429 for {THROTTLED_SECONDS:.0f} s", _WAITING)
        elif reply.retryable:
            self._on_failure(circuit, name, reply)
        elif not reply.ok and not has_content_pointer(reply):
            self._on_refusal(circuit, name, reply)
        else:
            self._on_success(circuit, name)

    def _on_key_refused(self, circuit: CircuitBreaker, name: str) -> None:
        """Open an endpoint's circuit, and pause the account.

        Where the circuit was open already and the account is not paused, other endpoints accept the key as a rule: then
        only the endpoint is reported.
        """
        if not circuit.on_failure(is_final=True) and not self._pause_reason:
            self._report(f"401 {name}", f"{name}: Klaviyo does not accept the private key for it (401)", _WAITING)
            return
        self._pause_reason = _KEY_REFUSED_REASON
        self._report("key", _KEY_REFUSED_REASON, _KEY_WAITS)

    def _on_failure(self, circuit: CircuitBreaker, name: str, reply: Response) -> None:
        if not reply.status:
            self._report("no reply", f"Klaviyo is unreachable: {reply.problem}", "trying again")
        circuit.on_failure()
        if circuit.is_open:
            last = f"status {reply.status}" if reply.status else reply.problem
            self._report(name, f"{name}: {FAILURES} requests in a row failed ({last})", _WAITING)

    def _on_refusal(self, circuit: CircuitBreaker, name: str, reply: Response) -> None:
        """Count a refusal that names nothing in the body; open the circuit where everything is refused."""
        self._refusals += 1
        if self._refusals >= _MOST_REFUSALS:
            self._refusing.add(name)
            circuit.on_failure(is_final=True)
            problem = self._pause_reason = f"Klaviyo refuses everything (status {reply.status})"
            self._report("refusals", problem, f"delivery is paused and tried again every {LONGEST_PROBE:.0f} s")
        elif name in self._refusing:
            self._report(f"refusals {name}", f"{name}: refuses everything (status {reply.status})", _WAITING)
        else:
            circuit.on_success()

    def _on_success(self, circuit: CircuitBreaker, name: str) -> None:
        self._refusals = 0
        self._refusing.discard(name)
        self._pause_reason = ""
        circuit.on_success()
        if not self._alerts.has_problems:  # nearly always; seven texts are not written
            return
        self._alerts.resolve("key", "Klaviyo accepts the key again: delivery goes on")
        self._alerts.resolve("refusals", "Klaviyo accepts requests again: delivery goes on")
        self._alerts.resolve("no reply", "Klaviyo answers again")
        for cause in (f"401 {name}", f"403 {name}"):
            self._alerts.resolve(cause, f"{name}: the key may be used for it again")
        for cause in (name, f"refusals {name}"):
            self._alerts.resolve(cause, f"{name}: answers again, its events are sent")

    def _report(self, cause: str, problem: str, consequence: str) -> None:
        """Log a problem, with its consequence for what is held back: a run that ends soon holds back nothing."""
        self._alerts.report(cause, f"{problem}; {consequence}" if self._holds_back else problem)


@lru_cache(maxsize=1024)
def endpoint_name(method: str, path: str) -> str:
    """Return the name of the operation that a request calls; of an unknown one the beginning of its path."""
    operation = find_operation(method, path)
    return operation.name if operation is not None else f"{method} {'/'.join(path.split('/')[:3])}"
