"""What a body cannot mean in one way only becomes a dead letter or a refusal with its reason, and is not guessed."""

import json
from collections.abc import Iterator

import httpx
import orjson
import pytest

from klavier.gateway import bodies
from klavier.gateway.bodies import read_json
from tests.support.gateway import KEY, Running, gateway_server

GOOD = b'{"type":"track","userId":"u1","event":"Good","messageId":"good"}'
START = b'{"type":"track","userId":"u1","event":"Bad"'
TWICE = "the same key twice in one object; keep one of them"
HUGE = "an integer beyond 64 bits; send it as a string"
NO_NUMBER = "NaN or infinity is not JSON; leave the member out or send null"
HALF = "a string with half a surrogate pair; send whole Unicode text"

BAD: dict[str, tuple[bytes, str]] = {
    "key twice": (b',"event":"Other"}', f"event: {TWICE}"),
    "key twice inside": (b',"properties":{"items":[{"sku":1,"sku":2}]}}', f"properties.items[0].sku: {TWICE}"),
    "large integer": (b',"properties":{"id":18446744073709551616}}', f"properties.id: {HUGE}"),
    "very long integer": (b',"properties":{"id":' + b"9" * 5000 + b"}}", f"properties.id: {HUGE}"),
    "NaN": (b',"properties":{"n":NaN}}', f"properties.n: {NO_NUMBER}"),
    "infinity": (b',"properties":{"n":1e999}}', f"properties.n: {NO_NUMBER}"),
    "half a character": (b',"properties":{"n":"\\ud800"}}', f"properties.n: {HALF}"),
    "no UTF-8": (b',"properties":{"n":"\xff"}}', f"properties.n: {HALF}"),
}
BODIES = {
    "single": b"%b",
    "array": b"[" + GOOD + b",%b]",
    "batch": b'{"batch":[' + GOOD + b',%b],"sentAt":"2026-11-30T00:00:00Z"}',
}


@pytest.fixture
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with gateway_server(tmp_path_factory.mktemp("gateway")) as running:
        yield running


def post(gateway: Running, body: bytes) -> httpx.Response:
    return httpx.post(f"{gateway.url}/v1/batch", content=body, auth=(KEY, ""))


def reasons(gateway: Running) -> list[str]:
    gateway.wait()
    return [letter.reason for letter in gateway.gateway._relay_config.outbox.dead_letters()]


@pytest.mark.parametrize("shape", ["array", "batch"])
def test_each_event_that_is_not_exact_is_a_dead_letter_with_its_reason(gateway: Running, shape: str) -> None:
    bad = b",".join(START + end for end, _ in BAD.values())
    assert post(gateway, BODIES[shape] % bad).status_code == 200
    assert sorted(reasons(gateway)) == sorted(f"the stored payload is no event: {why}" for _, why in BAD.values())
    assert [event["metric"] for event in gateway.events()] == ["Good"]


@pytest.mark.parametrize("name", [name for name in BAD if name != "key twice"])
def test_a_single_event_that_is_not_exact_is_a_dead_letter_too(gateway: Running, name: str) -> None:
    end, why = BAD[name]
    assert post(gateway, START + end).status_code == 200
    assert reasons(gateway) == [f"the stored payload is no event: {why}"]
    assert gateway.events() == []


def test_what_a_batch_says_once_is_wrong_for_each_of_its_events(gateway: Running) -> None:
    body = b'{"batch":[' + GOOD + b'],"context":{"ip":"a","ip":"b"}}'
    assert post(gateway, body).status_code == 200
    assert reasons(gateway) == [f"the stored payload is no event: context.ip: {TWICE}"]


def test_a_dead_letter_holds_what_was_sent(gateway: Running) -> None:
    post(gateway, BODIES["batch"] % (START + b',"a":12345678901234567890123,"b":[NaN],"c":{"d":1,"e":{},"d":2}}'))
    gateway.wait()
    (letter,) = gateway.gateway._relay_config.outbox.dead_letters()
    assert b'"a": 12345678901234567890123, "b": [NaN], "c": {"d": 1, "e": {}, "d": 2}' in letter.payload


def test_a_dead_letter_that_is_retried_is_rejected_again(gateway: Running) -> None:
    post(gateway, BODIES["batch"] % (START + b',"event":"Other"}'))
    (before,) = reasons(gateway)
    outbox = gateway.gateway._relay_config.outbox
    assert outbox.requeue([letter.seq for letter in outbox.dead_letters()]) == 1
    assert reasons(gateway) == [before]
    assert [event["metric"] for event in gateway.events()] == ["Good"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"batch":[' + GOOD + b'],"batch":[' + GOOD + b"]}",
        b'{"batch":[' + GOOD + b'],"sentAt":"a", "sentAt":"a"}',
        START + b',"event":"Other"}',
    ],
)
def test_a_body_with_a_key_twice_is_refused(gateway: Running, body: bytes) -> None:
    reply = post(gateway, body)
    message = "the object that the body holds has the same key twice; keep one of them"
    assert (reply.status_code, reply.json()) == (400, {"code": "invalid_json", "message": message})
    assert not reasons(gateway)
    assert not gateway.events()


def test_a_usual_body_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's SDKs write other white space than JavaScript's, and escape what is not ASCII."""
    event = {"type": "track", "event": "Ünicode", "properties": {"price": 1.0, "at": 1e22, "tags": ["a", None, {}]}}

    def fail(*_: object, **__: object) -> None:
        raise AssertionError("parsed again")

    monkeypatch.setattr(json, "loads", fail)
    for text in (orjson.dumps([event]), json.dumps({"batch": [event] * 3}).encode()):
        assert bodies.read_json(text) == orjson.loads(text)
    with pytest.raises(AssertionError):
        read_json(b"NaN")
