"""The faces a question was about, when its answer comes: some may have been answered for, or have moved, meanwhile."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from accounts.models import User
from people.models import Cluster, Face, Person, Suggestion
from people.review import unasked_faces
from people.tiles import LEAST_OF_GROUP


@dataclass(frozen=True)
class Asked:
    """Faces that were shown and still wait.

    stands_for: by each face shown, the faces its tick answers for, itself among them. unseen: faces of a group that
    were not shown, and get its name with the others.
    """

    stands_for: dict[int, set[int]]
    unseen: set[int] = field(default_factory=set)

    @property
    def all_shown(self) -> set[int]:
        return self.of(self.stands_for)

    @property
    def seen(self) -> set[int]:
        """Those that a no is about: what one of them stands for is asked about again, as a group."""
        return set(self.stands_for)

    def of(self, shown: Iterable[int]) -> set[int]:
        """All faces that these ticks answer for."""
        return {face for each in shown for face in self.stands_for.get(each, ())}

    def counted(self, faces: Iterable[int]) -> "Asked":
        """Without what the page neither showed nor counted: what joined a group since is asked about again."""
        known = {*faces, *self.stands_for}
        stands_for = {face: others & known for face, others in self.stands_for.items()}
        return replace(self, stands_for=stands_for, unseen=self.unseen & known)


def asked_about_person(owner: User, person: Person, shown: Collection[int], *, opened: Collection[int] = ()) -> Asked:
    """Of "Is this Ann?": a face of a group stands for all of the group that are likely to be hers.

    Of groups that were `opened`, each face shown stands for itself; the first one also for those not shown.
    """
    clusters = dict(_waiting(owner, shown))
    likely = Suggestion.objects.filter(probability__gte=LEAST_OF_GROUP, person=person)
    suggested = likely.filter(face__cluster__in=clusters.values())
    suggested = suggested.filter(face__person=None, face__is_ignored=False)
    members: defaultdict[int, set[int]] = defaultdict(set)
    for face, cluster in suggested.values_list("face", "face__cluster"):
        members[cluster].add(face)
    groups = {face: members[cluster or 0] for face, cluster in clusters.items()}
    stands_for = {face: others | {face} if face in others else {face} for face, others in groups.items()}
    for cluster in set(opened) & set(clusters.values()):
        _open_group([face for face in shown if clusters.get(face) == cluster], stands_for)
    return Asked(stands_for)


def _open_group(faces: Sequence[int], stands_for: dict[int, set[int]]) -> None:
    unshown = stands_for[faces[0]] - set(faces)
    stands_for.update({face: {face} for face in faces})
    stands_for[faces[0]] |= unshown


def asked_about_group(owner: User, cluster: Cluster, shown: Collection[int]) -> Asked:
    """Of "Who is this?": what was shown, and the rest of the group."""
    unseen = set(unasked_faces(cluster).values_list("pk", flat=True)) - set(shown)
    return Asked({face: {face} for face, _ in _waiting(owner, shown)}, unseen)


def asked_of_no_group(owner: User, shown: Collection[int]) -> Asked:
    """Of a group that is gone by now: what was shown of it."""
    return Asked({face: {face} for face, _ in _waiting(owner, shown)})


def _waiting(owner: User, shown: Collection[int]) -> list[tuple[int, int | None]]:
    faces = Face.objects.owned_by(owner).untagged().filter(pk__in=shown)
    return list(faces.values_list("pk", "cluster_id"))
