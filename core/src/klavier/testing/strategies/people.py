"""People: who an event is about, spelt the ways that senders spell it."""

from functools import cache
from itertools import combinations, product
from typing import Any

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from klavier.testing.strategies.members import some_of

_FIRST = ("Ada", "Zoë", "李", "O'Brien", "Jean-Luc", "  padded ", "")
_LAST = ("Lovelace", "de Armas", "Van der Berg", "Müller", "X", "")
_DOMAINS = ("shop.test", "Example.co.uk", "mail.example.org", "klavier.example")
_ODD_EMAILS = (
    "",
    "not an email",
    "a@b",
    "ada@localhost",
    "@x.test",
    " spaced@shop.test ",
    "ADA@SHOP.TEST",
    "a@b@c.test",
)
_PHONES = ("+14155550132", "+442071838750", "+4915123456789")
_ODD_PHONES = (
    "(415) 555-0132",
    "0049 151 23456789",
    "5550132",
    "",
    "n/a",
    "+",
    "+1",
    14155550132,
    "+999999999999999999",
)

_NAMES = (
    ("firstName", "lastName"),
    ("first_name", "last_name"),
    ("firstname", "lastname"),
    ("$first_name", "$last_name"),
)
_PLACES = ("city", "region", "state", "country", "zip", "postalCode", "postal_code", "street", "timezone")


@frozen
class Person:
    """One person: the ids and the traits that their events carry."""

    user_id: str
    anonymous_id: str
    email: str
    phone: str
    first_name: str
    last_name: str


@cache
def emails() -> SearchStrategy[str]:
    """Return e-mail addresses that Klaviyo takes."""
    local = st.sampled_from(("ada", "Bob.Smith+tag", "zoe_9", "o'brien", "x"))
    numbers, domains = st.integers(0, 99_999), st.sampled_from(_DOMAINS)
    return st.builds(lambda name, number, domain: f"{name}{number}@{domain}", local, numbers, domains)


@cache
def odd_emails() -> SearchStrategy[str]:
    """Return strings that senders put where an e-mail address belongs."""
    return st.sampled_from(_ODD_EMAILS)


@cache
def phones() -> SearchStrategy[str]:
    """Return phone numbers in E.164."""
    return st.sampled_from(_PHONES)


@cache
def odd_phones() -> SearchStrategy[Any]:
    """Return what senders put where a phone number belongs."""
    return st.sampled_from(_ODD_PHONES)


@cache
def people() -> SearchStrategy[Person]:
    """Return people with every id known and well formed; two people with one id do not occur."""
    names = st.sampled_from(tuple(product(_FIRST, _LAST, _DOMAINS, _PHONES)))
    return st.builds(lambda number, chosen: _person(number, *chosen), st.integers(0, 10**6), names)


@st.composite
def traits(draw: DrawFn, person: Person | None = None) -> dict[str, Any]:
    """Return the traits of an identify event: some of the usual ones, spelt in one of the usual ways."""
    person = draw(_people) if person is None else person
    first, last = draw(_name_keys)
    usual: dict[str, Any] = {
        "email": person.email,
        "phone": person.phone,
        first: person.first_name,
        last: person.last_name,
        "name": f"{person.first_name} {person.last_name}",
        "company": {"name": "Analytical Engines", "employees": 12},
    }
    left_out = draw(_left_out)
    found = {name: value for i, (name, value) in enumerate(usual.items()) if i not in left_out}
    return found | draw(_more_traits)


@cache
def addresses() -> SearchStrategy[dict[str, Any]]:
    """Return postal addresses, each with some of the usual members."""
    places = st.sampled_from(("Paris", "Île-de-France", "FR", "75001", 75001, "1 Rue de Rivoli", None, ""))
    return st.dictionaries(st.sampled_from(_PLACES), places, max_size=4)


def _person(number: int, first: str, last: str, domain: str, phone: str) -> Person:
    # The number is in every id, so that two people never share one.
    suffix = f"{number:07d}"
    return Person(f"user-{suffix}", f"anon-{suffix}", f"p{suffix}@{domain}", phone[:-7] + suffix, first, last)


# Built once: hypothesis validates a strategy at its first use, and most of the time would go there.
_people = people()
_name_keys = st.sampled_from(_NAMES)
_left_out = st.sampled_from([set(chosen) for size in range(5) for chosen in combinations(range(6), size)])
_more_traits = some_of(
    {
        "address": addresses(),
        "title": st.sampled_from(("Engineer", "", None)),
        "position": st.just("CTO"),
        "organization": st.just("Engines Ltd"),
        "image": st.just("https://img.test/a.png"),
        "city": st.sampled_from(("Paris", None)),
        "zip": st.sampled_from((12345, "75001")),
        "timezone": st.sampled_from(("Europe/Paris", "")),
        "plan": st.sampled_from(("Gold", ["Gold", "Silver"], {"name": "Gold"}, 0, False)),
    },
)
