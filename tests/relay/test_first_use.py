"""The first use of a relay: in an empty folder, with nothing but a vendor and a key."""

import stat
from pathlib import Path

import klavier
from klavier.outbox import SqliteOutbox
from tests.support.waiting import LONG


def test_the_first_event_makes_a_private_outbox_and_is_delivered(tmp_path: Path) -> None:
    (tmp_path / "klavier.toml").write_text('vendor = "rudderstack"\n[klaviyo]\nprivate_api_key = "pk_first"\n')
    sandbox = klavier.Sandbox(private_api_key="pk_first")
    with klavier.open(tmp_path / "klavier.toml", transport=sandbox.transport()) as relay:
        assert relay.track("Signed Up", {"plan": "pro"}, user_id="u1")
        assert relay.flush(LONG) == klavier.Counts(delivered=1)
    assert [event["metric"] for event in sandbox.state()["events"]] == ["Signed Up"]
    assert stat.S_IMODE((tmp_path / "klavier.db").stat().st_mode) == 0o600
    outbox = SqliteOutbox(tmp_path / "klavier.db")
    assert outbox.status().waiting == outbox.status().dead == 0
    outbox.close()
