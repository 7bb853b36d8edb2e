"""A migration as one web page: before, after, and what a person must do, consent and revenue first."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from attrs import field, frozen
from markupsafe import Markup

from klavier.pages.environment import shared_style, template_environment

if TYPE_CHECKING:
    from klavier.migration.model import Migration, NotCarried

_TOPICS: Sequence[tuple[str, frozenset[str]]] = (
    ("Consent", frozenset({"consent"})),
    ("Revenue", frozenset({"value", "currency"})),
    ("Events and their metrics", frozenset({"metrics", "outcomes"})),
    ("Lists", frozenset({"lists"})),
    ("Profiles", frozenset({"people", "identifiers", "attributes", "location", "properties"})),
    ("Event properties", frozenset({"event properties", "unique id"})),
)
"""The topics of a page in their order, each with the parts of an account that it is about; the first that fits."""

_GENERAL = "The vendors as a whole"


@frozen
class Row:
    """One line of the page: what it is about, the texts of both sides, and what to do or to know."""

    about: str
    before: Sequence[str]
    after: Sequence[str]
    todo: str
    settings: Sequence[str] = field(factory=tuple)


def page(migration: "Migration", about: Sequence[tuple[str, str]] = ()) -> str:
    """Write the page as HTML; `about` are lines on where the migration comes from, each with its title."""
    main = [each for each in migration.not_carried if not each.fine]
    topics = [(title, rows) for title, rows in _by_topic(main) if rows]
    fine = [_row(each) for each in migration.not_carried if each.fine]
    style = (files("klavier.migration") / "templates" / "page.css").read_text("utf-8")
    return (
        template_environment("klavier.migration")
        .get_template("page.html")
        .render(
            source=migration.source,
            target=migration.target,
            about=about,
            decisions=[Row(each.place, (), (), each.text) for each in migration.decisions],
            to_set=migration.to_set,
            topics=topics,
            fine=fine,
            kept=[each.setting for each in migration.carried if not each.is_idle],
            idle=[each.setting for each in migration.carried if each.is_idle],
            changes=len(main),
            style=Markup(shared_style() + style),  # noqa: S704 -- files of ours
        )
    )


def _by_topic(differences: Sequence["NotCarried"]) -> Iterator[tuple[str, list[Row]]]:
    """Sort differences into the topics of the page."""
    found: dict[str, list[Row]] = {title: [] for title in (*(title for title, _ in _TOPICS), _GENERAL)}
    for each in differences:
        found[_topic_of(each)].append(_row(each))
    yield from found.items()


def _topic_of(each: "NotCarried") -> str:
    """Return the topic of what a difference touches first; the further parts are those that it can show in as well."""
    touched = set(each.touches[:2])
    return next((title for title, parts in _TOPICS if touched & parts), _GENERAL)


def _row(each: "NotCarried") -> Row:
    return Row(each.about, each.before, each.after, each.consequence, each.settings)
