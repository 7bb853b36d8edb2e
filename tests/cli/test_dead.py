"""`klavier dead`: list, show, retry and export the events that were given up."""

import json
import stat
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from attrs import evolve

import klavier
from klavier.outbox import Settlement, SqliteOutbox
from tests.cli.conftest import Run
from tests.support.terminal import Terminal
from tests.support.waiting import LONG

ACCEPTED = httpx.Response(202, json={})


@pytest.fixture
def letters(folder: Path) -> Path:
    """Let one event fail at Klaviyo and one be rejected, with one delivered between them."""
    (folder / "klavier.toml").write_text(
        'vendor = "little"\n[klaviyo]\nprivate_api_key = "pk_secret_one"\n[delivery]\noutbox = "klavier.db"\n'
    )

    def reply(request: httpx.Request) -> httpx.Response:
        is_bad = b"ada@shop.test" in request.content
        return httpx.Response(400, json={"errors": [{"detail": "ada@shop.test is bad"}]}) if is_bad else ACCEPTED

    with klavier.open(folder / "klavier.toml", transport=httpx.MockTransport(reply)) as relay:
        relay.track("Signed Up", {"email": "ada@shop.test"}, user_id="u1")
        relay.track("Signed In", user_id="u1")
        relay.track("Nobody", anonymous_id="a1")
        assert relay.flush(LONG) == klavier.Counts(delivered=1, failed=1, rejected=1)
    return folder


@pytest.mark.usefixtures("letters")
def test_the_list_shows_outcomes_without_personal_data(run: Run) -> None:
    lines = run("dead", "list").output.splitlines()
    assert lines[0].split() == ["seq", "event", "vendor", "cause", "age", "reason"]
    assert [line.split()[:5] for line in lines[1:3]] == [
        ["1", "track", "Signed", "Up", "little"],
        ["3", "track", "Nobody", "little", "rejected"],
    ]
    assert "failed with 400" in lines[1]
    assert lines[3] == "2 dead letters"
    assert "ada@" not in run("dead", "list").output
    objects = [json.loads(line) for line in run("dead", "list", "--format", "jsonl").output.splitlines()]
    assert [(found["seq"], found["kind"], found["status"]) for found in objects] == [
        (1, "failed", 400),
        (3, "rejected", None),
    ]
    first = objects[0]
    assert (first["type"], first["name"], first["vendor"], first["tries"]) == ("track", "Signed Up", "little", 1)
    assert 0 <= first["age"] < LONG
    assert first["accepted"] <= first["time"]
    assert datetime.fromisoformat(first["time"]).tzinfo is not None
    assert run("dead", "list", "--limit", "1").output.endswith("2 dead letters, 1 shown\n")


@pytest.mark.usefixtures("letters")
def test_letters_are_counted_by_cause(run: Run) -> None:
    outbox = SqliteOutbox("klavier.db")
    (letter, *_) = outbox.dead_letters()
    outbox.append([("again", "k", letter.payload), ("none", "k", b"no JSON")])
    again, none = outbox.read(0, 10)
    same = evolve(letter, seq=again.seq, message_id="again", died=letter.died + 60)
    odd = evolve(letter, seq=none.seq, message_id="none", payload=b"no JSON", vendor="")
    outbox.settle([Settlement(again, dead_letter=same), Settlement(none, dead_letter=odd)])
    outbox.close()
    lines = run("dead", "list", "--by", "cause").output.splitlines()
    assert lines[0].split() == ["count", "event", "vendor", "cause", "age", "reason"]
    assert lines[1].split()[:5] == ["2", "track", "Signed", "Up", "little"]
    assert len(lines) == 4
    groups = [json.loads(line) for line in run("dead", "list", "--by", "cause", "--format", "json").output.splitlines()]
    assert [(group["count"], group["first"], group["last"], group["type"]) for group in groups] == [
        (2, 1, again.seq, "track"),
        (1, 3, 3, "track"),
        (1, none.seq, none.seq, None),
    ]
    assert groups[0]["since"] < groups[0]["until"]


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("time", ["yesterday", "7", "-1d", "7 weeks", "2026-13-01"])
def test_a_time_that_is_none_is_named(run: Run, time: str) -> None:
    result = run("dead", "list", f"--since={time}")
    assert result.exit_code == 2
    assert "must be a span such as 30min, 12h or 7d" in result.output


@pytest.mark.usefixtures("letters")
def test_one_letter_is_shown_without_values_unless_asked_for(run: Run) -> None:
    shown = run("dead", "show", "1").output
    assert "Klaviyo answered 400" in shown
    assert '"path": "/api/events"' in shown
    assert "ada@" not in shown
    assert "ada@shop.test" in run("dead", "show", "1", "--payload").output


@pytest.mark.usefixtures("letters")
def test_retried_letters_wait_again(run: Run) -> None:
    assert run("dead", "retry", "3").output == "1 event put back into the queue\n"
    assert run("dead", "retry", "--all").output == "1 event put back into the queue\n"
    assert run("dead", "list").output == "0 dead letters\n"
    outbox = SqliteOutbox("klavier.db")
    assert [json.loads(entry.payload)["event"] for entry in outbox.read(0, 10)] == ["Nobody", "Signed Up"]
    outbox.close()


@pytest.mark.usefixtures("letters")
def test_an_unknown_dead_letter_changes_nothing(run: Run) -> None:
    for words in (["retry", "1", "2"], ["show", "2"]):
        result = run("dead", *words)
        assert result.exit_code == 2
        assert "there is no dead letter 2; klavier dead list shows them" in result.output
    assert run("dead", "list").output.endswith("2 dead letters\n")
    for words in (["retry"], ["retry", "1", "--all"]):
        assert run("dead", *words).exit_code == 2


SELECTIONS = [
    (["1"], [1]),
    (["3", "1", "3"], [1, 3]),
    (["--kind", "failed"], [1]),
    (["--kind", "rejected"], [3]),
    (["--status", "400"], [1]),
    (["--status", "500"], []),
    (["--status", "0"], []),
    (["--reason", "USERID"], [3]),
    (["1", "3", "--kind", "rejected"], [3]),
    (["--event", "signed up"], [1]),
    (["--event", "track"], [1, 3]),
    (["--event", "identify"], []),
    (["--since", "1h"], [1, 3]),
    (["--since", "2100-01-01"], []),
    (["--since", "2000-01-01T00:00:00Z", "--event", "Nobody"], [3]),
    (["--all"], [1, 3]),
]


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(("chosen", "seqs"), SELECTIONS)
def test_every_command_chooses_letters_in_the_same_ways(run: Run, chosen: list[str], seqs: list[int]) -> None:
    def left(*words: str) -> list[int]:
        return [
            json.loads(line)["seq"] for line in run("dead", "list", "--format", "jsonl", *words).output.splitlines()
        ]

    assert left(*chosen) == seqs
    noun = "1 dead letter" if len(seqs) == 1 else f"{len(seqs)} dead letters"
    assert run("dead", "export", "some.jsonl", *chosen).output.startswith(f"{len(seqs)} event")
    deleted = run("dead", "delete", "--yes", *chosen)
    assert (deleted.exit_code, deleted.output.startswith(f"{noun} deleted")) == (0, True)
    assert left() == [seq for seq in (1, 3) if seq not in seqs]


@pytest.mark.usefixtures("letters")
def test_nothing_is_deleted_without_a_choice_and_a_confirmation(run: Run) -> None:
    nobody = run("dead", "delete", "--all")
    assert nobody.exit_code == 2
    assert (
        "Delete 2 dead letters for good (1 failed with 400, 1 rejected): not a terminal: pass --yes to confirm"
        in nobody.output
    )
    for words in ([], ["--yes"], ["--all", "1"], ["2", "--yes"], ["--all", "--kind", "failed"]):
        assert run("dead", "delete", *words).exit_code == 2
    assert run("dead", "list").output.endswith("2 dead letters\n")
    assert run("dead", "delete", "1", "--yes").output == "1 dead letter deleted (1 failed with 400)\n"
    assert run("dead", "delete", "--status", "400").output == "0 dead letters deleted\n"


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize(("answer", "left"), [("n", 2), ("", 2), ("y", 0)])
def test_deleting_is_asked_for_on_a_terminal(run: Run, folder: Path, answer: str, left: int) -> None:
    with Terminal(["dead", "delete", "--all"], folder) as terminal:
        terminal.wait_for("Delete 2 dead letters for good (1 failed with 400, 1 rejected)? [y/N]")
        terminal.type(f"{answer}\n")
        assert terminal.end() == (0 if answer == "y" else 130)
    assert run("dead", "list").output.endswith(f"{left} dead letters\n")


def test_exported_events_can_be_sent_again_and_no_file_is_overwritten(run: Run, letters: Path) -> None:
    assert run("dead", "export", "bad.jsonl").output == "2 events written to bad.jsonl\n"
    names = [json.loads(line)["event"] for line in (letters / "bad.jsonl").read_text().splitlines()]
    assert names == ["Signed Up", "Nobody"]
    assert stat.S_IMODE((letters / "bad.jsonl").stat().st_mode) == 0o600
    piped = run("dead", "export", "-")
    assert (piped.stdout_bytes, piped.stderr) == (
        (letters / "bad.jsonl").read_bytes(),
        "2 events written to standard output\n",
    )
    again = run("dead", "export", "bad.jsonl")
    assert again.exit_code == 2
    assert "exists already; pass the name of a new file" in again.output
    planned = run("plan", "bad.jsonl")
    assert planned.exit_code == 1
    assert "2 events" in planned.output


@pytest.mark.parametrize(("outbox", "why"), [("none.db", "no outbox yet"), ("memory", "is in memory")])
def test_a_missing_outbox_is_reported(run: Run, folder: Path, outbox: str, why: str) -> None:
    (folder / "klavier.toml").write_text(f'vendor = "little"\n[delivery]\noutbox = "{outbox}"\n')
    result = run("dead", "list")
    assert result.exit_code == 2
    assert why in result.output
    assert not (folder / outbox).exists()
