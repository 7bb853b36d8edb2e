"""The circuit breaker by itself: when it opens, when it permits a probe, and what closes it."""

from klavier.worker.circuit_breaker import FAILURES, CircuitBreaker
from tests.support.clocks import Clock


def opened(clock: Clock) -> CircuitBreaker:
    circuit = CircuitBreaker(clock)
    assert circuit.on_failure(is_final=True)
    return circuit


def test_it_opens_with_the_last_of_so_many_failures_in_a_row(clock: Clock) -> None:
    circuit = CircuitBreaker(clock)
    for _ in range(FAILURES - 1):
        assert not circuit.on_failure()
    assert not circuit.on_success()
    for _ in range(FAILURES - 1):
        assert not circuit.on_failure()
        assert (circuit.is_open, circuit.wait, circuit.probe_wait, circuit.try_acquire()) == (False, 0.0, 0.0, True)
    assert not circuit.permit_probe()
    assert circuit.on_failure()
    assert (circuit.is_open, circuit.wait, circuit.probe_wait, circuit.try_acquire()) == (True, 1.0, 1.0, False)


def test_probes_come_twice_as_late_each_time_and_at_last_every_25_seconds(clock: Clock) -> None:
    circuit = opened(clock)
    waits = []
    for _ in range(7):
        waits.append(circuit.wait)
        clock.now += circuit.wait
        assert circuit.try_acquire()
        assert not circuit.try_acquire()
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 25.0, 25.0]


def test_a_permit_is_for_one_request(clock: Clock) -> None:
    circuit = opened(clock)
    assert not circuit.permit_probe()
    clock.now += 1.0
    assert circuit.permit_probe()
    assert (circuit.wait, circuit.probe_wait) == (0.0, 2.0)
    assert not circuit.permit_probe()
    assert circuit.try_acquire()
    assert circuit.wait == 2.0
    assert not circuit.try_acquire()


def test_failures_while_it_is_open_change_nothing(clock: Clock) -> None:
    circuit = opened(clock)
    clock.now += 0.75
    assert not circuit.on_failure()
    assert not circuit.on_failure(is_final=True)
    assert circuit.probe_wait == 0.25


def test_a_success_closes_it_and_the_next_outage_begins_anew(clock: Clock) -> None:
    circuit = opened(clock)
    clock.now += 1.0
    assert circuit.permit_probe()
    assert circuit.on_success()
    assert not circuit.on_success()
    assert circuit.try_acquire()
    for number in range(1, FAILURES + 1):
        assert circuit.on_failure() == (number == FAILURES)
    assert circuit.wait == 1.0
