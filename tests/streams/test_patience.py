"""Sending with patience."""

import threading

import pytest

import klavier
from klavier.streams.patience import Patient

REQUEST = klavier.Request("POST", "/api/events", json={}, revision="2026-10-15")


class Server:
    """Answers with the given statuses in turn, the last one for ever; -1 breaks the connection."""

    def __init__(self, *statuses: int, **headers: str) -> None:
        self.statuses = list(statuses)
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.asked = 0

    def send(self, request: klavier.Request) -> klavier.Response:
        assert request is REQUEST
        self.asked += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status < 0:
            raise klavier.TransportError("the connection was reset")
        return klavier.Response(status, headers=self.headers)


def patient(server: Server, slept: list[float]) -> Patient:
    return Patient(server.send, sleep=slept.append, jitter=lambda: 1.0)


@pytest.mark.parametrize("status", [200, 202, 400, 401, 403, 404, 409, 410])
def test_a_final_reply_is_given_at_once(status: int) -> None:
    server, slept = Server(status), list[float]()
    assert patient(server, slept).send(REQUEST).status == status
    assert (server.asked, slept) == (1, [])


@pytest.mark.parametrize("status", [-1, 408, 429, 500, 502, 503, 504])
def test_a_passing_trouble_is_waited_out(status: int) -> None:
    server, slept = Server(status, status, 202), list[float]()
    assert patient(server, slept).send(REQUEST).status == 202
    assert slept == [1.0, 2.0]


def test_the_last_reply_is_given_when_patience_ends() -> None:
    server, slept = Server(-1), list[float]()
    reply = patient(server, slept).send(REQUEST)
    assert (reply.status, reply.problem, server.asked) == (0, "the connection was reset", 6)
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_server_that_asks_for_time_gets_it() -> None:
    slept: list[float] = []
    assert patient(Server(429, 202, retry_after="7"), slept).send(REQUEST).status == 202
    assert patient(Server(429, 202, retry_after="999999999999"), slept).send(REQUEST).status == 202
    assert patient(Server(429, 202, retry_after="soon"), slept).send(REQUEST).status == 202
    assert slept == [7.0, 120.0, 1.0]


def test_a_server_that_is_gone_is_not_waited_for_again_and_again() -> None:
    server, slept = Server(-1), list[float]()
    sender = patient(server, slept)
    for _ in range(3):
        sender.send(REQUEST)
    server.asked = 0
    sender.send(REQUEST)
    assert server.asked == 1
    server.statuses = [202]
    sender.send(REQUEST)
    server.statuses = [503, 202]
    assert sender.send(REQUEST).status == 202


def test_the_end_wakes_those_who_wait() -> None:
    sender = Patient(Server(503, retry_after="100").send)
    replies: list[klavier.Response] = []
    thread = threading.Thread(target=lambda: replies.append(sender.send(REQUEST)))
    thread.start()
    sender.end()
    thread.join(10)
    assert [reply.status for reply in replies] == [503]


class RateLimiter:
    """Lets a request go at the third asking."""

    def __init__(self) -> None:
        self.asked = 0
        self.said: list[object] = []

    def wait(self, _: klavier.Request) -> float:
        return 0.5

    def admit(self, _: klavier.Request) -> bool:
        self.asked += 1
        if self.asked >= 3:
            self.said.append("sent")
        return self.asked >= 3

    def learn(self, _: klavier.Request, reply: klavier.Response) -> None:
        self.said.append(reply.status)


def test_the_pacer_says_when() -> None:
    pacer, slept = RateLimiter(), list[float]()
    sender = Patient(Server(429, 202).send, pacer, sleep=slept.append, jitter=lambda: 1.0)
    assert sender.send(REQUEST).status == 202
    assert (slept, pacer.said) == ([0.5, 0.5, 1.0], ["sent", 429, "sent", 202])


def test_a_key_that_is_not_accepted_does_not_hold_up_the_rest() -> None:
    pacer = RateLimiter()
    assert Patient(Server(401).send, pacer, sleep=lambda _: None).send(REQUEST).status == 401
    assert pacer.said == ["sent", 400]


def test_a_throttled_try_does_not_count_for_minutes() -> None:
    server, slept = Server(*[429] * 10, 202), list[float]()
    assert patient(server, slept).send(REQUEST).status == 202
    server, slept = Server(*[429] * 1000), list[float]()
    assert patient(server, slept).send(REQUEST).status == 429
    assert 300 < sum(slept) < 600
