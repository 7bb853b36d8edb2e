"""The circuits of one account: what is held back after refusals and failures, and how that is reported.

Each endpoint has a circuit breaker, and so has the account, which opens when Klaviyo does not accept the key or refuses
everything. So one failing endpoint stops no other, and a refused account turns no backlog into dead letters.
"""

import logging
from collections.abc import Callable
from functools import lru_cache

from klavier.klaviyo.operations import find_operation
from klavier.klaviyo.replies import has_content_pointer
from klavier.klaviyo.request import Request
from klavier.klaviyo.response import Response
from klavier.worker.alerts import Alerts
from klavier.worker.circuit_breaker import FAILURES, LONGEST_PROBE, CircuitBreaker

_KEY_REFUSED, _ENDPOINT_REFUSED, _THROTTLED = 401, 403, 429
"""Klaviyo does not accept the key; the key has no scope for the endpoint; too many requests."""

_MOST_REFUSALS = 20
"""After how many refusals in a row, of any endpoints, that name nothing in the body the account is paused: a retired
revision or a closed account refuses everything. Fewer would pause for a deleted list; each more is one dead letter."""

_KEY_REFUSED_REASON = "Klaviyo does not accept the private key (401)"
_KEY_WAITS = f"delivery is paused, and the key is tried again every {LONGEST_PROBE:.0f} s; check private_api_key"
_WAITING = f"its events wait, one is tried every {LONGEST_PROBE:.0f} s, and those of other endpoints are sent"

_log = logging.getLogger("klavier.worker")


class Circuits:
    """Holds back requests to an account, or to an endpoint, that refuses all of them.

    Unless it `holds_back`, it only knows what is failing: for a run that ends soon and waits for no recovery.
    """

    def __init__(self, clock: Callable[[], float], *, holds_back: bool) -> None:
        self._clock = clock
        self._holds_back = holds_back
        self._account = CircuitBreaker(clock, failures=1)
        self._endpoints: dict[str, CircuitBreaker] = {}
        self._refusals = 0
        self._pause_reason = ""
        self._alerts = Alerts(_log, clock)

    @property
    def is_paused(self) -> bool:
        """Whether the whole account is paused."""
        return self._account.is_open and self._holds_back

    @property
    def paused(self) -> float:
        """The seconds until a paused account is tried again; 0.0 where it is not paused."""
        return self._account.wait if self._holds_back else 0.0

    @property
    def pause_reason(self) -> str:
        """Why the account is paused, for people; an empty string where it is not paused."""
        return self._pause_reason if self.is_paused else ""

    def open_endpoints(self) -> dict[str, float]:
        """Return the endpoints whose circuits are open, with the seconds until each is probed."""
        if not self._holds_back:
            return {}
        return {name: circuit.probe_wait for name, circuit in self._endpoints.items() if circuit.is_open}

    def wait(self, request: Request) -> float:
        """Return the seconds for which a request is held back; 0.0 where it is not."""
        return max(self._account.wait, self._circuit(request).wait) if self._holds_back else 0.0

    def acquire(self, request: Request) -> None:
        """Count a request as sent now: while a circuit is open it is the probe."""
        self._account.try_acquire()
        self._circuit(request).try_acquire()

    def is_failing(self, request: Request) -> bool:
        """Return whether the request's endpoint, or the account, refuses all requests: then no event is at fault."""
        return self._account.is_open or self._circuit(request).is_open

    def endpoint_wait(self, endpoint: str) -> float:
        """Return the seconds for which an endpoint is held back."""
        circuit = self._endpoints.get(endpoint)
        return circuit.wait if circuit is not None and self._holds_back else 0.0

    def probe_wait(self, endpoint: str) -> float | None:
        """Return the seconds until an endpoint may be probed; None where its circuit is closed."""
        circuit = self._endpoints.get(endpoint)
        is_open = circuit is not None and circuit.is_open and self._holds_back
        return circuit.probe_wait if circuit is not None and is_open else None

    def permit_probe(self, endpoint: str) -> bool:
        """Permit one request to an endpoint whose circuit is open, if it is time."""
        circuit = self._endpoints.get(endpoint)
        return circuit is not None and circuit.permit_probe()

    def update(self, request: Request, reply: Response) -> None:
        """Update the circuits with the reply to a request."""
        circuit, name = self._circuit(request), endpoint_name(request.method, request.path)
        if reply.status == _KEY_REFUSED:
            self._account.on_failure()
            self._pause_reason = _KEY_REFUSED_REASON
            self._report("key", _KEY_REFUSED_REASON, _KEY_WAITS)
        elif reply.status == _ENDPOINT_REFUSED:
            circuit.on_failure(is_final=True)
            self._report(f"403 {name}", f"{name}: the key may not be used for it (403)", _WAITING)
        elif reply.status == _THROTTLED:
            circuit.on_success()
        elif reply.retryable:
            self._on_failure(circuit, name, reply)
        elif not reply.ok and not reply.local and not has_content_pointer(reply):
            circuit.on_success()
            self._on_refusal(reply)
        else:
            self._on_success(circuit, name)

    def _on_failure(self, circuit: CircuitBreaker, name: str, reply: Response) -> None:
        if not reply.status:
            self._report("no reply", f"Klaviyo is unreachable: {reply.problem}", "trying again")
        if circuit.on_failure() or circuit.is_open:
            last = f"status {reply.status}" if reply.status else reply.problem
            self._report(name, f"{name}: {FAILURES} requests in a row failed ({last})", _WAITING)

    def _on_refusal(self, reply: Response) -> None:
        """Count a refusal that names nothing in the body; pause the account where everything is refused."""
        self._refusals += 1
        if self._refusals >= _MOST_REFUSALS:
            self._account.on_failure()
            problem = self._pause_reason = f"Klaviyo refuses everything (status {reply.status})"
            self._report("refusals", problem, f"delivery is paused and tried again every {LONGEST_PROBE:.0f} s")

    def _on_success(self, circuit: CircuitBreaker, name: str) -> None:
        self._refusals = 0
        self._account.on_success()
        circuit.on_success()
        self._alerts.resolve("key", "Klaviyo accepts the key again: delivery goes on")
        self._alerts.resolve("refusals", "Klaviyo accepts requests again: delivery goes on")
        self._alerts.resolve("no reply", "Klaviyo answers again")
        self._alerts.resolve(f"403 {name}", f"{name}: the key may be used for it again")
        self._alerts.resolve(name, f"{name}: answers again, its events are sent")

    def _report(self, cause: str, problem: str, consequence: str) -> None:
        """Log a problem, with its consequence for what is held back: a run that ends soon holds back nothing."""
        self._alerts.report(cause, f"{problem}; {consequence}" if self._holds_back else problem)

    def _circuit(self, request: Request) -> CircuitBreaker:
        name = endpoint_name(request.method, request.path)
        circuit = self._endpoints.get(name)
        if circuit is None:
            circuit = self._endpoints[name] = CircuitBreaker(self._clock)
        return circuit


@lru_cache(maxsize=1024)
def endpoint_name(method: str, path: str) -> str:
    """Return the name of the operation that a request calls; of an unknown one the beginning of its path."""
    operation = find_operation(method, path)
    return operation.name if operation is not None else f"{method} {'/'.join(path.split('/')[:3])}"
