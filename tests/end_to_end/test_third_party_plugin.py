"""A plugin that is none of ours: written by `klavier new-vendor` in a fresh environment, built, installed, and used."""

import json
import shutil
from collections.abc import Iterator
from importlib import metadata

import pytest

from klavier.sandbox import Sandbox
from klavier.sandbox.server import SandboxServer
from tests.support.environments import Environment, build
from tests.support.repository import ROOT, modules

TEMPLATE = ROOT / "docs" / "plugin-template"
INSTALLED = ("klavier", "klavier-rudderstack")
FEWER_EXAMPLES = """
from hypothesis import settings

settings.register_profile("quick", max_examples=8, derandomize=True, deadline=None)
settings.load_profile("quick")
"""
LETTERS = (
    {"post": "p-1", "by": "u1", "at": "2024-06-30T12:00:00Z", "is": {"plan": "Gold"}},
    {"post": "p-2", "by": "u1", "at": "2024-06-30T12:00:01Z", "did": "Bought Seed", "with": {"grams": 5}},
    {"type": "track", "messageId": "m-3", "userId": "u2", "event": "Flew", "timestamp": "2024-06-30T12:00:02Z"},
)
CONFIG = """
vendor = "pigeonry"

[klaviyo]
private_api_key = "pk_sandbox"

[vendors.pigeonry]
prefix = "Post: "
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with wheels of klavier, one of its vendors and the plugin; all else is lent."""
    dist = tmp_path_factory.mktemp("dist")
    for source in (ROOT, ROOT / "plugins" / "rudderstack"):
        build(source, dist, "wheel")
    fresh = Environment(tmp_path_factory.mktemp("fresh"))
    needed = [text for name in INSTALLED for text in metadata.requires(name) or () if "extra ==" not in text]
    fresh.lend([*(text for text in needed if not text.startswith("klavier")), "hypothesis", "pytest"])
    fresh.pip_install("--find-links", dist, "klavier-rudderstack")
    copy = tmp_path_factory.mktemp("src") / "pigeonry"
    klavier(fresh, "new-vendor", "pigeonry", "--output", str(copy))
    build(copy, dist, "wheel")
    fresh.pip_install("--find-links", dist, "klavier-pigeonry")
    shutil.copytree(copy / "tests", fresh.cwd / "tests")
    (fresh.cwd / "conftest.py").write_text(FEWER_EXAMPLES)
    (fresh.cwd / "klavier.toml").write_text(CONFIG)
    (fresh.cwd / "letters.jsonl").write_text("".join(f"{json.dumps(letter)}\n" for letter in LETTERS))
    return fresh


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with SandboxServer(sandbox) as server:
        yield sandbox, server.url


def klavier(environment: Environment, *arguments: str) -> str:
    return environment.run(environment.scripts / "klavier", *arguments)


def test_it_is_short() -> None:
    code = [path for path in modules("docs/plugin-template") if path.parent.name != "tests"]
    assert sum(len(path.read_text("utf-8").splitlines()) for path in code) < 60


def test_it_is_listed_with_its_version_and_settings(environment: Environment) -> None:
    listed = klavier(environment, "vendors")
    assert "pigeonry     1.0.0" in listed
    assert "rudderstack" in listed
    assert "broken" not in listed
    assert "prefix" in klavier(environment, "vendors", "pigeonry")


def test_its_letters_are_planned(environment: Environment) -> None:
    lines = [
        json.loads(line) for line in klavier(environment, "plan", "letters.jsonl", "--format", "jsonl").splitlines()
    ]
    assert [line["outcome"]["kind"] for line in lines] == ["delivered"] * 3
    names = [
        line["requests"][0]["json"]["data"]["attributes"]["metric"]["data"]["attributes"]["name"] for line in lines
    ]
    assert names == ["Post: Facts", "Post: Bought Seed", "Post: Flew"]


@pytest.mark.parametrize("bulk", [(), ("--bulk", "max")])
def test_its_letters_are_sent(environment: Environment, served: tuple[Sandbox, str], bulk: tuple[str, ...]) -> None:
    sandbox, url = served
    assert "delivered  " in klavier(environment, "send", "letters.jsonl", "--sandbox", url, *bulk)
    state = sandbox.state()
    assert {event["unique_id"] for event in state["events"]} == {"p-1", "p-2", "m-3"}
    profile = sandbox.profile("u1")
    assert profile is not None
    assert profile["properties"] == {"plan": "Gold"}


def test_another_vendor_takes_its_letters(environment: Environment, served: tuple[Sandbox, str]) -> None:
    sandbox, url = served
    klavier(environment, "send", "letters.jsonl", "--vendor", "rudderstack", "--sandbox", url)
    assert {metric["name"] for metric in sandbox.state()["metrics"]} == {"Bought Seed", "Flew"}


def test_it_keeps_what_every_vendor_promises(environment: Environment) -> None:
    """The tests that the plugin brings, with the conformance class, from where it is installed."""
    words = ("-q", "-p", "no:cacheprovider", "-W", "error", "tests")
    assert "15 passed" in environment.run(environment.python, "-m", "pytest", *words)
