"""The pages: nothing of an event becomes markup, nothing personal is shown unasked, no script stands in a page."""

import re
import time
from pathlib import Path

import orjson
import pytest

from klavier.console.figures import FigureReader
from klavier.console.pages import PANELS
from klavier.errors import OutboxError
from klavier.outbox.entry import Entry, Settlement
from klavier.outcome import failed, rejected
from klavier.worker.in_flight import Result
from klavier.worker.report import LimitUse, MinuteCount, OpenCircuit, Pause, TypeCount, WorkerReport, write_report
from tests.support.web_console import EVENT, PASSWORD, TOKEN, Shop, Tags, Visitor

HOSTILE = "</script><img src=x onerror='alert(1)'> \"&\" \u202e \x1b[31m 李"
SHOWN = "</script><img src=x onerror='alert(1)'> \"&\" \\u202e \\x1b[31m 李"


def every_page(visitor: Visitor, seq: int) -> list[str]:
    """Return every page, with the event and the dead letter masked and not."""
    visitor.get()
    replies = [
        visitor.get(),
        visitor.get("events/1"),
        visitor.post("events/1"),
        visitor.get(f"letters/{seq}"),
        visitor.post(f"letters/{seq}"),
        visitor.post(f"letters/{seq}/edit", {"payload": HOSTILE}),
        visitor.post("try", {"event": HOSTILE}),
        visitor.post("try", {"event": '{"type": "track", "userId": "u", "event": "<img>&\\u202e"}'}),
        visitor.get("events/999"),
    ]
    assert [reply.status_code for reply in replies] == [200] * 5 + [422] * 2 + [200, 404]
    assert all(reply.headers["content-type"] == "text/html; charset=utf-8" for reply in replies)
    return [reply.text for reply in replies]


@pytest.fixture
def hostile(shop: Shop) -> tuple[Shop, int]:
    event = {**EVENT, "event": HOSTILE, "properties": {HOSTILE: HOSTILE}}
    shop.console.recorder.on_accepted([("m1", f"source {HOSTILE}")])
    shop.finish(event, rejected(f"reason {HOSTILE}"), reply={"errors": [{"detail": HOSTILE}]})
    return shop, shop.bury(event, f"reason {HOSTILE}")


def test_nothing_of_an_event_becomes_markup(hostile: tuple[Shop, int]) -> None:
    shop, seq = hostile
    pages = every_page(shop.visitor(), seq)
    for page in pages:
        found = Tags(page)
        images = [attributes["src"] for tag, attributes in found.tags if tag == "img"]
        assert images == ["/console/static/logo.svg"]
        assert [attributes.get("src") for tag, attributes in found.tags if tag == "script"] == [
            "/console/static/console.js"
        ]
    assert f"reason {SHOWN}" in Tags(pages[0]).text
    assert f"source {SHOWN}" in Tags(pages[0]).text


def test_no_page_holds_a_script_a_style_or_an_address_elsewhere(hostile: tuple[Shop, int]) -> None:
    shop, seq = hostile
    for page in every_page(shop.visitor(), seq):
        for tag, attributes in Tags(page).tags:
            assert tag not in ("style", "base", "iframe", "object")
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            for name in ("src", "href", "action", "formaction"):
                assert attributes.get(name, "/console/").startswith(("/console/", "#")), attributes


def test_every_page_is_for_assistive_technology_too(hostile: tuple[Shop, int]) -> None:
    shop, seq = hostile
    for page in every_page(shop.visitor(), seq):
        tags = Tags(page).tags
        names = [attributes["id"] for _, attributes in tags if "id" in attributes]
        assert len(names) == len(set(names))
        assert sum(tag == "h1" for tag, _ in tags) == 1
        labels = {attributes.get("for") for tag, attributes in tags if tag == "label"}
        fields = [a for tag, a in tags if tag in ("input", "textarea") and a.get("type") != "hidden"]
        assert {field["id"] for field in fields} <= labels


def test_personal_data_is_shown_only_when_it_is_asked_for(shop: Shop) -> None:
    event = {**EVENT, "event": "Order for grace@example.com", "traits": {"grace@example.com": "+1 212 555 0100"}}
    shop.finish(event, failed("Klaviyo answered 400", 400), reply={"errors": [{"detail": "grace@example.com"}]})
    seq = shop.bury(event)
    visitor = shop.visitor()
    for path in ("", "events/1", f"letters/{seq}"):
        text = visitor.get(path).text
        assert "grace@" not in text
        assert "212 555" not in text
    for path in ("events/1", f"letters/{seq}"):
        shown = visitor.post(path).text
        assert shown.count("grace@example.com") >= 2
        assert "+1 212 555 0100" in shown
    assert "59.9" in visitor.post("events/1").text


def test_no_address_holds_personal_data(shop: Shop) -> None:
    shop.finish(EVENT)
    seq = shop.bury(EVENT)
    visitor = shop.visitor()
    for page in (visitor.get(), visitor.get("events/1"), visitor.post(f"letters/{seq}")):
        for _, attributes in Tags(page.text).tags:
            for name in ("href", "action", "formaction"):
                assert re.fullmatch(r"[/#a-z0-9.-]*", attributes.get(name, ""))


def test_an_event_shows_its_requests_and_replies(shop: Shop) -> None:
    shop.console.recorder.on_accepted([("m1", "web")])
    shop.finish(EVENT, failed("Klaviyo answered 400: invalid", 400), reply={"errors": [{"detail": "no such list"}]})
    visitor = shop.visitor()
    home = visitor.get().text
    assert all(text in home for text in ("Order Completed", "web", "Klaviyo answered 400: invalid"))
    masked = visitor.get("events/1").text
    assert all(text in masked for text in ("POST /api/events", "Reply: 400", "total"))
    assert "no such list" not in masked
    assert "no such list" in visitor.post("events/1").text


def test_secrets_are_on_no_page(closed_shop: Shop) -> None:
    event = {**EVENT, "properties": {"note": "pk_of_the_shop and wk_of_the_shop"}}
    closed_shop.finish(event)
    visitor = closed_shop.visitor()
    visitor.post("sign-in", {"password": PASSWORD})
    for page in (
        visitor.get(),
        visitor.post("events/1"),
        visitor.post("try", {"event": '{"type":"track","event":"e","userId":"pk_of_the_shop"}'}, x_fragment="1"),
    ):
        assert page.status_code == 200
        for secret in ("pk_of_the_shop", "wk_of_the_shop", PASSWORD, TOKEN):
            assert secret not in page.text
    assert "set, hidden" in visitor.get().text


def test_the_page_is_whole_without_a_script(shop: Shop) -> None:
    shop.finish(EVENT)
    shop.bury(EVENT)
    text = shop.visitor().get().text
    for panel in PANELS:
        assert f'<div id="{panel}"' in text
    for word in ("Last events", "Dead letters", "Klaviyo's limits", "Try an event", "Configuration", "segment-actions"):
        assert word in text


def test_an_outbox_that_cannot_be_read_is_shown(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise OutboxError("the outbox cannot be read: disk I/O error")

    monkeypatch.setattr(FigureReader, "read", fail)
    visitor = shop.visitor()
    reply = visitor.get()
    assert (reply.status_code, "The outbox cannot be read" in reply.text) == (200, True)
    assert visitor.get("figures.json").status_code == 503


@pytest.mark.parametrize("depth", [200, 400, 900, 2000])
def test_what_is_nested_deeply_is_named(shop: Shop, depth: int) -> None:
    """What is no event is stored as it came."""
    seq = shop.bury(b"[" * depth + b"]" * depth)
    payload = b'{"type": "track", "event": "e", "userId": "u", "x": ' + b"[" * depth + b"]" * depth + b"}"
    shop.console.recorder.on_result(Result(Entry(1, "m", "k", payload, 0.0), rejected("no event")))
    visitor = shop.visitor()
    visitor.get()
    pages = ["events/1", f"letters/{seq}"]
    assert [reply.status_code for page in pages for reply in (visitor.get(page), visitor.post(page))] == [200] * 4


def test_an_event_that_is_tried_again_is_shown_with_its_last_reply(shop: Shop) -> None:
    shop.finish(EVENT, failed("Klaviyo answered 503"), reply={"errors": []}, due=time.time() + 40)
    visitor = shop.visitor()
    text = " ".join(Tags(visitor.get().text).text.split())
    assert "Klaviyo answered 503 to be retried" in text
    event = visitor.get("events/1").text
    assert "Next try" in event
    assert "Finished" not in event
    assert "Reply: 400" in event


def test_events_that_wait_for_long_are_listed(shop: Shop) -> None:
    new, old = {**EVENT, "messageId": "m2", "event": "Just Now"}, {**EVENT, "event": "Long <b>Ago</b>"}
    shop.outbox.append([("m1", "k", orjson.dumps(old)), ("m3", "k", b"no JSON")], now=time.time() - 90)
    shop.outbox.append([("m2", "k", orjson.dumps(new))])
    shop.console.recorder.on_accepted([("m1", "web")])
    text = " ".join(Tags(shop.visitor().get().text).text.split())
    assert "Waiting longest 1 min track Long <b>Ago</b> web; waits for its turn or a reply" in text
    assert "not an event other" in text
    assert "Just Now" not in text
    (first, *_) = shop.outbox.read(0, 1)
    shop.outbox.settle([Settlement(first, due=time.time() + 300, tries=2, first_try=1.0)])
    text = " ".join(Tags(shop.visitor().get().text).text.split())
    assert re.search(r"web; next try in [45] min; tried 2 times", text)


def test_the_configuration_of_a_shadow_is_shown_without_its_vendors_settings(tmp_path: Path) -> None:
    section = '[shadow]\nvendor = "segment-classic"\nshare = 0.25\n[shadow.settings]\nprivate_key = "pk_of_the_shadow"'
    page = Shop(tmp_path, more=section).visitor().get().text
    assert "[shadow]" in page
    assert "0.25" in page
    assert "pk_of_the_shadow" not in page


def test_the_panels_show_what_the_worker_reports(shop: Shop) -> None:
    report = WorkerReport(
        vendor="rudderstack",
        last_minute=(TypeCount("track", "delivered", 1234),),
        minutes=(MinuteCount(int(time.time()), {"delivered": 1234}),),
        paused=Pause("Klaviyo does not accept the private key (401)", 25.0),
        circuits=(OpenCircuit("create_event", 3.0),),
        limits=(LimitUse("create_event", 0.5),),
    )
    lease = shop.outbox.acquire("another process", 15.0)
    assert lease is not None
    assert lease.renew(write_report(report))
    text = shop.visitor().get().text
    assert "1,234" in text
    assert "does not accept the private key" in text
    assert "create_event" in text
