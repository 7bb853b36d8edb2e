"""The benchmark of RudderStack's translation measures events that are delivered; no test asserts a time."""

import json
from itertools import product

import pytest

from klavier import parse_event, rehearse
from tests.benchmarks.rudderstack import CASES, setup
from tests.benchmarks.timing import FACES


@pytest.mark.parametrize(("face", "case"), list(product(FACES, CASES)))
def test_every_case_is_delivered(face: tuple[str, str], case: tuple[str, str, object]) -> None:
    vendor, lines = setup(case[1], *face, case[2])
    result = rehearse(vendor, [parse_event(json.loads(line)) for line in lines])
    assert {outcome.kind for outcome in result.outcomes} == {"delivered"}
    assert len(result.requests) == len(lines)
