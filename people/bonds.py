"""Sets of faces and people that are one, and what keeps sets apart: as far as it was said, in the order it counts.

No database: people.constraints reads what was said and asks here what follows from it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

Node = int  # the primary key of a face; of a person, with a minus


class Mark(NamedTuple):
    """Keeps its set apart from all sets with the opposite mark, whose side has the other sign.

    Side 0 is its own opposite: of all sets with such a mark, no two are one.
    """

    kind: str
    number: int
    side: int

    @property
    def opposite(self) -> "Mark":
        return Mark(self.kind, self.number, -self.side)


@dataclass
class Bonds:
    """Disjoint sets; a node nobody spoke of is a set of its own."""

    _parents: dict[Node, Node] = field(default_factory=dict)
    _members: dict[Node, list[Node]] = field(default_factory=dict)
    _marks: dict[Node, set[Mark]] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        if node not in self._parents:
            self._parents[node] = node
            self._members[node] = [node]
            self._marks[node] = set()

    def __contains__(self, node: Node) -> bool:
        return node in self._parents

    def set_of(self, node: Node) -> Node:
        """The node that stands for the set."""
        root = node
        while self._parents[root] != root:
            root = self._parents[root]
        while self._parents[node] != root:
            self._parents[node], node = root, self._parents[node]
        return root

    def sets(self) -> Iterator[tuple[Node, list[Node]]]:
        yield from self._members.items()

    def mark(self, node: Node, mark: Mark) -> None:
        self._marks[self.set_of(node)].add(mark)

    def are_one(self, node: Node, other: Node) -> bool:
        return self.set_of(node) == self.set_of(other)

    def unite(self, node: Node, other: Node) -> None:
        """Make two sets one, whatever their marks."""
        kept, gone = sorted((self.set_of(node), self.set_of(other)), key=lambda s: len(self._members[s]), reverse=True)
        if kept == gone:
            return
        self._parents[gone] = kept
        self._members[kept] += self._members.pop(gone)
        self._marks[kept] |= self._marks.pop(gone)

    def unite_where_nothing_speaks_against(self, some: Iterable[Node], others: Iterable[Node]) -> None:
        """Make all of these one set, but for sets that have to stay apart from larger ones.

        Nothing happens when all that is left is of one side: then each pair of the two was spoken against.
        """
        of_some = {self.set_of(node) for node in some}
        of_others = {self.set_of(node) for node in others}
        united: list[Node] = []
        marks: set[Mark] = set()
        for each in sorted(of_some | of_others, key=lambda s: (-len(self._members[s]), self._members[s][0])):
            if not any(mark.opposite in marks for mark in self._marks[each]):
                united.append(each)
                marks |= self._marks[each]
        if of_some.isdisjoint(united) or of_others.isdisjoint(united):
            return
        for each in united[1:]:
            self.unite(united[0], each)

    def opposed(self) -> Iterator[tuple[list[Node], list[Node]]]:
        """For each mark with a side: the sets that have it, and those that have its opposite."""
        sets: dict[Mark, list[Node]] = {}
        for each, marks in self._marks.items():
            for mark in marks:
                sets.setdefault(mark, []).append(each)
        for mark, some in sets.items():
            if mark.side > 0 and mark.opposite in sets:
                yield some, sets[mark.opposite]
