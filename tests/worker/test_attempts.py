"""Attempts by themselves: which requests start, which wait, and how each partition finishes."""

from collections.abc import Callable, Sequence
from typing import Any

from klavier import Delivery, Request, Response
from klavier.events.reader import parse_event
from klavier.flows.execution import FlowExecution
from klavier.outbox import Entry
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.vendor import Flow
from klavier.worker.attempt import Attempt
from klavier.worker.batch_attempt import BatchAttempt
from klavier.worker.batcher import Batcher
from klavier.worker.bulk.packing import ItemGroup
from tests.support.simulation import event_request

OK, REFUSED, DOWN = Response(202), Response(400), Response(503)


def entry(seq: int, key: str = "a") -> Entry:
    return Entry(seq, f"m{seq}", key, b"{}", 0.0)


def calls(count: int, name: str) -> Callable[[], Flow]:
    """Return a flow of so many calls, which ends with the first that is refused."""

    def flow() -> Flow:
        for number in range(count):
            reply = yield Request("POST", f"/api/{name}/{number}", json={})
            if not reply.ok:
                return failed("refused", reply.status, retryable=reply.retryable)
        return delivered()

    return flow


def execution(seqs: Sequence[int], flow: Callable[[], Flow], **options: Any) -> FlowExecution:
    events = tuple(parse_event({"type": "track", "event": "E", "userId": f"u{seq}"}) for seq in seqs)
    return FlowExecution(Delivery(events, tuple(f"k{seq}" for seq in seqs), flow, **options))


class Together:
    """Translates entries to flows of one call each, named by their entries; the others are known at once."""

    def __init__(
        self, flows: Sequence[Sequence[Entry]], known: Sequence[tuple[Entry, Outcome]] = (), count: int = 1
    ) -> None:
        self.flows, self.known, self.count = flows, known, count

    def start_together(self, _: Sequence[Entry]) -> Any:
        flows = []
        for entries in self.flows:
            seqs = [each.seq for each in entries]
            flows.append((execution(seqs, calls(self.count, "-".join(map(str, seqs)))), list(entries)))
        return flows, self.known


class Run:
    """One attempt, with what it asks to send and how its partitions finish."""

    def __init__(self) -> None:
        self.waiting: dict[str, Any] = {}
        self.finished: dict[str, tuple[list[tuple[int, str]], str]] = {}
        self.order: list[str] = []

    def on_finished(self, found: Any) -> None:
        key = found.entries[0].key
        assert key not in self.finished
        results = [(result.entry.seq, result.outcome.kind) for result in found.results]
        self.finished[key] = results, found.blocked_by
        self.order.append(key)

    def add(self, groups: Sequence[ItemGroup]) -> list[str]:
        paths = []
        for group in groups:
            for item in group.items:
                self.waiting[item.request.path] = item.owner
                paths.append(item.request.path.removeprefix("/api/"))
        return paths

    def reply(self, path: str, reply: Response) -> list[str]:
        owner = self.waiting.pop(f"/api/{path}")
        return self.add(owner.attempt.on_reply(owner, reply))


def together(translator: Together) -> tuple[Run, list[str]]:
    run = Run()
    entries = [each for flow in translator.flows for each in flow] + [each for each, _ in translator.known]
    entries = list({each.seq: each for each in entries}.values())
    attempt = BatchAttempt(entries, translator, Batcher(combine=False, linger=0.0), run.on_finished)  # type: ignore[arg-type]  # as far as it is used
    return run, run.add(attempt.start())


A1, A2, B3, B4, C5, C6, D7 = (entry(seq, key) for seq, key in enumerate("aabbccd", 1))


def test_a_flow_starts_when_it_is_the_next_of_all_its_keys() -> None:
    run, started = together(Together([[A1], [A2, B3], [B4], [C5]]))
    assert started == ["1/0", "5/0"]
    assert run.reply("5/0", OK) == []
    assert run.finished == {"c": ([(5, "delivered")], "")}
    assert run.reply("1/0", OK) == ["2-3/0"]
    assert run.reply("2-3/0", REFUSED) == ["4/0"]
    assert run.finished["a"] == ([(1, "delivered"), (2, "failed")], "")
    assert run.reply("4/0", OK) == []
    assert run.finished["b"] == ([(3, "failed"), (4, "delivered")], "")


def test_a_flow_of_several_calls_holds_its_keys_until_it_has_ended() -> None:
    run, started = together(Together([[A1], [A2]], count=2))
    assert started == ["1/0"]
    assert run.reply("1/0", OK) == ["1/1"]
    assert run.finished == {}
    assert run.reply("1/1", OK) == ["2/0"]


def test_what_comes_after_a_failure_waits_through_every_key() -> None:
    run, started = together(Together([[A1], [A2, B3], [B4, C5], [C6], [D7]]))
    assert started == ["1/0", "7/0"]
    assert run.reply("1/0", DOWN) == []
    assert run.finished == {"a": ([(1, "failed")], ""), "b": ([], ""), "c": ([], "")}
    assert run.reply("7/0", OK) == []
    assert run.finished["d"] == ([(7, "delivered")], "")


def test_what_is_blocked_waits_for_its_endpoint_and_what_comes_after_it_too() -> None:
    run, started = together(Together([[A1, B3], [B4, C5], [D7]]))
    assert started == ["1-3/0", "7/0"]
    owner = run.waiting.pop("/api/1-3/0")
    owner.attempt.on_unsent(owner, "events")
    assert run.finished == {"a": ([], "events"), "b": ([], "events"), "c": ([], "")}


def test_what_is_known_at_once_finishes_at_once() -> None:
    run, started = together(Together([[A2]], [(A1, rejected("no event")), (B3, rejected("no event"))]))
    assert started == ["2/0"]
    assert run.finished == {"b": ([(3, "rejected")], "")}
    run.reply("2/0", OK)
    assert run.finished["a"] == ([(1, "rejected"), (2, "delivered")], "")


def test_flows_without_a_request_end_at_once_and_the_next_ones_start() -> None:
    class Silent(Together):
        def start_together(self, entries: Sequence[Entry]) -> Any:
            flows, known = super().start_together(entries)
            return [(execution([1], calls(0, "none")), [A1]), *flows[1:]], known

    run, started = together(Silent([[A1], [A2]]))
    assert started == ["2/0"]
    assert run.reply("2/0", OK) == []
    assert run.finished == {"a": ([(1, "delivered"), (2, "delivered")], "")}


def test_the_first_outcome_of_an_event_that_is_named_twice_counts() -> None:
    run, started = together(Together([[A1], [A1, B3]]))
    assert started == ["1/0"]
    assert run.reply("1/0", OK) == ["1-3/0"]
    assert run.reply("1-3/0", REFUSED) == []
    assert run.finished == {"a": ([(1, "delivered")], ""), "b": ([(3, "failed")], "")}


class Translator:
    def __init__(self, start: Callable[[Entry], FlowExecution | Outcome]) -> None:
        self.started: list[int] = []
        self._start = start

    def start(self, found: Entry) -> FlowExecution | Outcome:
        self.started.append(found.seq)
        return self._start(found)


def single(
    start: Callable[[Entry], FlowExecution | Outcome], count: int = 3
) -> tuple[Run, Attempt, Translator, Sequence[ItemGroup]]:
    run, translator = Run(), Translator(start)
    batcher = Batcher(combine=True, linger=0.0)
    attempt = Attempt([entry(seq) for seq in range(1, count + 1)], translator, batcher, run.on_finished)  # type: ignore[arg-type]  # as far as it is used
    return run, attempt, translator, attempt.start()


def test_entries_of_several_calls_go_one_after_the_other() -> None:
    run, attempt, translator, groups = single(lambda found: execution([found.seq], calls(2, str(found.seq))))
    assert run.add(groups) == ["1/0"]
    assert (attempt.remaining, translator.started) == (2, [1])
    assert attempt.start() == ()
    assert run.reply("1/0", OK) == ["1/1"]
    assert run.reply("1/1", REFUSED) == ["2/0"]
    assert run.reply("2/0", DOWN) == []
    assert run.finished == {"a": ([(1, "failed"), (2, "failed")], "")}
    assert (attempt.remaining, translator.started) == (1, [1, 2])


def test_entries_without_a_request_are_passed_over() -> None:
    def start(found: Entry) -> FlowExecution | Outcome:
        return rejected("no event") if found.seq == 1 else execution([found.seq], calls(found.seq - 2, str(found.seq)))

    run, attempt, _, groups = single(start)
    assert run.add(groups) == ["3/0"]
    assert run.finished == {}
    assert run.reply("3/0", OK) == []
    assert run.finished == {"a": ([(1, "rejected"), (2, "delivered"), (3, "delivered")], "")}
    assert attempt.remaining == 0


def bulkable(found: Entry, *, single_request: bool = True, unique_id: str | None = None) -> FlowExecution:
    def flow() -> Flow:
        reply = yield event_request("u", found.seq, unique_id)
        return delivered() if reply.ok else failed("refused", reply.status, retryable=reply.retryable)

    return execution([found.seq], flow, bulkable=True, single_request=single_request)


def test_entries_that_one_body_can_hold_go_together_up_to_the_first_with_more_calls() -> None:
    run, attempt, _, groups = single(lambda found: bulkable(found, single_request=found.seq != 3), 5)
    (group,) = groups
    assert [item.owner.entries[0].seq for item in group.items] == [1, 2, 3]
    for item in group.items[:-1]:
        assert attempt.on_reply(item.owner, OK) == ()
    assert run.finished == {}
    (rest,) = attempt.on_reply(group.items[2].owner, OK)
    assert [item.owner.entries[0].seq for item in rest.items] == [4, 5]


def test_what_does_not_fit_is_set_aside_and_goes_next() -> None:
    run, attempt, translator, groups = single(lambda found: bulkable(found, unique_id="same"), 3)
    for seq in (1, 2, 3):
        (group,) = groups
        assert [item.owner.entries[0].seq for item in group.items] == [seq]
        groups = attempt.on_reply(group.items[0].owner, OK)
    assert groups == ()
    assert translator.started == [1, 2, 3]
    assert [seq for seq, _ in run.finished["a"][0]] == [1, 2, 3]


def test_a_failure_in_a_body_ends_the_attempt_once_the_others_have_their_replies() -> None:
    run, attempt, _, groups = single(lambda found: bulkable(found, single_request=found.seq != 2), 3)
    (group,) = groups
    assert attempt.on_reply(group.items[0].owner, DOWN) == ()
    assert run.finished == {}
    assert attempt.on_reply(group.items[1].owner, OK) == ()
    assert run.finished == {"a": ([(1, "failed"), (2, "delivered")], "")}


def test_what_is_not_sent_ends_the_attempt_with_its_endpoint() -> None:
    run, attempt, _, groups = single(bulkable, 2)
    (group,) = groups
    attempt.on_unsent(group.items[0].owner, "events")
    assert run.finished == {}
    attempt.on_unsent(group.items[1].owner, "events")
    assert run.finished == {"a": ([], "events")}
