"""Hypothesis strategies for events: realistic ones mixed with hostile ones."""

from klavier.testing.extra import hypothesis as _needed  # noqa: F401 -- raises an error with the remedy where it is missing
from klavier.testing.strategies.events import aliases, events, groups, identifies, pages, screens, tracks
from klavier.testing.strategies.payloads import Payload, freshpaint_payloads, payloads, plain_payloads
from klavier.testing.strategies.people import Person, emails, odd_emails, odd_phones, people, phones, traits
from klavier.testing.strategies.replies import replies
from klavier.testing.strategies.shop import event_names, products, properties
from klavier.testing.strategies.streams import stream_payloads, streams
from klavier.testing.strategies.values import (
    deep_values,
    json_objects,
    json_values,
    keys,
    numbers,
    odd_ids,
    scalars,
    texts,
)

__all__ = [
    "Payload",
    "Person",
    "aliases",
    "deep_values",
    "emails",
    "event_names",
    "events",
    "freshpaint_payloads",
    "groups",
    "identifies",
    "json_objects",
    "json_values",
    "keys",
    "numbers",
    "odd_emails",
    "odd_ids",
    "odd_phones",
    "pages",
    "payloads",
    "people",
    "phones",
    "plain_payloads",
    "products",
    "properties",
    "replies",
    "scalars",
    "screens",
    "stream_payloads",
    "streams",
    "texts",
    "tracks",
    "traits",
]
