"""Check the promises of an outbox: subclass `OutboxConformance` in the tests of a plugin that brings one.

The promises are those of docs/explanation/guarantees.  No test depends on how fast the machine is.
"""

import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from attrs import evolve

from klavier.errors import LeaseLostError, OutboxFullError
from klavier.outbox.base import Lease, Outbox
from klavier.outbox.entry import DeadCause, DeadLetter, Entry, NewEntry, Settlement
from klavier.testing.processes import PATIENCE, exit_code, fork, wait_for


class OutboxConformance(ABC):
    """Tests of an outbox; a subclass says how to open it.

    `max_bytes` is passed by the test of a full outbox only.
    """

    notices_death = True
    """Whether a holder that was killed loses the lease at once, and not only when it has not renewed it in time."""

    @abstractmethod
    def open_outbox(self, folder: Path, max_bytes: int | None = None) -> Outbox:
        """Open the outbox that belongs to a folder, which is empty at first; opening again opens the same outbox."""

    @pytest.fixture
    def outbox(self, tmp_path: Path) -> Iterator[Outbox]:
        """Return an empty outbox."""
        with closing(self.open_outbox(tmp_path)) as found:
            yield found

    @pytest.fixture
    def other(self, tmp_path: Path, outbox: Outbox) -> Iterator[Outbox]:
        """Return the same outbox, as another process opens it."""
        if not outbox.is_durable:
            yield outbox
            return
        with closing(self.open_outbox(tmp_path)) as found:
            yield found

    # Order and bounds -------------------------------------------------------------------------------------------------

    def test_entries_are_read_in_the_order_of_acceptance(self, outbox: Outbox) -> None:
        """Also across calls, and from any position on."""
        outbox.append(_new(3))
        outbox.append(_new(3, first=3))
        entries = outbox.read(0, 10)
        assert [entry.message_id for entry in entries] == [f"m{number}" for number in range(6)]
        assert [entry.seq for entry in entries] == sorted({entry.seq for entry in entries})
        assert outbox.read(entries[2].seq, 2) == entries[3:5]
        assert outbox.read(entries[-1].seq, 10) == []
        assert outbox.last_seq() == entries[-1].seq

    def test_the_entries_of_one_key_are_read_in_order(self, outbox: Outbox) -> None:
        """And no others."""
        outbox.append([("m1", "a", b"1"), ("m2", "b", b"2"), ("m3", "a", b"3"), ("m4", "a", b"4")])
        first, _, third, fourth = outbox.read(0, 10)
        assert outbox.read_key("a", 0, 2) == [first, third]
        assert outbox.read_key("a", first.seq, 10) == [third, fourth]
        assert outbox.read_key("c", 0, 10) == []

    def test_reading_is_bounded_by_bytes(self, outbox: Outbox) -> None:
        """The entry that exceeds the bound is the last one, so that one larger than the bound is read at all."""
        outbox.append([(f"m{number}", "k", b"x" * 1000) for number in range(5)])
        entries = outbox.read(0, 10)
        assert outbox.read(0, 10, 2500) == outbox.read_key("k", 0, 10, 2500) == entries[:3]
        assert outbox.read(0, 10, 1) == outbox.read_key("k", 0, 10, 1) == entries[:1]

    def test_no_position_is_given_twice(self, outbox: Outbox) -> None:
        """Also after everything has left: a reader would skip the entry for ever."""
        outbox.append(_new(2))
        last = outbox.last_seq()
        outbox.settle([Settlement(entry) for entry in outbox.read(0, 10)])
        outbox.append(_new(1, first=2))
        assert [entry.message_id for entry in outbox.read(last, 10)] == ["m2"]

    # Acceptance -------------------------------------------------------------------------------------------------------

    def test_what_is_accepted_is_read_as_it_was(self, outbox: Outbox) -> None:
        """Keys and payloads are any text and bytes."""
        key, payload = "user:Ünï\U0001f600 'quoted'", '{"a":"\u2028 \U0001f600"}'.encode()
        outbox.append([("m1", key, payload)], 1_800_000_000.5)
        (entry,) = outbox.read(0, 10)
        assert entry[1:] == ("m1", key, payload, 1_800_000_000.5, 0.0, 0, 0.0, 0)

    def test_a_message_id_is_accepted_once(self, outbox: Outbox) -> None:
        """In one call, in a later one, and after its event has left."""
        assert outbox.append([*_new(1), *_new(2)]) == [True, False, True]
        assert outbox.append(_new(3)) == [False, False, True]
        outbox.settle([Settlement(entry) for entry in outbox.read(0, 10)])
        outbox.maintain()
        assert outbox.append(_new(3)) == [False, False, False]
        assert outbox.read(0, 10) == []

    def test_a_call_that_fails_stores_nothing(self, outbox: Outbox) -> None:
        """Half a surrogate pair cannot be written in UTF-8."""
        with pytest.raises(Exception):  # noqa: B017, PT011 -- whatever error the storage has for it
            outbox.append([*_new(1), ("m\ud800", "k", b"{}")])
        assert outbox.read(0, 10) == []
        assert outbox.append(_new(2)) == [True, True]

    def test_many_threads_append_at_once(self, outbox: Outbox) -> None:
        """Each entry once, and each thread's in its own order."""

        def append(thread: int) -> None:
            for number in range(25):
                assert outbox.append([(f"{thread}-{number}", str(thread), b"{}")]) == [True]

        threads = [threading.Thread(target=append, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [entry.message_id for entry in outbox.read(0, 1000)]
        assert len(found) == len(set(found)) == 8 * 25
        for number in range(8):
            own = [name for name in found if name.startswith(f"{number}-")]
            assert own == sorted(own, key=lambda name: int(name.split("-")[1]))

    def test_what_is_accepted_survives_the_process(self, tmp_path: Path, outbox: Outbox) -> None:
        """Also one that is killed without closing the outbox."""
        _needs(outbox)

        def die() -> None:
            self.open_outbox(tmp_path).append(_new(3))

        assert exit_code(die) == 0
        assert [entry.message_id for entry in outbox.read(0, 10)] == ["m0", "m1", "m2"]

    def test_several_processes_open_a_new_outbox_at_once(self, tmp_path: Path) -> None:
        """The first one makes what has to be made, and the others wait for it."""
        folder = tmp_path / "new"
        folder.mkdir()
        with closing(self.open_outbox(tmp_path)) as probe:
            _needs(probe)
        start, ready = os.pipe()

        def work(number: int) -> Callable[[], None]:
            def append() -> None:
                os.close(ready)
                os.read(start, 1)  # ends when the parent closes its end
                with closing(self.open_outbox(folder)) as box:
                    assert box.append([(f"p{number}", "k", b"{}")]) == [True]

            return append

        children = [fork(work(number)) for number in range(6)]
        os.close(ready)
        os.close(start)
        assert [wait_for(child) for child in children] == [0] * 6
        with closing(self.open_outbox(folder)) as box:
            assert {entry.message_id for entry in box.read(0, 10)} == {f"p{number}" for number in range(6)}

    def test_a_forked_process_uses_it_beside_its_parent(self, outbox: Outbox) -> None:
        """While other threads of the parent are busy with it."""
        _needs(outbox)
        over = threading.Event()

        def work() -> None:
            for number in count():
                if over.is_set():
                    return
                outbox.append([(f"parent-{number}", "k", b"{}")])

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            children = [fork(lambda n=n: outbox.append([(f"child-{n}", "k", b"{}")])) for n in range(5)]  # type: ignore[misc]  # a default for each
            assert [wait_for(child) for child in children] == [0] * 5
        finally:
            over.set()
            for thread in threads:
                thread.join()
        found = [entry.message_id for entry in outbox.read(0, 10**6)]
        assert {name for name in found if name.startswith("child")} == {f"child-{n}" for n in range(5)}
        assert len(found) == len(set(found))

    def test_a_full_outbox_refuses_what_is_new(self, tmp_path: Path) -> None:
        """And nothing that was accepted is lost; what leaves makes room."""
        with closing(self.open_outbox(tmp_path, max_bytes=1_000_000)) as box:
            with pytest.raises(OutboxFullError):  # noqa: PT012 -- which one is refused is the outbox's choice
                for number in range(1000):
                    box.append([(f"m{number}", "k", b"x" * 10_000)])
            entries = box.read(0, 1000)
            assert [entry.message_id for entry in entries] == [f"m{number}" for number in range(len(entries))]
            assert 0 < sum(len(entry.payload) for entry in entries) <= 1_000_000
            box.settle([], [entry.seq for entry in entries])
            box.maintain()
            assert box.append([("later", "k", b"x" * 10_000)]) == [True]

    # Settling ---------------------------------------------------------------------------------------------------------

    def test_a_settlement_removes_postpones_or_makes_a_dead_letter(self, outbox: Outbox) -> None:
        """All of one call together."""
        outbox.append(_new(4), 5.0)
        first, second, third, fourth = outbox.read(0, 10)
        later = Settlement(second, due=9.5, tries=2, first_try=6.5)
        outbox.settle([Settlement(first), later, Settlement(third, dead_letter=_letter(third))], [fourth.seq])
        assert outbox.read(0, 10) == [second._replace(due=9.5, tries=2, first_try=6.5)]
        assert outbox.dead_letters() == [_letter(third)]

    def test_settling_again_changes_nothing(self, outbox: Outbox) -> None:
        """A worker whose write failed half-way, as far as it knows, writes it once more."""
        outbox.append(_new(2))
        first, second = outbox.read(0, 10)
        for _ in range(2):
            outbox.settle([Settlement(first), Settlement(second, dead_letter=_letter(second))])
        outbox.settle([Settlement(first, due=9.0, tries=1, first_try=1.0)], [second.seq])
        assert outbox.read(0, 10) == []
        assert [letter.message_id for letter in outbox.dead_letters()] == ["m1"]

    def test_the_status_counts(self, outbox: Outbox) -> None:
        """What waits, since when, and what is dead."""
        assert (outbox.status().waiting, outbox.status().oldest, outbox.status().dead) == (0, None, 0)
        assert not outbox.has_waiting(outbox.last_seq())
        outbox.append(_new(1), 5.0)
        outbox.append(_new(2, first=1), 6.0)
        first, second, third = outbox.read(0, 10)
        outbox.settle([Settlement(second, dead_letter=_letter(second))])
        assert (outbox.status().waiting, outbox.status().oldest, outbox.status().dead) == (2, 5.0, 1)
        outbox.settle([], [first.seq])
        assert outbox.status().oldest == 6.0
        assert not outbox.has_waiting(second.seq)
        assert outbox.has_waiting(third.seq)

    def test_the_details_are_for_an_operator(self, outbox: Outbox, other: Outbox) -> None:
        """Who delivers, what it reported last, the dead letters by cause, and the space that is used."""
        assert (outbox.details().holder, outbox.details().dead_causes) == (None, ())
        outbox.append(_new(4))
        for entry, status in zip(outbox.read(0, 3), (400, None, 400), strict=True):
            outbox.settle([Settlement(entry, dead_letter=evolve(_letter(entry), status=status))])
        assert other.details().dead_causes == (DeadCause("failed", 400, 2), DeadCause("failed", None, 1))
        assert other.details().used_bytes >= 0
        lease = _acquire(outbox, "one")
        assert (holder := other.details().holder) is not None
        assert (holder.name, holder.report) == ("one", b"")
        assert lease.renew(b'{"a":1}')
        assert (holder := other.details().holder) is not None
        assert (holder.report, 0 <= holder.age < PATIENCE) == (b'{"a":1}', True)
        lease.release()
        assert other.details().holder is None
        following = _acquire(other, "two")
        assert (following.previous.report, 0 <= following.previous.age < PATIENCE) == (b'{"a":1}', True)
        assert (holder := outbox.details().holder) is not None
        assert (holder.name, holder.report) == ("two", b"")
        following.release()

    # Dead letters -----------------------------------------------------------------------------------------------------

    def test_dead_letters_are_requeued_and_deleted_in_batches(self, outbox: Outbox) -> None:
        """Numbers of dead letters that are not there are passed over; others append meanwhile."""
        number = 1200
        outbox.append(_new(number))
        outbox.settle([Settlement(entry, dead_letter=_letter(entry)) for entry in outbox.read(0, number)])
        letters = outbox.dead_letters(limit=number)
        assert [letter.message_id for letter in letters] == [f"m{n}" for n in range(number)]
        assert outbox.dead_letters(letters[9].seq, 5) == letters[10:15]
        seqs = [letter.seq for letter in letters]
        appended: list[bool] = []
        thread = threading.Thread(target=lambda: appended.extend(outbox.append([("new", "k", b"{}")])))
        thread.start()
        assert outbox.requeue([*seqs[:700], 10**9]) == 700
        thread.join()
        assert outbox.delete([*seqs[600:], 10**9]) == 500
        assert (appended, outbox.status().waiting, outbox.status().dead) == ([True], 701, 0)
        names = [entry.message_id for entry in outbox.read(0, number) if entry.message_id != "new"]
        assert names == [f"m{n}" for n in range(700)]

    def test_a_requeued_entry_is_tried_as_if_it_were_new(self, outbox: Outbox) -> None:
        """At the end of the queue."""
        outbox.append(_new(2))
        first, second = outbox.read(0, 10)
        outbox.settle([Settlement(first, dead_letter=_letter(first))])
        outbox.requeue([first.seq])
        last = outbox.read(second.seq, 10)
        assert [entry._replace(seq=first.seq) for entry in last] == [first]

    def test_maintenance_keeps_what_is_young(self, outbox: Outbox) -> None:
        """Message ids for seven days, dead letters and entries for ever as a rule."""
        outbox.append(_new(2))
        _, second = outbox.read(0, 10)
        outbox.settle([Settlement(second, dead_letter=_letter(second))])
        outbox.maintain()
        outbox.maintain()
        assert (outbox.status().waiting, outbox.status().dead) == (1, 1)
        assert outbox.append(_new(2)) == [False, False]

    # Leases -----------------------------------------------------------------------------------------------------------

    def test_one_holder_at_a_time(self, outbox: Outbox, other: Outbox) -> None:
        """And each gets a larger fencing number than the one before."""
        first = _acquire(outbox, "one")
        assert other.acquire("two", 3600.0) is None
        assert first.renew()
        first.release()
        second = _acquire(other, "two")
        assert outbox.acquire("one", 3600.0) is None
        assert second.token > first.token
        second.release()

    def test_a_holder_that_does_not_renew_is_followed_and_settles_nothing(self, outbox: Outbox, other: Outbox) -> None:
        """However slow the machine is: the second holder tries until it gets the lease."""
        outbox.append(_new(2))
        stopped = _acquire(outbox, "stopped", 0.05)
        following = _acquire(other, "next")
        assert not stopped.renew()
        first, second = stopped.read(0, 10)
        with pytest.raises(LeaseLostError):
            stopped.settle([Settlement(first, dead_letter=_letter(first))], [second.seq])
        stopped.release()  # takes the lease from nobody
        assert following.renew()
        assert (outbox.status().waiting, outbox.status().dead) == (2, 0)
        following.settle([Settlement(first)], [second.seq])
        assert outbox.status().waiting == 0
        following.release()

    def test_a_holder_that_was_killed_is_followed(self, tmp_path: Path, outbox: Outbox) -> None:
        """At once where the outbox can see that, else when it has not renewed."""
        _needs(outbox)
        seconds = 1e9 if self.notices_death else 0.05
        assert exit_code(lambda: _acquire(self.open_outbox(tmp_path), "killed", seconds)) == 0
        _acquire(outbox, "next").release()

    def test_entries_that_end_their_worker_are_counted(self, tmp_path: Path, outbox: Outbox) -> None:
        """Once for each worker that ended while it translated them."""
        _needs(outbox)
        outbox.append(_new(3))
        first, second, third = outbox.read(0, 10)

        def die() -> None:
            lease = _acquire(self.open_outbox(tmp_path), "killed", 0.05)
            lease.take_interrupted()
            lease.mark_translating([first.seq])
            lease.mark_translating([second.seq, third.seq])

        for _ in range(2):
            assert exit_code(die) == 0
        lease = _acquire(outbox, "next")
        assert lease.take_interrupted() == 2
        assert [entry.interrupted for entry in lease.read(0, 10)] == [0, 2, 2]
        lease.mark_translating([first.seq])
        lease.mark_translating(())
        assert lease.take_interrupted() == 0
        lease.release()


def _new(number: int, first: int = 0) -> list[NewEntry]:
    return [(f"m{n}", f"k{n % 3}", b'{"n":%d}' % n) for n in range(first, first + number)]


def _letter(entry: Entry) -> DeadLetter:
    seq, message_id, key, payload, accepted = entry[:5]
    requests = '[{"request":{}}]'
    return DeadLetter(
        seq, message_id, key, payload, accepted, 9.5, 3, "failed", 400, "refused", requests, "some-vendor"
    )


def _acquire(outbox: Outbox, holder: str, seconds: float = 3600.0) -> Lease:
    """Acquire the lease as soon as it can be had."""
    deadline = time.monotonic() + PATIENCE
    while (lease := outbox.acquire(holder, seconds)) is None:
        assert time.monotonic() < deadline, "the lease was not free in time"
        time.sleep(0.01)
    return lease


def _needs(outbox: Outbox) -> None:
    """Skip a test about several processes where the outbox ends with its own, or the system cannot fork."""
    if not outbox.is_durable or not hasattr(os, "fork"):
        pytest.skip("about what outlives a process")
