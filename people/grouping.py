"""Groups the faces nobody has named, and keeps a group's number while most of it lives."""

from collections.abc import Sequence

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from accounts.models import User
from ml.clustering import group_faces, match_labels
from ml.dbscan import NOISE
from ml.models import FaceModel
from ml.same_photo import part_same_photo
from people.locks import Job, one_at_a_time, wait_for_lock
from people.model_change import is_changing
from people.models import Cluster, Face, Upkeep
from photos.face_model import current_face_model
from photos.models import Photo


def group_owner(owner_id: int) -> bool:
    """Group an owner's unknown faces; False when another worker is at it.

    Works on a snapshot, outside any transaction: a face that gets a name meanwhile is left alone.
    """
    with one_at_a_time(Job.GROUPING, owner_id) as is_ours:
        if not is_ours:
            return False
        wanted = Upkeep.objects.filter(owner=owner_id).values_list("groups_wanted", flat=True).first()
        waiting = _photos_waiting(owner_id)
        model = current_face_model()
        # While some faces of a group wait for an embedding of this model, the others are no reason to break it up.
        changing = is_changing(owner_id, model.name)
        pks, before, labels = _grouped(owner_id, model)
        with transaction.atomic():
            # Photos before faces, as everywhere that locks both.
            Photo.objects.filter(pk__in=waiting, stage=Photo.Stage.GROUPING).update(
                stage=Photo.Stage.DONE, attempts=0, lease_until=None
            )
            wait_for_lock(Job.CLUSTERS, owner_id)
            _write(owner_id, pks, before, labels, may_leave=not changing)
            Cluster.objects.filter(owner=owner_id, faces=None).delete()
            Upkeep.objects.want(owner_id, groups=False)
            if not changing:
                Upkeep.objects.filter(owner=owner_id).update(groups_made=wanted or 0)
    return True


def _photos_waiting(owner_id: int) -> list[int]:
    photos = Photo.objects.at_stage(Photo.Stage.GROUPING).filter(
        owner_id=owner_id, owner__face_analysis=User.FaceAnalysis.ON
    )
    return list(photos.values_list("pk", flat=True))


def _grouped(owner_id: int, model: FaceModel) -> tuple[NDArray[np.int64], list[int | None], NDArray[np.int64]]:
    """Return the unknown faces, the group each is in, and the number of the group it belongs in."""
    waiting = Face.objects.filter(photo__owner=owner_id).untagged().embedded_by(model.name).order_by("pk")
    faces = list(waiting.values_list("pk", "cluster_id", "photo_id", "quality", "projection"))
    if not faces:
        return np.zeros(0, np.int64), [], np.zeros(0, np.int64)
    pks, clusters, photos, qualities, projections = zip(*faces, strict=True)
    limits = model.limits()
    embeddings = np.array(projections, dtype=np.float32)
    labels = group_faces(
        embeddings,
        proposal_threshold=limits.grouping,
        linkage_threshold=limits.linkage,
        may_seed=np.array(qualities) >= limits.poor_quality,
    )
    return np.array(pks), list(clusters), part_same_photo(labels, embeddings, np.array(photos))


def _write(
    owner_id: int,
    pks: NDArray[np.int64],
    before: Sequence[int | None],
    labels: NDArray[np.int64],
    *,
    may_leave: bool = True,
) -> None:
    """Move the faces whose group changed; unless they `may_leave` theirs, only those that are in none."""
    were_in = np.array([cluster or NOISE for cluster in before], dtype=np.int64)
    belong_in = np.full(len(pks), NOISE, dtype=np.int64)
    for label, kept_id in match_labels(before, labels).items():
        is_kept = kept_id is not None and Cluster.objects.filter(pk=kept_id).exists()
        cluster_id = kept_id if is_kept and kept_id else Cluster.objects.create(owner_id=owner_id).pk
        belong_in[labels == label] = cluster_id
    if not may_leave:
        belong_in = np.where(were_in == NOISE, belong_in, were_in)
    changed = were_in != belong_in
    _lock(pks[changed])
    for cluster_id in np.unique(belong_in[changed]).tolist():
        faces = Face.objects.untagged().filter(pk__in=pks[changed & (belong_in == cluster_id)].tolist())
        faces.update(cluster=None if cluster_id == NOISE else cluster_id)


def _lock(pks: NDArray[np.int64]) -> None:
    # In order of primary key, as the ledger does: an answer given meanwhile waits, or we do, but never both.
    faces = Face.objects.filter(pk__in=pks.tolist()).order_by("pk").select_for_update(of=("self",))
    list(faces.values_list("pk", flat=True))
