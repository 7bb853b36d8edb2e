"""Outcomes counted by kind and cause."""

from klavier.cli.summary import Summary
from klavier.outcome import Outcome, delivered, failed, rejected
from klavier.streams.lines import Line
from klavier.streams.result import Result


def summary_of(*outcomes: Outcome, sources: tuple[str, ...] = ("a",)) -> Summary:
    summary = Summary()
    for number, outcome in enumerate(outcomes, 1):
        line = Line(sources[number % len(sources)], number, b"x" * 1000)
        summary.add(Result(line, None, outcome, outcome.reason))
    return summary


def test_causes_are_listed_with_the_most_frequent_first() -> None:
    summary = summary_of(
        rejected("no id"), failed("500"), rejected("no name"), rejected("no name"), delivered(["a phone"])
    )
    assert summary.exit_code == 1
    assert summary.lines() == [
        "5 events, 0 requests",
        "  delivered         1",
        "  rejected          3",
        "            2  no name (first: line 3)",
        "            1  no id (line 1)",
        "  failed            1",
        "            1  500 (line 2)",
        "  with notes",
        "            1  a phone (line 5)",
    ]


def test_places_name_their_file_where_there_are_several() -> None:
    summary = summary_of(rejected("x"), rejected("y"), sources=("a", "b"))
    assert summary.lines()[2:] == ["            1  x (b line 1)", "            1  y (a line 2)"]


def test_causes_without_end_take_no_memory_without_end() -> None:
    summary = summary_of(*(rejected(f"reason {number}") for number in range(500)))
    assert len(summary.causes["rejected"]) == 51
    assert summary.lines()[2] == "          450  other reasons (first: line 51)"
    assert all(seen.first.text == b"" for seen in summary.causes["rejected"].values())


def test_control_characters_of_a_reason_are_shown_as_escapes() -> None:
    assert summary_of(rejected("a\x1b[31mb")).lines()[2] == "            1  a\\x1b[31mb (line 1)"
