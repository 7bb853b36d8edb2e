"""The texts around the rows of a report, so that several commands show the same table and page."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from klavier.comparison.report import Comparison, DifferenceKind, Note
from klavier.comparison.wording import count, facts, headlines


@frozen
class Frame:
    """The texts around the rows of a report.

    `title` is the first line of the table, `lead` the one of the page; `headlines` are the sentences at the top,
    `facts` the figures of both sides, and `notes` the sections below the rows, each with its title.
    """

    command: str
    title: str
    lead: str
    headlines: Sequence[str]
    facts: Sequence[tuple[str, str, str]]
    notes: Sequence[tuple[str, tuple[Note, ...]]] = field(repr=False)
    footer: str
    words: Mapping[DifferenceKind, str] = field(factory=dict)
    """How the sides differ, in words for each kind; those of `klavier diff` for kinds that are not in it."""
    about: Sequence[tuple[str, str]] = ()
    """What was compared, for whoever is given the page: files, dates, versions and settings, each with its title."""


def diff_frame(found: Comparison, about: Sequence[tuple[str, str]] = ()) -> Frame:
    """Return the frame of `klavier diff`."""
    left, right, events = found.left, found.right, count(found.events, "event")
    return Frame(
        "klavier diff",
        f"{events} with {left.name} and with {right.name}",
        f"What would change in your Klaviyo account, after {events}.",
        headlines(found),
        tuple(facts(left, right)),
        (
            (f"Notes of {left.name}", left.notes),
            (f"Notes of {right.name}", right.notes),
            ("Lines that are no events, compared nowhere", found.unread),
        ),
        "Both sides delivered into a Klaviyo inside one process; nothing was sent.",
        about=about,
    )
