"""The recipe for Kafka on the page of sources, against the broker that confluent-kafka brings along."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

import klavier
from tests.support.repository import ROOT
from tests.support.waiting import LONG

confluent_kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

PAGE = (ROOT / "docs" / "how-to" / "sources.md").read_text("utf-8")


def recipe() -> Any:
    """Return the function `forward` of the page."""
    (block,) = (found for found in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "def forward" in found)
    namespace: dict[str, Any] = {}
    exec(block, namespace)  # noqa: S102 -- the page's own code
    return namespace["forward"]


def test_messages_are_stored_before_they_are_committed(tmp_path: Path) -> None:
    producer = confluent_kafka.Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = ",".join(f"{each.host}:{each.port}" for each in producer.list_topics(timeout=LONG).brokers.values())
    for number in range(20):
        event = f'{{"type":"track","event":"Ordered","userId":"u{number % 3}","messageId":"m{number}"}}'
        producer.produce("events", key=f"u{number % 3}", value=event)
    assert producer.flush(LONG) == 0
    settings = {"group.id": "klavier", "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = confluent_kafka.Consumer({"bootstrap.servers": brokers, **settings})
    consumer.subscribe(["events"])
    sandbox = klavier.Sandbox()
    config = {
        "vendor": "rudderstack",
        "klaviyo": {"private_api_key": "pk_sandbox"},
        "delivery": {"outbox": str(tmp_path / "klavier.db")},
    }
    deadline = time.monotonic() + LONG
    with klavier.open(config, transport=sandbox.transport()) as relay:

        def is_done() -> bool:
            return len(sandbox.state()["events"]) >= 20 or time.monotonic() > deadline

        recipe()(consumer, relay, is_done)
    committed = consumer.committed([confluent_kafka.TopicPartition("events", n) for n in range(4)], timeout=LONG)
    consumer.close()
    assert sum(max(0, partition.offset) for partition in committed) == 20
    assert sorted(int(event["unique_id"][1:]) for event in sandbox.state()["events"]) == list(range(20))
