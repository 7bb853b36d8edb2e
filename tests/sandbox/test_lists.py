"""Lists: making, finding, paging, adding and removing people."""

from urllib.parse import parse_qs, urlsplit

from klavier.klaviyo.revisions import CURRENT
from klavier.sandbox import Sandbox
from tests.support.klaviyo import create, get, members, post


def made(sandbox: Sandbox, name: str, revision: str = CURRENT, **more: str) -> str | None:
    body = {"data": {"type": "list", "attributes": {"name": name, **more}}}
    return sandbox.send(post("/api/lists", body, revision)).data_id


def people(sandbox: Sandbox, count: int) -> list[str]:
    return [str(sandbox.send(create(external_id=f"u{n}")).data_id) for n in range(count)]


def test_a_list_is_made_with_an_opt_in_process(sandbox: Sandbox) -> None:
    plain, single = made(sandbox, "Plain"), made(sandbox, "Single", opt_in_process="single_opt_in")
    shown = {found["id"]: found["opt_in_process"] for found in sandbox.state()["lists"]}
    assert shown == {plain: "double_opt_in", single: "single_opt_in"}
    assert made(sandbox, "Old", "2025-07-15", opt_in_process="single_opt_in") is None
    answer = sandbox.send(get(f"/api/lists/{single}")).json["data"]
    assert (answer["id"], answer["attributes"]["name"]) == (single, "Single")
    assert sandbox.send(get("/api/lists/NOLIST")).status == 404


def test_adding_and_removing_by_id(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters", id="Y6nRLr")
    one, two, three = people(sandbox, 3)
    response = sandbox.send(members("POST", list_id, one, two))
    assert (response.status, response.json) == (204, None)
    assert sandbox.send(members("POST", list_id, two, three)).status == 204
    assert sandbox.send(members("DELETE", list_id, one)).status == 204
    assert sandbox.state()["lists"][0]["profiles"] == [two, three]
    answer = sandbox.send(get(f"/api/lists/{list_id}/relationships/profiles")).json["data"]
    assert answer == [{"type": "profile", "id": two}, {"type": "profile", "id": three}]


def test_unknown_profiles_are_refused_by_name(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters")
    (one,) = people(sandbox, 1)
    for method in ("POST", "DELETE"):
        response = sandbox.send(members(method, list_id, one, "01X", "01Y"))
        assert (response.status, response.errors[0].pointer) == (400, "/data/")
        assert response.errors[0].detail == "Invalid profile IDs: 01X, 01Y"
    assert sandbox.state()["lists"][0]["profiles"] == []


def test_an_unknown_list(sandbox: Sandbox) -> None:
    (one,) = people(sandbox, 1)
    for method in ("POST", "DELETE"):
        assert sandbox.send(members(method, "NOLIST", one)).status == 404


def test_a_thousand_at_once(sandbox: Sandbox) -> None:
    list_id = sandbox.add_list("Letters")
    ids = people(sandbox, 1001)
    assert sandbox.send(members("POST", list_id, *ids)).status == 400
    assert sandbox.send(members("POST", list_id, *ids[:1000])).status == 204
    assert sandbox.send(members("POST", list_id)).status == 400


def test_a_list_id_is_quoted_in_the_path(sandbox: Sandbox) -> None:
    sandbox.add_list("Odd", id="a/b c")
    assert sandbox.send(get("/api/lists/a%2Fb%20c")).data_id == "a/b c"
    assert sandbox.send(get("/api/lists/a/b c")).status == 404


def test_lists_come_in_pages_of_ten(sandbox: Sandbox) -> None:
    names = [f"List {n}" for n in range(25)]
    for name in names:
        sandbox.add_list(name)
    seen: list[str] = []
    params: dict[str, str] = {}
    for _ in range(3):
        document = sandbox.send(get("/api/lists", params)).json
        seen += [found["attributes"]["name"] for found in document["data"]]
        link = document["links"]["next"]
        params = {key: value[0] for key, value in parse_qs(urlsplit(link or "").query).items()}
    assert seen == names
    assert not params


def test_lists_by_name(sandbox: Sandbox) -> None:
    for name in ("A", "B", 'The "best"'):
        sandbox.add_list(name)

    def found(text: str) -> list[str]:
        return [f["attributes"]["name"] for f in sandbox.send(get("/api/lists", {"filter": text})).json["data"]]

    assert found('equals(name,"B")') == ["B"]
    assert found(r'any(name,["A","The \"best\""])') == ["A", 'The "best"']
