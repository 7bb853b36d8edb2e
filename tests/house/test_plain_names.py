"""No module, class, function or page uses a name that was replaced by the field's term."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import modules, name, pages

RETIRED_NAMES = frozenset(
    [
        "Dispatcher",
        "Runner",
        "Voyage",
        "Convoy",
        "Traveller",
        "Passenger",
        "Leg",
        "Landed",
        "Lanes",
        "Turns",
        "Pool",
        "Parcel",
        "Door",
        "Gate",
        "Courier",
        "Pacer",
        "Crew",
        "Patient",
        "Feed",
        "InBulk",
        "Parts",
        "Unsayable",
        "Refused",
        "Skip",
        "Skipped",
        "Points",
        "Differences",
        "depart",
        "land",
        "leave",
        "embark",
        "boarded",
        "park",
        "behind",
        "take_heaviest",
        "lone",
        "hurried",
        "modest",
        "pressed",
        "let_go",
        "is_down",
        "admit",
        "learn",
        "bury",
        "revive",
        "forget",
        "claim",
        "always",
        "fault_of",
        "mistakes",
        "offers",
        "told",
        "of_x",
    ]
)
"""Names of classes, functions and methods that have a standard term; docs/reference/glossary.md has the terms."""

RETIRED_MODULES = frozenset(
    [
        "dispatcher",
        "voyage",
        "convoy",
        "passenger",
        "leg",
        "endings",
        "lanes",
        "turns",
        "pool",
        "courier",
        "pacing",
        "verdict",
        "letters",
        "collector",
        "crew",
        "patience",
        "feed",
        "in_bulk",
        "accepting",
        "beside",
        "stored",
        "stopping",
        "resuming",
        "meter",
        "tally",
        "asjson",
        "mistakes",
        "offers",
        "said",
        "say",
        "origins",
        "saying",
        "spoiling",
        "survival",
        "hashes",
        "likeness",
        "holdings",
        "hiding",
        "about_events",
        "about_lists",
        "about_people",
        "parcel",
        "points",
        "plain",
        "replay",
    ]
)

RETIRED_WORDS = re.compile(
    r"voyages?|convoys?|passengers?|travellers?|couriers?|embarks?|unsayable|whosever|to the letter|better day"
    r"|documents and deeds|has to be gone|said to Klaviyo|said through|goes the way of|come to nothing|let go of",
    re.IGNORECASE,
)

MODULES = [path for path in modules("core/src", "plugins/*/src") if "tables" not in path.parts]


def defined_names(path: Path) -> Iterator[str]:
    """Name every class and function of a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def called_names(path: Path) -> set[str]:
    """Name every function that a module calls by its bare name."""
    return {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_no_retired_name_is_defined() -> None:
    assert [name(path) for path in MODULES if path.stem in RETIRED_MODULES] == []
    names = {
        name(path): {found for found in defined_names(path) if found.lstrip("_") in RETIRED_NAMES} for path in MODULES
    }
    assert {path: found for path, found in names.items() if found} == {}


def test_no_retired_word_is_used() -> None:
    words = {name(path): set(RETIRED_WORDS.findall(path.read_text("utf-8"))) for path in [*MODULES, *pages()]}
    assert {path: found for path, found in words.items() if found} == {}


def test_no_code_is_generated() -> None:
    calls = {name(path): called_names(path) & {"exec", "eval", "compile"} for path in MODULES}
    assert {path: found for path, found in calls.items() if found} == {}
