"""What the ledger says: of each face all acts, whom it is not, and whether it stays where a user put it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from django.db.models import Exists, OuterRef

from people import constraints
from people.models import Change, Decision, Face


def acts_on(faces: Iterable[Face]) -> dict[int, list[Change]]:
    """Everything ever decided about each of these faces, by primary key, the oldest first."""
    acts: dict[int, list[Change]] = {face.pk: [] for face in faces}
    # Each decision is made once, not for each of its faces: a group that was named and undone often has thousands.
    changes = Change.objects.filter(face__in=list(acts)).only("decision", "face", "before", "after", "rejected")
    for change in changes.prefetch_related("decision").order_by("decision_id"):
        assert change.face_id is not None
        acts[change.face_id].append(change)
    return acts


def rejected_pairs(owner_id: int, *, faces: Collection[int] | None = None) -> set[tuple[int, int]]:
    """Pairs of face and person the owner ruled out, as (face, person) primary keys; of all faces or of some."""
    changes = Change.objects.rejections().filter(decision__owner=owner_id, face__isnull=False)
    changes = changes if faces is None else changes.filter(face__in=faces)
    return {(face, person) for face, person in changes.values_list("face_id", "rejected_id") if face and person}


def held_faces(owner_id: int) -> set[int]:
    """Faces that grouping leaves where they are, because a user put them back there by undoing a regroup, or hid them.

    Until that undo is undone, the user takes the face out of its group, or says something the group contradicts; or
    shows the group again.
    """
    changes = Change.objects.filter(decision__owner=owner_id, decision__is_in_force=True, face__isnull=False)
    freed = changes.filter(
        decision__verb__in=[Decision.Verb.REMOVE, Decision.Verb.SHOW],
        face=OuterRef("face"),
        decision__gt=OuterRef("decision"),
    )
    undone = changes.filter(decision__undoes__verb=Decision.Verb.REGROUP).exclude(Exists(freed))
    held = dict(undone.values_list("face_id", "face__cluster_id"))
    clusters = {face: cluster for face, cluster in held.items() if face}
    clusters |= _hidden_faces(owner_id)
    if not clusters:
        return set()
    return set(clusters) - _broken(owner_id, clusters)


def _hidden_faces(owner_id: int) -> dict[int, int]:
    """Faces of hidden groups, and the group; not two of one photo that shows everybody once."""
    hidden = Face.objects.filter(cluster__owner=owner_id, cluster__is_hidden=True).untagged()
    rows = [(face, cluster or 0, photo) for face, cluster, photo in hidden.values_list("pk", "cluster_id", "photo_id")]
    counts = Counter((cluster, photo) for _, cluster, photo in rows)
    twice = constraints.repeat_photos(owner_id) if rows else set()
    return {face: cluster for face, cluster, photo in rows if counts[cluster, photo] == 1 or photo in twice}


def _broken(owner_id: int, held: Mapping[int, int | None]) -> set[int]:
    """Of some faces and the group of each, those whose group breaks what users said."""
    mates = Face.objects.filter(cluster__in=set(held.values()) - {None}).untagged()
    clusters = {**dict(mates.values_list("pk", "cluster_id")), **held}
    said = constraints.Constraints.of(owner_id)
    elsewhere = Face.objects.filter(pk__in=np.unique(said.together()).tolist()).untagged().embedded()
    clusters |= dict(elsewhere.values_list("pk", "cluster_id"))
    return said.broken_by(clusters) & held.keys()
