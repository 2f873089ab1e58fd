"""What users said about who is one person and who is two: the rules grouping and naming by machine must keep.

Read from the decisions in force. Names a user gave and noes stand above all; of what was said about two people or
two groups, the later counts. What follows is said, too: who is one with somebody is not whom that one is not.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby, pairwise
from operator import itemgetter

import numpy as np
from django.db.models import Q
from numpy.typing import NDArray

from people.bonds import Bonds, Mark, Node
from people.models import Change, Decision, Face
from photos.models import Photo

Verb = Decision.Verb
Pairs = NDArray[np.int64]


@dataclass(frozen=True)
class Constraints:
    """All that was said in one library."""

    # (face, person): the noes, but for those a name contradicts by now.
    noes: set[tuple[int, int]]
    bonds: Bonds
    confirmed: dict[int, int]  # face -> person, of the faces in bonds
    _faces_of: dict[Node, list[int]] = field(default_factory=dict)  # of each set: its faces, its people
    _people_of: dict[Node, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, owner_id: int) -> "Constraints":
        """Read them in a constant number of queries."""
        noes = _noes(owner_id)
        about_people, about_faces = _said_of_people(owner_id), _said_of_faces(owner_id)
        faces = {face for said in about_faces for face in said.some + said.others}
        # Those in the trash, too: who is one with them is one with each other.
        rows = Face.everywhere.filter(pk__in=faces).values_list("pk", "person_id", "tagged_by", "photo_id")
        twice = repeat_photos(owner_id)
        bonds = Bonds()
        _follow_people(bonds, about_people)
        confirmed: dict[int, int] = {}
        for face, person, tagged_by, photo in rows:
            bonds.add(face)
            if photo not in twice:
                bonds.mark(face, Mark("photo", photo, 0))
            if person is not None and tagged_by == Face.TaggedBy.USER:
                confirmed[face] = person
                _add_person(bonds, person)
                bonds.unite(face, -person)
        _follow_noes(bonds, noes)
        _follow_faces(bonds, about_faces, confirmed)
        constraints = cls(noes, bonds, confirmed)
        for each, members in bonds.sets():
            constraints._faces_of[each] = [node for node in members if node > 0]
            constraints._people_of[each] = [-node for node in members if node < 0]
        return constraints

    def faces(self) -> Iterator[int]:
        """All faces that somebody spoke of, or that are one with such a face."""
        return (face for members in self._faces_of.values() for face in members)

    def together(self, faces: Iterable[int] | None = None) -> Pairs:
        """Pairs of faces that are one person; a set of n faces comes as n - 1 pairs, of all faces or among some.

        They contradict neither `apart` nor, outside of photos of `repeat_photos`, that a photo shows everybody once.
        """
        chosen = self._chosen(faces)
        pairs = [pair for members in chosen.values() for pair in pairwise(members)]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def apart(self, faces: Iterable[int] | None = None) -> Pairs:
        """Pairs of faces that are two people, the lower number first, each pair once; of all faces or among some.

        From DIFFERENT, and from a no beside a SAME. Faces of one photo are not among them, unless somebody spoke of
        them.
        """
        chosen = self._chosen(faces)
        products = [_product(chosen, some, others) for some, others in self.bonds.opposed()]
        known = [each for each in chosen if self._people_of[each]]
        products += [_product(chosen, [each], known[n + 1 :]) for n, each in enumerate(known)]
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *products])
        return np.unique(np.sort(pairs, axis=1), axis=0)

    def ruled_out(self) -> set[tuple[int, int]]:
        """Pairs of face and person that nobody may suggest: the noes, and what follows from all that was said."""
        pairs = set(self.noes)
        for face, person in self.noes:
            pairs |= {(face, other) for other in self._same_people(person)}
        for some, others in self.bonds.opposed():
            pairs |= self._faces_against_people(some, others) | self._faces_against_people(others, some)
        return {(face, person) for face, person in pairs if self.confirmed.get(face) != person}

    def pulled(self) -> dict[int, int]:
        """Faces without a user's name that were said to be one with faces of a person: that person, by face."""
        people: dict[int, int] = {}
        for faces in self._faces_of.values():
            named = Counter(self.confirmed[face] for face in faces if face in self.confirmed)
            if named:  # of people who were merged, who bears the faces
                person = max(sorted(named), key=lambda each: named[each])
                people |= {face: person for face in faces if face not in self.confirmed}
        return people

    def people_apart(self) -> set[tuple[int, int]]:
        """Pairs of people who are two, the lower number first."""
        return {
            (min(one, other), max(one, other))
            for some, others in self.bonds.opposed()
            for one in self._people_in(some)
            for other in self._people_in(others)
            if not self.bonds.are_one(-one, -other)
        }

    def broken_by(self, clusters: dict[int, int | None]) -> set[int]:
        """Faces of these, by the group each is in, that are with one they must not be with, or without one they must.

        Two faces of a photo in one group are not looked for.
        """
        waiting = sorted(face for face in clusters if face in self.bonds and face not in self.confirmed)
        groups = np.array([clusters[face] or 0 for face in waiting], dtype=np.int64)
        apart, together = self.apart(waiting), self.together(waiting)  # of two large groups there are millions
        of_apart, of_together = groups[np.searchsorted(waiting, apart)], groups[np.searchsorted(waiting, together)]
        with_ = apart[(of_apart[:, 0] == of_apart[:, 1]) & (of_apart[:, 0] > 0)]
        without = together[of_together[:, 0] != of_together[:, 1]]
        return set(np.concatenate([with_, without]).ravel().tolist())

    def _chosen(self, faces: Iterable[int] | None) -> dict[Node, list[int]]:
        """The faces asked about, by set, in order."""
        if faces is None:
            return {each: sorted(members) for each, members in self._faces_of.items() if members}
        chosen: dict[Node, list[int]] = {}
        known = {face for members in self._faces_of.values() for face in members}
        for face in sorted(int(face) for face in known.intersection(faces)):
            chosen.setdefault(self.bonds.set_of(face), []).append(face)
        return chosen

    def _same_people(self, person: int) -> list[int]:
        return self._people_of[self.bonds.set_of(-person)] if -person in self.bonds else []

    def _people_in(self, sets: Iterable[Node]) -> set[int]:
        return {person for each in sets for person in self._people_of[each]}

    def _faces_against_people(self, some: Sequence[Node], others: Sequence[Node]) -> set[tuple[int, int]]:
        with_people = [other for other in others if self._people_of[other]]
        return {
            (face, person)
            for other in with_people
            for each in some
            if each != other
            for face in self._faces_of[each]
            for person in self._people_of[other]
        }


def ruled_out(owner_id: int) -> set[tuple[int, int]]:
    """(face, person) pairs no machine may suggest, name or ask about: noes, and what follows from all that was said."""
    return Constraints.of(owner_id).ruled_out()


def pulled(owner_id: int) -> dict[int, int]:
    """Faces without a user's name that were said to be one with faces of a person: that person, by face."""
    return Constraints.of(owner_id).pulled()


def people_ruled_out(owner_id: int, faces: Collection[int]) -> set[int]:
    """People whom one of these faces is not, by primary key. One query, unless the faces were compared with others."""
    said = Change.objects.filter(decision__owner=owner_id, decision__is_in_force=True, face__in=faces)
    rows = set(said.filter(Q(side__isnull=False) | Q(rejected__isnull=False)).values_list("side", "rejected"))
    if any(side for side, _ in rows):  # then what follows from it counts, too
        return {person for face, person in ruled_out(owner_id) if face in faces}
    return {person for _, person in rows if person}


def people_apart(owner_id: int) -> set[tuple[int, int]]:
    """Pairs of people said to be two, the lower primary key first: never ask whether they are one."""
    return Constraints.of(owner_id).people_apart()


def repeat_photos(owner_id: int) -> set[int]:
    """Photos that show somebody more than once, by primary key: mirrors and collages."""
    said = Change.objects.filter(decision__owner=owner_id, decision__verb=Verb.REPEAT, decision__is_in_force=True)
    photos = Photo.everywhere.filter(owner=owner_id, sha256__in=said.values("photo_sha256"))
    return set(photos.values_list("pk", flat=True))


@dataclass
class _Said:
    """That nodes on two sides are one, or are two: a split into three parts says so three times."""

    decision: int
    is_same: bool
    some: list[Node] = field(default_factory=list)
    others: list[Node] = field(default_factory=list)


def _noes(owner_id: int) -> set[tuple[int, int]]:
    changes = Change.objects.rejections().filter(decision__owner=owner_id, face__isnull=False)
    rows = changes.values_list("face_id", "rejected_id", "face__person_id", "face__tagged_by")
    return {
        (face, person)
        for face, person, named, tagged_by in rows
        if face and person and not (named == person and tagged_by == Face.TaggedBy.USER)
    }


def _said_of_people(owner_id: int) -> list[_Said]:
    """Of two people, the latest first."""
    decisions = Decision.objects.filter(owner=owner_id, is_in_force=True, person__isnull=False, other__isnull=False)
    rows = decisions.filter(verb__in=[Verb.DIFFERENT, Verb.MERGE]).order_by()
    pairs = [*rows.values_list("pk", "verb", "person_id", "other_id"), *_said_of_several(owner_id)]
    said = [_Said(pk, verb == Verb.MERGE, [-(one or 0)], [-(other or 0)]) for pk, verb, one, other in pairs]
    return sorted(said, key=lambda each: -each.decision)


def _said_of_several(owner_id: int) -> Iterator[tuple[int, str, int, int]]:
    """Pairs of more than two people who were merged at once, or between whom the faces of one were shared out."""
    changes = Change.objects.filter(decision__owner=owner_id, decision__is_in_force=True)
    merged = Q(decision__verb=Verb.MERGE, decision__other=None)
    changes = changes.filter(merged | Q(decision__verb=Verb.SPLIT, rejected__isnull=False)).order_by("decision_id")
    rows = changes.values_list("decision_id", "decision__verb", "before__person", "after__person").distinct()
    for (pk, verb), some in groupby(rows, key=itemgetter(0, 1)):
        people = {person for row in some for person in row[2:] if person}
        yield from ((pk, verb, one, other) for one, other in combinations(sorted(people), 2))


def _said_of_faces(owner_id: int) -> list[_Said]:
    """Of groups of faces, the latest first."""
    changes = Change.objects.filter(
        decision__owner=owner_id,
        decision__is_in_force=True,
        decision__verb__in=[Verb.SAME, Verb.DIFFERENT, Verb.SPLIT],
        face__isnull=False,
        side__isnull=False,
    )
    said: list[_Said] = []
    rows = changes.order_by("-decision_id", "side", "face_id")
    columns = rows.values_list("decision_id", "decision__verb", "side", "face_id")
    for (pk, verb), some in groupby(columns, key=itemgetter(0, 1)):
        sides = [[face or 0 for *_, face in of_side] for _, of_side in groupby(some, key=itemgetter(2))]
        # A face that is lost may have been all there was of a side: what is left says who it is not, later.
        pairs = list(combinations(sides, 2)) if len(sides) > 1 else [(sides[0], [])]
        said += [_Said(pk, verb == Verb.SAME, one, other) for one, other in pairs]
    return said


def _add_person(bonds: Bonds, person: int) -> None:
    """Nobody is two people, unless they were merged."""
    bonds.add(-person)
    bonds.mark(-person, Mark("person", 0, 0))


def _follow_people(bonds: Bonds, said: Sequence[_Said]) -> None:
    people = {node for each in said for node in each.some + each.others}
    for node in people:
        bonds.add(node)
    for number, each in enumerate(said):
        if each.is_same:
            bonds.unite_where_nothing_speaks_against(each.some, each.others)
        elif not bonds.are_one(each.some[0], each.others[0]):
            bonds.mark(each.some[0], Mark("people", number, 1))
            bonds.mark(each.others[0], Mark("people", number, -1))
    for node in people:
        _add_person(bonds, -node)


def _follow_noes(bonds: Bonds, noes: Collection[tuple[int, int]]) -> None:
    for face, person in noes:
        if face in bonds:
            _add_person(bonds, person)
            bonds.mark(face, Mark("is", person, -1))
            bonds.mark(-person, Mark("is", person, 1))


def _follow_faces(bonds: Bonds, said: Sequence[_Said], confirmed: dict[int, int]) -> None:
    for number, each in enumerate(said):
        if each.is_same:
            bonds.unite_where_nothing_speaks_against(each.some, each.others)
            continue
        # Who is named on both sides was named since: one of the two groups was not one person.
        named = [{bonds.set_of(face) for face in side if face in confirmed} for side in (each.some, each.others)]
        for side, faces in ((1, each.some), (-1, each.others)):
            for face in faces:
                if face not in confirmed or bonds.set_of(face) not in named[0] & named[1]:
                    bonds.mark(face, Mark("faces", number, side))


def _product(chosen: dict[Node, list[int]], some: Sequence[Node], others: Sequence[Node]) -> Pairs:
    """All pairs of a chosen face of these sets and one of those, but for pairs within one set."""
    first, second = _columns(chosen, some), _columns(chosen, others)
    left, right = np.repeat(first, len(second), axis=0), np.tile(second, (len(first), 1))
    is_of_two = left[:, 1] != right[:, 1]
    return np.stack([left[is_of_two, 0], right[is_of_two, 0]], axis=1)


def _columns(chosen: dict[Node, list[int]], sets: Sequence[Node]) -> Pairs:
    rows = [(face, each) for each in sets for face in chosen.get(each, ())]
    return np.array(rows, dtype=np.int64).reshape(-1, 2)
