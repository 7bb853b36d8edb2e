"""Who gets in: hosts, proxies, passwords, sessions, form tokens, and the headers of every reply."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from klavier.cli.serve_console import make_console
from klavier.config.load import load_config
from klavier.console import guard
from klavier.console import sessions as sessions_module
from klavier.console.sessions import SESSION_SECONDS, Sessions, SignIn
from klavier.gateway.asgi import Gateway
from tests.support.web_console import EVENT, PASSWORD, TOKEN, Shop, Visitor

PATHS = ["", "live2", "events/1", "letters/1", "sign-in", "static/console.css", "static/console.js", "figures.json"]


@pytest.mark.parametrize("path", PATHS)
def test_every_reply_has_the_headers(shop: Shop, path: str) -> None:
    for address in ("http://127.0.0.1:8080", "http://evil.example"):
        reply = shop.visitor(address).get(path)
        policy = reply.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert reply.headers["x-frame-options"] == "DENY"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] in ("no-store", "no-cache")
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "192.0.2.7", "shop.example"]
)
def test_it_answers_under_names_that_no_stranger_can_claim(closed_shop: Shop, host: str) -> None:
    assert closed_shop.visitor().get("sign-in", host=host).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "shop.example.evil", "[::1"]
)
def test_it_answers_under_no_other_name(closed_shop: Shop, host: str) -> None:
    for path in ("sign-in", "", "static/console.js"):
        assert closed_shop.visitor().get(path, host=host).status_code == 421


@pytest.mark.parametrize(
    "header", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"]
)
def test_an_open_console_is_not_for_those_behind_a_proxy(shop: Shop, closed_shop: Shop, header: str) -> None:
    assert shop.visitor().get("", **{header: "192.0.2.1"}).status_code == 403
    assert closed_shop.visitor().get("sign-in", **{header: "192.0.2.1"}).status_code == 200


@pytest.mark.parametrize("path", [*PATHS, "live"])
def test_head_is_answered_as_get(shop: Shop, closed_shop: Shop, path: str) -> None:
    if path != "live":  # a stream has no end
        for each in (shop, closed_shop):
            get, head = (each.visitor().send(method, path) for method in ("GET", "HEAD"))
            assert (head.status_code, head.headers.get("location")) == (get.status_code, get.headers.get("location"))
    assert shop.visitor().send("HEAD", path).content == b""


def test_head_shows_no_personal_data(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    shop.finish(EVENT)
    with caplog.at_level("INFO"):
        assert shop.visitor().send("HEAD", "events/1").status_code == 200
    assert "personal data" not in caplog.text


def test_an_open_console_begins_a_session_by_itself(shop: Shop) -> None:
    reply = shop.visitor().get()
    assert reply.status_code == 200
    cookie = reply.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/console"))
    assert "Secure" not in cookie


def test_nothing_is_shown_before_signing_in(closed_shop: Shop) -> None:
    closed_shop.finish(EVENT)
    seq = closed_shop.bury(EVENT)
    visitor = closed_shop.visitor()
    for path in ("", "events/1", f"letters/{seq}", "live", "figures.json"):
        reply = visitor.get(path)
        assert (reply.status_code, reply.headers["location"]) == (303, "/console/sign-in")
        reply = visitor.get(path, accept="*/*")
        assert (reply.status_code, reply.text) == (401, "sign in first\n")
    for path in ("letters/delete", "events/1", "try", "sign-out", f"letters/{seq}/edit"):
        assert visitor.post(path, {"all": "yes", "seq": str(seq)}).status_code == 401
    assert closed_shop.outbox.status().dead == 1
    assert "Order" not in visitor.get("sign-in").text


def sign_in(visitor: Visitor, password: str = PASSWORD, **headers: str) -> int:
    return visitor.post("sign-in", {"password": password}, **headers).status_code


@pytest.mark.parametrize("secret", [PASSWORD, TOKEN])
def test_signing_in_and_out(closed_shop: Shop, secret: str) -> None:
    visitor = closed_shop.visitor()
    reply = visitor.post("sign-in", {"password": secret}, x_forwarded_proto="https")
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/")
    assert "Secure" in reply.headers["set-cookie"]
    assert visitor.get().status_code == 200
    assert closed_shop.visitor().get().status_code == 303
    old = visitor.cookie
    assert visitor.post("sign-out").status_code == 303
    assert visitor.cookie == ""
    visitor.cookie = old
    assert visitor.get().status_code == 303


def test_a_wrong_password_is_counted(closed_shop: Shop) -> None:
    visitor = closed_shop.visitor()
    assert [sign_in(visitor, f"{PASSWORD}{n}") for n in range(7)] == [403] * 5 + [429] * 2
    reply = visitor.post("sign-in", {"password": PASSWORD})
    assert reply.status_code == 429
    assert 0 < int(reply.headers["retry-after"]) <= 61
    assert "set-cookie" not in reply.headers
    visitor.peer = "192.0.2.9"
    assert sign_in(visitor) == 303


def test_tries_are_counted_by_address_and_in_all() -> None:
    now = [0.0]
    check = SignIn([PASSWORD], lambda: now[0])
    for _ in range(5):
        assert not check.check("wrong", "a")
    assert (check.wait("a"), check.wait("b")) == (60.0, 0.0)
    now[0] = 60.0
    assert check.wait("a") == 0.0
    assert check.check(PASSWORD, "a")
    for number in range(50):
        check.check("wrong", f"host {number}")
    assert check.wait("somebody else") == 60.0


def test_the_failures_of_others_keep_nobody_out_who_has_signed_in() -> None:
    sign_in = SignIn([PASSWORD], lambda: 100.0)
    assert sign_in.check(PASSWORD, "operator")
    for number in range(60):
        sign_in.check("wrong", f"stranger {number}")
    assert sign_in.wait("operator") == 0.0
    assert sign_in.wait("another stranger") > 0.0
    for _ in range(5):
        sign_in.check("wrong", "operator")
    assert sign_in.wait("operator") > 0.0


def test_no_session_is_chosen_by_a_stranger(closed_shop: Shop) -> None:
    visitor = closed_shop.visitor()
    visitor.cookie = "chosen-by-a-stranger"
    visitor.post("sign-in", {"password": PASSWORD})
    assert visitor.cookie not in ("", "chosen-by-a-stranger")
    stranger = closed_shop.visitor()
    stranger.cookie = "chosen-by-a-stranger"
    assert stranger.get().status_code == 303
    first = visitor.cookie
    visitor.post("sign-in", {"password": PASSWORD})
    assert visitor.cookie != first


@pytest.mark.parametrize("query", ["?next=//evil.example", "?next=https://evil.example/", "?url=/\\evil.example"])
def test_signing_in_leads_to_the_console_and_nowhere_else(closed_shop: Shop, query: str) -> None:
    reply = closed_shop.visitor().post(f"sign-in{query}", {"password": PASSWORD, "next": "https://evil.example"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/console/")


@pytest.mark.parametrize("given", ["", "correct", f"{PASSWORD} ", PASSWORD.upper(), "é", "\ud800"])
def test_only_the_whole_secret_is_accepted(given: str) -> None:
    check = SignIn([PASSWORD, TOKEN], lambda: 0.0)
    assert not check.accepts(given)
    assert check.accepts(PASSWORD)
    assert check.accepts(TOKEN)
    assert not SignIn([], lambda: 0.0).accepts(given)


def test_who_signs_in_is_known_and_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "_MOST_ADDRESSES", 2)
    sign_in = SignIn(["right"], lambda: 0.0)
    for _ in range(2):
        assert not any(sign_in.check("wrong", "first") for _ in range(4))
        assert sign_in.check("right", "first")
        assert sign_in.wait("first") == 0.0
    for address in ("second", "third"):
        assert sign_in.check("right", address)
    for number in range(50):
        sign_in.check("wrong", f"stranger {number}")
    assert [sign_in.wait(address) for address in ("first", "second", "third")] == [60.0, 0.0, 0.0]


def test_sessions_end_and_are_bounded() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    value, session = sessions.begin()
    assert sessions.find(value) is session
    assert value not in repr(sessions.__dict__)
    assert sessions.find(f"{value}x") is None
    now[0] = SESSION_SECONDS
    assert sessions.find(value) is None
    values = [sessions.begin()[0] for _ in range(600)]
    assert sum(sessions.find(each) is not None for each in values) == 500
    assert sessions.find(values[-1]) is not None


def test_a_program_sends_the_token(closed_shop: Shop) -> None:
    closed_shop.bury(EVENT)
    visitor = closed_shop.visitor(authorization=f"Bearer {TOKEN}")
    figures = visitor.get("figures.json")
    assert figures.json()["dead"] == 1
    assert visitor.send("POST", "letters/retry", b"all=yes").status_code == 303
    assert closed_shop.outbox.status().dead == 0
    for wrong in ("Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN):
        assert closed_shop.visitor(authorization=wrong, accept="*/*").get("figures.json").status_code == 401


def test_a_form_needs_the_token_of_its_session(shop: Shop) -> None:
    seq = shop.bury(EVENT)
    visitor, other = shop.visitor(), shop.visitor()
    visitor.get()
    other.get()
    assert visitor.csrf != other.csrf
    form = {"seq": str(seq)}
    for wrong in ("", "x", other.csrf, visitor.csrf[:-1], "é"):
        assert visitor.post("letters/delete", {**form, "csrf": wrong}).status_code == 403
    assert visitor.send("POST", "letters/delete", f"seq={seq}".encode()).status_code == 403
    assert shop.outbox.status().dead == 1
    assert visitor.post("letters/delete", form).status_code == 303
    assert shop.outbox.status().dead == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
def test_forms_of_other_pages_are_refused(shop: Shop, headers: dict[str, str]) -> None:
    seq = shop.bury(EVENT)
    visitor = shop.visitor()
    visitor.get()
    assert visitor.post("letters/delete", {"seq": str(seq)}, **headers).status_code == 403
    assert visitor.post("sign-in", {"password": PASSWORD}, **headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8080", "sec_fetch_site": "same-origin"}
    assert visitor.post("letters/delete", {"seq": str(seq)}, **own).status_code == 303


def test_a_form_is_bounded(shop: Shop, closed_shop: Shop) -> None:
    visitor = shop.visitor()
    visitor.get()
    assert visitor.send("POST", "try", b"event=" + b"x" * 6_000_001).status_code == 413
    assert closed_shop.visitor().send("POST", "sign-in", b"password=" + b"x" * 10_000).status_code == 413
    assert visitor.send("POST", "try", b"\xff\xfe").status_code == 400
    assert visitor.send("POST", "try", b"no form").status_code == 400


def test_a_form_that_does_not_arrive_is_given_up(closed_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_FORM_SECONDS", 0.01)

    async def slow() -> AsyncIterator[bytes]:
        yield b"password="
        await asyncio.sleep(3600)

    assert closed_shop.visitor().send("POST", "sign-in", slow()).status_code == 408


@pytest.mark.parametrize(
    "path", ["static/..%2fapp.py", "static/../app.py", "static/", "static/x.css", "%2e%2e/", "nope"]
)
def test_other_paths_show_nothing(shop: Shop, path: str) -> None:
    visitor = shop.visitor()
    visitor.get()
    assert visitor.get(path).status_code == 404
    assert visitor.post(path).status_code in (404, 405)


def test_pages_that_may_send_events_may_not_read_the_console(shop: Shop) -> None:
    middleware = [Middleware(CORSMiddleware, allow_origins=["*"], allow_headers=["*"])]
    app = shop.console.wrap(Starlette(middleware=middleware))
    visitor = Visitor(app, headers={"origin": "https://shop.example"})
    for path in ("", "../console", "figures.json"):
        assert "access-control-allow-origin" not in visitor.get(path).headers
    preflight = visitor.send("OPTIONS", "", access_control_request_method="GET")
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" in visitor.get("../v1/track").headers


@pytest.mark.parametrize(
    ("host", "section", "is_open"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("localhost", "", True),
        ("0.0.0.0", "", False),  # noqa: S104 -- the address that must not be open
        ("::", "", False),
        ("192.0.2.7", "", False),
        ("127.0.0.1", '[gateway]\ntrusted_proxies = ["127.0.0.1"]', False),
        ("0.0.0.0", '[console]\npassword = "correct horse"', True),  # noqa: S104 -- as above
        ("0.0.0.0", '[console]\ntoken = "0123456789abcdef"', True),  # noqa: S104 -- as above
    ],
)
def test_without_a_password_it_is_for_this_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str, section: str, *, is_open: bool
) -> None:
    file = tmp_path / "klavier.toml"
    file.write_text(
        'vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_x"\n[delivery]\noutbox = "memory"\n'
        f'{section}\n[gateway.sources.web]\nwrite_key = "wk_0123456789"\n'
    )
    config = load_config(file)
    console = make_console(config, Gateway(config, tmp_path), host)
    assert (console is not None) == is_open
    assert ("set password under [console]" in capsys.readouterr().err) != is_open
