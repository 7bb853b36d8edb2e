"""The page of `klavier migrate`: three columns, consent first, and safe whatever settings say."""

import re

import pytest
from attrs import evolve

import klavier
from klavier.migration.page import page
from klavier.migration.portable import Decision
from tests.comparison.test_page import HOSTILE, Reader

SETTINGS = {"consent": ["email", "sms"], "flatten_properties": True, "list_id": "XUepkK"}


@pytest.fixture
def migration() -> klavier.Migration:
    return klavier.migrate("rudderstack", "segment-actions", SETTINGS)


def titles(text: str) -> list[str]:
    return re.findall(r"<h2>(.*?)<small>", text)


def test_consent_comes_first(migration: klavier.Migration) -> None:
    found = titles(page(migration))
    assert found[:2] == ["Consent", "To decide and to set"]
    assert found[-1] == "Carried over"
    consent = page(migration).split("<h2>Consent")[1].split("</section>")[0]
    assert "<li>email, sms</li>" in consent
    assert "the channels that subscribing is for" in consent
    assert "profile attributes" not in consent


def test_revenue_comes_before_events() -> None:
    found = titles(page(klavier.migrate("segment-classic", "segment-actions", {})))
    assert found.index("Revenue") < found.index("Events and their metrics")


def test_every_difference_has_both_sides_and_what_to_do(migration: klavier.Migration) -> None:
    text = page(migration)
    read = Reader(text)
    cells = [attributes.get("data-label") for tag, attributes in read.tags if tag == "td"]
    assert cells == ["before", "after", "to do"] * len(migration.not_carried)
    for each in migration.not_carried:
        assert len(each.before) == len(each.after) == len(each.lines)
        assert each.consequence in read.text
        assert all(line in read.text for line in (*each.before, *each.after))


def test_nothing_of_the_settings_becomes_markup(migration: klavier.Migration) -> None:
    hostile = evolve(
        migration,
        source=HOSTILE,
        decisions=(Decision(HOSTILE, HOSTILE),),
        not_carried=tuple(evolve(each, before=(HOSTILE,), after=(HOSTILE,)) for each in migration.not_carried),
    )
    text = page(hostile, [(HOSTILE, HOSTILE)])
    read = Reader(text)
    assert not {"script", "img"} & {tag for tag, _ in read.tags}
    assert not any(name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert "<img src=x onerror='alert(1)'>" in read.text


def test_nothing_to_do_is_said() -> None:
    same = klavier.migrate("rudderstack", "rudderstack", {}, changes={})
    assert "All was carried over" in page(same)
