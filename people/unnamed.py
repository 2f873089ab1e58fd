"""What has no name yet, as the people page lists it: groups by kind, and faces alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

from django.db.models import Q

from accounts.models import User
from people.models import Change, Cluster, Decision, Face
from people.models.cluster import SMALLEST_GROUP
from people.models.face import FaceQuerySet
from people.questions import strangers

SMALLEST_LISTED = 3  # faces; smaller groups are folded away, unless there are no others


@dataclass(frozen=True)
class Unnamed:
    """Groups by primary key, the largest first.

    listed: to be named. pairs: too small to be listed. strangers: seen on one day only. hidden: by the user.
    alone: faces in groups of one.
    """

    listed: list[int]
    pairs: list[int]
    strangers: list[int]
    hidden: list[int]
    alone: int

    def of_kind(self, kind: str) -> list[int]:
        return {"groups": self.listed, "pairs": self.pairs, "strangers": self.strangers, "hidden": self.hidden}[kind]


def unnamed_groups(owner: User) -> Unnamed:
    """All groups of an owner, in two queries: of thousands of groups each further one takes as long again."""
    rows = Cluster.objects.owned_by(owner).sizes()
    folded = set(strangers(owner))
    groups = [row for row in rows if row[2] >= SMALLEST_GROUP]
    shown = [(pk, count) for pk, is_hidden, count in groups if not is_hidden and pk not in folded]
    smallest = SMALLEST_LISTED if any(count >= SMALLEST_LISTED for _, count in shown) else SMALLEST_GROUP
    return Unnamed(
        listed=[pk for pk, count in shown if count >= smallest],
        pairs=[pk for pk, count in shown if count < smallest],
        strangers=[pk for pk, is_hidden, _ in groups if not is_hidden and pk in folded],
        hidden=[pk for pk, is_hidden, _ in groups if is_hidden],
        alone=sum(count for _, _, count in rows if count < SMALLEST_GROUP),
    )


class FacesAlone(Sequence[Face]):
    """Faces that wait for a name in no group of two, the clearest first: as many of them are read as are looked at."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.groups = [pk for pk, _, count in Cluster.objects.owned_by(owner).sizes() if count == 1]

    @overload
    def __getitem__(self, key: int) -> Face: ...

    @overload
    def __getitem__(self, key: slice) -> list[Face]: ...

    def __getitem__(self, key: int | slice) -> Face | list[Face]:
        if isinstance(key, int):
            return self[key : key + 1][0]
        waiting = Face.objects.owned_by(self.owner).untagged().filter(Q(cluster=None) | Q(cluster__in=self.groups))
        # An index alone finds them, however many pages come before.
        pks = list(waiting.order_by("-quality", "pk").values_list("pk", flat=True)[key])
        faces = Face.objects.without_vectors().in_bulk(pks)
        return [faces[pk] for pk in pks if pk in faces]

    def __len__(self) -> int:
        return len(self.groups) + _in_no_group(self.owner).count()


def has_faces_alone(owner: User, groups: Unnamed) -> bool:
    # In the order of an index that has them: else all that wait are looked through.
    clearest = _in_no_group(owner).order_by("-quality", "pk").values_list("pk")
    return clearest.first() is not None or bool(groups.alone)


def _in_no_group(owner: User) -> FaceQuerySet:
    return Face.objects.owned_by(owner).untagged().filter(cluster=None)


def faces_of_groups(owner: User, groups: list[int], *, as_of: int | None) -> set[int]:
    """Faces that wait in some groups, but for those that came into them after the newest regroup the page knew of."""
    waiting = Face.objects.owned_by(owner).untagged().filter(cluster__in=groups)
    faces = dict(waiting.values_list("pk", "cluster_id"))
    if as_of is None:
        return set(faces)
    moves = Change.objects.filter(decision__owner=owner, decision__verb=Decision.Verb.REGROUP, decision__gt=as_of)
    joined = set(moves.filter(after__cluster__in=groups).values_list("face", "after__cluster"))
    return {face for face, cluster in faces.items() if (face, cluster) not in joined}
