"""Dead letters on the page: by cause, retried, deleted, exported, corrected."""

import orjson
import pytest

from klavier.console.shown import pretty
from tests.support.web_console import EVENT, Shop, Tags, Visitor


@pytest.fixture
def visitor(shop: Shop) -> Visitor:
    found = shop.visitor()
    found.get()
    return found


def waiting(shop: Shop) -> list[dict[str, object]]:
    return [orjson.loads(entry.payload) for entry in shop.outbox.read(0, 100)]


def dead(shop: Shop) -> list[int]:
    return [letter.seq for letter in shop.outbox.dead_letters()]


def bury_three(shop: Shop) -> list[int]:
    """Bury two letters with one cause, and one with another."""
    reasons = ["no such list", "no such list", "invalid email"]
    return [shop.bury({**EVENT, "messageId": f"m{number}"}, reason) for number, reason in enumerate(reasons)]


def cause(visitor: Visitor, reason: str) -> str:
    """Return the value of the button that retries a cause."""
    buttons = [a["value"] for tag, a in Tags(visitor.get().text).tags if tag == "button" and a.get("name") == "cause"]
    page = visitor.get().text
    return next(value for value in buttons if reason in page.split(value)[1].split("</button>")[0])


def test_they_are_grouped_by_cause(shop: Shop, visitor: Visitor) -> None:
    bury_three(shop)
    text = Tags(visitor.get().text).text
    assert text.index("no such list") < text.index("invalid email")
    assert "2 events" in text
    assert "Some events were not delivered" in text


@pytest.mark.parametrize(("reason", "left"), [("no such list", 1), ("invalid email", 2)])
@pytest.mark.parametrize("action", ["retry", "delete"])
def test_those_of_one_cause_are_retried_or_deleted(
    shop: Shop, visitor: Visitor, action: str, reason: str, left: int
) -> None:
    bury_three(shop)
    reply = visitor.post(f"letters/{action}", {"cause": cause(visitor, reason)})
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/#letters")
    assert len(dead(shop)) == left
    assert len(waiting(shop)) == (3 - left if action == "retry" else 0)
    page = visitor.get().text
    what = "1 event was" if left == 2 else "2 events were"
    assert f"{what} {'put back into the queue' if action == 'retry' else 'deleted for good'}." in page
    assert what not in visitor.get().text.split('id="overview"')[0]


def test_one_or_all_are_chosen(shop: Shop, visitor: Visitor) -> None:
    seqs = bury_three(shop)
    visitor.post("letters/delete", {"seq": str(seqs[1])})
    assert dead(shop) == [seqs[0], seqs[2]]
    for nothing in ({}, {"seq": "x"}, {"seq": "9" * 30}, {"seq": "4711"}, {"cause": "x"}, {"all": "no"}):
        visitor.post("letters/delete", nothing)
    assert dead(shop) == [seqs[0], seqs[2]]
    assert visitor.post("letters/burn", {"all": "yes"}).status_code == 404
    visitor.post("letters/retry", {"all": "yes"})
    assert (dead(shop), len(waiting(shop))) == ([], 2)


def test_they_are_exported_as_lines_that_can_be_sent(shop: Shop, visitor: Visitor) -> None:
    bury_three(shop)
    reply = visitor.post("letters/export", {"cause": cause(visitor, "no such list")})
    assert reply.headers["content-disposition"] == 'attachment; filename="dead-letters.jsonl"'
    assert [orjson.loads(line)["messageId"] for line in reply.content.splitlines()] == ["m0", "m1"]
    assert len(visitor.post("letters/export", {"all": "yes"}).content.splitlines()) == 3
    assert len(dead(shop)) == 3


def test_a_corrected_event_takes_the_place_of_its_letter(shop: Shop, visitor: Visitor) -> None:
    first, second = shop.bury(EVENT), shop.bury({**EVENT, "messageId": "m2"})
    text = orjson.dumps({**EVENT, "event": "Order Corrected"}).decode()
    assert visitor.post(f"letters/{first}/edit", {"payload": text}).status_code == 303
    assert dead(shop) == [second]
    (entry,) = shop.outbox.read(0, 10)
    assert orjson.loads(entry.payload) == {**EVENT, "event": "Order Corrected"}
    assert entry.key == "user:u1"
    assert "The corrected event was put into the queue." in visitor.get().text
    assert visitor.post(f"letters/{first}/edit", {"payload": text}).status_code == 404


def test_what_is_not_exact_is_shown_to_be_edited_as_it_was_sent() -> None:
    text = b'{"type": "track", "userId": "u1", "userId": "u2", "n": 18446744073709551616}'
    assert text.decode() in Tags(str(pretty(text))).text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "the event is not JSON: line 1, column 2"),
        ("[1]", "an event is a JSON object, not an array"),
        ('{"type": "dance"}', "type"),
        ('{"type": "track", "event": "A", "userId": "u1", "userId": "u2"}', "userId: the same key twice"),
        ('{"type": "track", "event": "A", "userId": 18446744073709551616}', "userId: an integer beyond 64 bits"),
    ],
)
def test_what_is_no_event_is_not_saved(shop: Shop, visitor: Visitor, text: str, problem: str) -> None:
    seq = shop.bury(EVENT)
    reply = visitor.post(f"letters/{seq}/edit", {"payload": text})
    assert reply.status_code == 422
    shown = Tags(reply.text).text
    assert problem in shown
    assert text in shown  # nobody types it anew
    assert (dead(shop), waiting(shop)) == ([seq], [])


def test_a_payload_that_is_no_json_is_shown(shop: Shop, visitor: Visitor) -> None:
    seq = shop.bury(b"\xff{<b>")
    assert "not an event" in visitor.get().text
    assert visitor.get(f"letters/{seq}").status_code == 200
    assert "\\xff{<b>" in Tags(visitor.post(f"letters/{seq}").text).text


def test_many_are_read_in_bounded_pages(shop: Shop, visitor: Visitor) -> None:
    for number in range(15):
        shop.bury({**EVENT, "messageId": f"n{number}"}, "no such list")
    text = visitor.get().text
    assert "and 5 more" in text
    assert text.count("Show<span") == 10
