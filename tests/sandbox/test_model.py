"""The sandbox beside a model that is simple enough to be believed: profiles, merging, events, lists.

The model knows people by their identifiers and has no indexes; each rule sends a call to both, and they must agree.
"""

from typing import Any

from attrs import define, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from klavier.sandbox import FakeClock, Sandbox
from tests.support.klaviyo import bulk_import, create, deletion, event, members, patch, profile_data, upsert

EMAILS = st.sampled_from(["a@b.co", "b@b.co", "c@b.co"])
PHONES = st.sampled_from(["+15005550001", "+15005550002"])
EXTERNAL = st.sampled_from(["u1", "u2", "u3"])
DEVICES = st.sampled_from(["d1", "d2"])
STRONG = ("email", "phone_number", "external_id")


def some(**kinds: Any) -> Any:
    """Give attributes with at least one of these identifiers."""
    return st.fixed_dictionaries({}, optional=kinds).filter(bool)


PEOPLE = some(email=EMAILS, phone_number=PHONES, external_id=EXTERNAL)
VISITORS = some(email=EMAILS, phone_number=PHONES, external_id=EXTERNAL, anonymous_id=DEVICES)
NAMES = st.none() | st.sampled_from(["Ada", "Bob"])


@define(eq=False)
class Person:
    """Somebody, as the model knows them."""

    known: dict[str, Any] = field(factory=dict)
    devices: set[str] = field(factory=set)
    name: str | None = None
    events: set[tuple[str, str]] = field(factory=set)
    lists: set[str] = field(factory=set)

    def clashes(self, other: "Person") -> bool:
        return any(k in self.known and k in other.known and self.known[k] != other.known[k] for k in STRONG)


class Account(RuleBasedStateMachine):
    """Calls in any order, to the sandbox and to the model."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox(clock=FakeClock())
        self.people: list[Person] = []
        self.letters = self.sandbox.add_list("Letters")

    # The model --------------------------------------------------------------------------------------------------------

    def owner(self, kind: str, value: str | None) -> Person | None:
        for person in self.people:
            held = person.devices if kind == "anonymous_id" else {person.known.get(kind)}
            if value is not None and value in held:
                return person
        return None

    def owners(self, given: dict[str, Any]) -> list[Person]:
        """The owners of the strong identifiers, the most important first, each once."""
        found = [self.owner(kind, given.get(kind)) for kind in STRONG]
        return list(dict.fromkeys(person for person in found if person is not None))

    def settle(self, person: Person | None, given: dict[str, Any]) -> Person:
        """Add to a profile all identifiers of a call that nobody else keeps, merging those whom the call links."""
        if person is None:
            device = self.owner("anonymous_id", given.get("anonymous_id"))
            strong = Person({k: v for k, v in given.items() if k in STRONG})
            person = device if device is not None and not device.clashes(strong) else Person()
            if person not in self.people:
                self.people.append(person)
        for kind in (*STRONG, "anonymous_id"):
            value = given.get(kind)
            other = self.owner(kind, value)
            if value is None or (other is not None and other is not person and not self.merged(person, other, kind)):
                continue
            if kind == "anonymous_id":
                person.devices.add(value)
            else:
                person.known[kind] = value
        return person

    def merged(self, person: Person, other: Person, kind: str) -> bool:
        if kind == "external_id" or person.clashes(other):
            return False
        self.people.remove(other)
        person.known = {**other.known, **person.known}
        person.devices |= other.devices
        person.name = person.name or other.name
        person.events |= other.events
        person.lists |= other.lists
        return True

    # The calls --------------------------------------------------------------------------------------------------------

    @rule(target=ids, given=PEOPLE, name=NAMES)
    def create(self, given: dict[str, Any], name: str | None) -> Any:
        response = self.sandbox.send(create(**given, first_name=name))
        if self.owners(given):
            assert response.status == 409
            assert self.sandbox.profile(str(response.duplicate_profile_id))
            return multiple()
        assert response.status == 201
        self.settle(None, given).name = name
        return response.data_id

    @rule(target=ids, given=PEOPLE, name=NAMES)
    def upsert(self, given: dict[str, Any], name: str | None) -> Any:
        response = self.sandbox.send(upsert(**given, first_name=name))
        owners = self.owners(given)
        if len(owners) > 1:
            assert response.status == 409
            return multiple()
        assert response.status == (200 if owners else 201)
        self.settle(owners[0] if owners else None, given).name = name
        return response.data_id

    @rule(rows=st.lists(PEOPLE, min_size=1, max_size=4), join=st.booleans())
    def bulk_import(self, rows: list[dict[str, Any]], *, join: bool) -> None:
        lists = (self.letters,) if join else ()
        assert self.sandbox.send(bulk_import(*(profile_data(**row) for row in rows), lists=lists)).status == 202
        for row in rows:
            owners = self.owners(row)
            if len(owners) < 2:
                person = self.settle(owners[0] if owners else None, row)
                person.lists |= set(lists)

    @rule(
        given=VISITORS, metric=st.sampled_from(["A", "B"]), unique=st.sampled_from(["m1", "m2"]), name=st.none() | NAMES
    )
    def track(self, given: dict[str, Any], metric: str, unique: str, name: str | None) -> None:
        named: dict[str, Any] = {} if name is None else {"first_name": name}
        assert self.sandbox.send(event(metric, unique_id=unique, profile=profile_data(**given, **named))).status == 202
        owners = self.owners(given)
        person = self.settle(owners[0] if owners else None, given)
        person.name = name or person.name
        person.events.add((metric, unique))

    @rule(found=ids, given=PEOPLE)
    def patch(self, found: str, given: dict[str, Any]) -> None:
        before = self.by_id(found)
        response = self.sandbox.send(patch(found, **given))
        if before is None:
            assert response.status == 404
        elif [owner for owner in self.owners(given) if owner is not before]:
            assert response.status == 409
        else:
            assert response.status == 200
            before.known.update(given)

    @rule(found=ids, method=st.sampled_from(["POST", "DELETE"]))
    def membership(self, found: str, method: str) -> None:
        person = self.by_id(found)
        response = self.sandbox.send(members(method, self.letters, found))
        assert response.status == (400 if person is None else 204)
        if person is not None:
            person.lists = {self.letters} if method == "POST" else set()

    @rule(found=consumes(ids))
    def delete(self, found: str) -> None:
        person = self.by_id(found)
        assert self.sandbox.send(deletion(id=found)).status == 202
        if person is not None:
            self.people.remove(person)

    def by_id(self, found: str) -> Person | None:
        """Find the model's person by an id of the sandbox, through the identifiers that both know."""
        profile = self.sandbox.profile(found)
        if profile is None:
            return None
        known = {k: v for k, v in profile["identifiers"].items() if k in STRONG}
        return next(person for person in self.people if person.known == known)

    @invariant()
    def they_agree(self) -> None:
        state = self.sandbox.state()
        seen = []
        for profile in state["profiles"]:
            identifiers = dict(profile["identifiers"])
            devices = identifiers.pop("anonymous_ids", [])
            events = sorted((e["metric"], e["unique_id"]) for e in state["events"] if e["profile"] == profile["id"])
            name = profile["attributes"].get("first_name")
            seen.append((identifiers, devices, name, events, profile["lists"]))
        expected = [(p.known, sorted(p.devices), p.name, sorted(p.events), sorted(p.lists)) for p in self.people]
        assert sorted(map(repr_of, seen)) == sorted(map(repr_of, expected))


def repr_of(item: tuple[dict[str, Any], Any, Any, Any, Any]) -> str:
    return repr((sorted(item[0].items()), *item[1:]))


TestAccount = Account.TestCase
TestAccount.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
