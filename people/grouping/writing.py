"""Writes where faces belong, unless what that goes by is out of date by then."""

import numpy as np
from django.db.models import Exists, OuterRef
from numpy.typing import NDArray

from ml.dbscan import NOISE
from people import ledger
from people.grouping.library import Groups, Labels, Library, these, wanted_now
from people.hidden_groups import hidden_groups
from people.locks import Job, wait_for_lock
from people.models import Cluster, Decision, Face, Upkeep
from photos.models import Photo


def write(library: Library, groups: Groups) -> tuple[Decision | None, bool]:
    """Store groups in as many queries for a thousand faces as for one; not done if what they go by was out of date."""
    owner_id, model = library.owner_id, library.model
    # Photos before faces, as everywhere that locks both, and in order of primary key, as the trash does.
    waiting = Photo.objects.filter(pk__in=library.photos, stage=Photo.Stage.GROUPING)
    list(waiting.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk"))
    waiting.update(stage=Photo.Stage.DONE, attempts=0, lease_until=None)
    wait_for_lock(Job.CLUSTERS, owner_id)
    is_moved = groups.labels != groups.before
    # In order of primary key, as the ledger does: an answer given meanwhile waits, or we do, but never both.
    there = these(groups.pks[is_moved | groups.to_mark]).order_by("pk").select_for_update(of=("self",))
    list(there.values_list("pk", flat=True))
    moves = groups.labels[is_moved]
    targets = _clusters(library, moves, groups.numbers)
    if targets is None or _is_outdated(library):
        return None, False
    moved = zip(groups.pks[is_moved].tolist(), moves.tolist(), strict=True)
    decision = ledger.regroup(owner_id, {pk: targets.get(label) for pk, label in moved})
    these(groups.pks[groups.to_mark]).untagged().embedded_by(model.name).update(grouped_by=model.name)
    if groups.centre is not None:
        groups.centre.store(owner_id, model.name)
    _drop_empty(owner_id, groups.may_be_empty)
    Upkeep.objects.want(owner_id, groups=False)
    if not library.is_changing:
        Upkeep.objects.filter(owner=owner_id).update(groups_made=library.wanted or 0)
    return decision, True


def _drop_empty(owner_id: int, some: NDArray[np.int64] | None) -> None:
    # That a group was hidden must outlive its faces: an undo may bring them back, and so may the trash. One that is
    # shown again is hidden by whoever takes that back.
    faces = Face.everywhere.filter(cluster=OuterRef("pk"))
    clusters = Cluster.objects.filter(owner=owner_id, is_hidden=False, hidden_by=None)
    clusters = clusters if some is None else clusters.filter(pk__in=some.tolist())
    clusters.filter(~Exists(faces)).delete()


def _clusters(library: Library, moves: Labels, numbers: NDArray[np.int64]) -> dict[int, int] | None:
    """Primary keys of groups by number, made where the number is new; None if one is gone that was there."""
    wanted = np.unique(moves[moves > NOISE])
    known = wanted[np.isin(wanted, numbers)].tolist()
    if Cluster.objects.filter(owner=library.owner_id, pk__in=known).count() < len(known):
        return None
    fresh = wanted[~np.isin(wanted, numbers)].tolist()
    made = Cluster.objects.bulk_create(Cluster(owner_id=library.owner_id) for _ in fresh)
    return {number: number for number in known} | {
        number: cluster.pk for number, cluster in zip(fresh, made, strict=True)
    }


def _is_outdated(library: Library) -> bool:
    """Whether something was said meanwhile that groups must keep to, a group was hidden or shown, or faces got free.

    Holds the row: what is said from now on counts up afterwards, and the next run sees it. While the model changes,
    each photo that is embedded again counts up, too; the run that follows then sees to everything.
    """
    now = wanted_now(Upkeep.objects.select_for_update().filter(owner=library.owner_id))
    if hidden_groups(library.owner_id) != library.hidden:
        return True
    return not library.is_changing and (now or 0) != (library.wanted or 0)
