from hypothesis import given
from hypothesis import strategies as st

from klavier.worker.fair_queue import HEAVY, FairQueue

WEIGHTS = st.lists(st.sampled_from([0, 1, HEAVY - 1, HEAVY, 10 * HEAVY]))


def waiting(weights: list[int]) -> FairQueue[tuple[int, int]]:
    turns: FairQueue[tuple[int, int]] = FairQueue()
    for number, weight in enumerate(weights):
        turns.add((number, weight), weight)
    return turns


def test_the_heaviest_and_the_oldest_take_turns() -> None:
    turns = waiting([0, 100, 0, 200, 0])
    assert [turns.take() for _ in range(5)] == [(3, 200), (0, 0), (1, 100), (2, 0), (4, 0)]
    assert turns.take() is None


@given(WEIGHTS)
def test_each_is_taken_once_in_the_order_that_is_shown(weights: list[int]) -> None:
    turns = waiting(weights)
    shown = list(turns)
    taken = [turns.take() for _ in weights]
    assert taken == shown
    assert sorted(shown) == list(enumerate(weights))


@given(WEIGHTS, st.data())
def test_who_left_is_not_taken(weights: list[int], data: st.DataObject) -> None:
    turns = waiting(weights)
    items = list(turns)
    gone = data.draw(st.lists(st.sampled_from(items), unique=True)) if items else []
    turns.leave(gone)
    rest = [item for item in items if item not in gone]
    assert len(turns) == len(rest)
    assert turns.oldest() == min(rest, default=None)
    heavy = [item for item in rest if item[1] >= HEAVY]
    assert turns.heaviest() == min(heavy, key=lambda item: (-item[1], item[0]), default=None)
    assert sorted(turns) == sorted(rest)


@given(WEIGHTS)
def test_nobody_waits_longer_than_twice_the_queue_before_them(weights: list[int]) -> None:
    turns = waiting(weights)
    order = list(turns)
    for number, weight in enumerate(weights):
        assert order.index((number, weight)) <= 2 * number + 1


@given(WEIGHTS, st.data())
def test_who_became_heavier_stands_where_the_new_weight_belongs(weights: list[int], data: st.DataObject) -> None:
    turns = waiting(weights)
    risen = {item[0]: data.draw(st.sampled_from([0, 20 * HEAVY, 30 * HEAVY])) for item in turns}
    turns.reweigh(lambda item: risen[item[0]])
    now = [max(weight, risen[number]) for number, weight in enumerate(weights)]
    assert len(turns) == len(weights)
    shown = list(turns)
    assert sorted(shown) == list(enumerate(weights))
    if max(now, default=0) >= HEAVY:
        heaviest = turns.heaviest()
        assert heaviest is not None
        assert now[heaviest[0]] == max(now)
    assert [turns.take() for _ in weights] == shown
