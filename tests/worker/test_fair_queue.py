from hypothesis import given
from hypothesis import strategies as st

from klavier.worker.fair_queue import LARGE_BACKLOG, FairQueue

BACKLOGS = st.lists(st.sampled_from([0, 1, LARGE_BACKLOG - 1, LARGE_BACKLOG, 10 * LARGE_BACKLOG]))
Item = tuple[int, int]


def queue_of(backlogs: list[int]) -> FairQueue[Item]:
    queue: FairQueue[Item] = FairQueue()
    for number, backlog in enumerate(backlogs):
        queue.add((number, backlog), backlog)
    return queue


def pop_all(queue: FairQueue[Item]) -> list[Item]:
    popped = []
    while (item := queue.pop()) is not None:
        popped.append(item)
    return popped


def test_the_largest_backlog_and_the_oldest_take_turns() -> None:
    assert pop_all(queue_of([0, 100, 0, 200, 0])) == [(3, 200), (0, 0), (1, 100), (2, 0), (4, 0)]


@given(BACKLOGS)
def test_each_item_is_popped_once_as_peek_shows_it(backlogs: list[int]) -> None:
    queue = queue_of(backlogs)
    popped: list[Item] = []
    while (shown := queue.peek()) is not None:
        assert queue.pop() == shown
        popped.append(shown)
    assert sorted(popped) == list(enumerate(backlogs))


@given(BACKLOGS)
def test_nothing_waits_longer_than_twice_the_queue_before_it(backlogs: list[int]) -> None:
    order = pop_all(queue_of(backlogs))
    for number, backlog in enumerate(backlogs):
        assert order.index((number, backlog)) <= 2 * number + 1


@given(BACKLOGS)
def test_the_largest_are_popped_out_of_turn(backlogs: list[int]) -> None:
    queue = queue_of(backlogs)
    large = [item for item in enumerate(backlogs) if item[1] >= LARGE_BACKLOG]
    for item in sorted(large, key=lambda item: (-item[1], item[0])):
        assert queue.largest() == queue.pop_largest() == item
    assert queue.pop_largest() is None
    rest = [item for item in enumerate(backlogs) if item[1] < LARGE_BACKLOG]
    assert queue.oldest() == min(rest, default=None)
    assert pop_all(queue) == rest


@given(BACKLOGS, BACKLOGS)
def test_what_is_put_back_is_the_oldest(backlogs: list[int], put_back: list[int]) -> None:
    queue = queue_of(backlogs)
    returned = [(number - len(put_back), backlog) for number, backlog in enumerate(put_back)]
    queue.put_back((item, item[1]) for item in returned)
    everything = returned + list(enumerate(backlogs))
    assert queue.oldest() == (everything[0] if everything else None)
    large = [item for item in everything if item[1] >= LARGE_BACKLOG]
    largest = queue.largest()
    assert (largest and largest[1]) == max((item[1] for item in large), default=None)
    assert sorted(pop_all(queue)) == sorted(everything)
