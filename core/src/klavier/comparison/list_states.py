"""The lists that each side made, and which of them have members."""

from collections.abc import Iterator

from attrs import define, field

from klavier.comparison.report import Case, Difference, DifferenceKind

_ITSELF = "the list itself"


@define
class ListStates:
    """The opt-in processes of the lists that each side made, by name, and the lists with members on either side."""

    left: dict[str, str] = field(factory=dict)
    right: dict[str, str] = field(factory=dict)
    members: set[str] = field(factory=set)

    def merge(self, other: "ListStates") -> None:
        """Add those of another shard."""
        self.left |= other.left
        self.right |= other.right
        self.members |= other.members

    def rows(self) -> Iterator[Difference]:
        """Return what differs: another opt-in process, or a list without members that one side made.

        Members are compared by profile, so a list that has some needs no row of its own.
        """
        for name in sorted(self.left.keys() | self.right.keys()):
            one, other = self.left.get(name), self.right.get(name)
            if one == other or (name in self.members and None in (one, other)):
                continue
            kind: DifferenceKind = "only_left" if other is None else "only_right" if one is None else "changed"
            case = Case(None, "", one, other)
            yield Difference("lists", kind, name, detail=_ITSELF, count=1, of=1, cases=(case,))
