"""Groups the faces nobody has named, and keeps a group's number while most of it lives."""

from collections.abc import Sequence

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from accounts.models import User
from ml.clustering import NOISE, group_faces, match_labels
from ml.same_photo import part_same_photo
from people.finding import thresholds
from people.locks import Job, try_lock
from people.models import Cluster, Face
from photos.models import Photo


def group_owner(owner_id: int) -> bool:
    """Group an owner's unknown faces; False when another worker is at it.

    Works on a snapshot: a face that gets a name meanwhile is left alone.
    """
    with transaction.atomic():
        if not try_lock(Job.GROUPING, owner_id):
            return False
        waiting = _photos_waiting(owner_id)
        _group(owner_id)
        Cluster.objects.filter(owner=owner_id, faces=None).delete()
        Photo.objects.filter(pk__in=waiting, stage=Photo.Stage.GROUPING).update(
            stage=Photo.Stage.DONE, attempts=0, lease_until=None
        )
    return True


def _photos_waiting(owner_id: int) -> list[int]:
    photos = Photo.objects.at_stage(Photo.Stage.GROUPING).filter(
        owner_id=owner_id, owner__face_analysis=User.FaceAnalysis.ON
    )
    return list(photos.values_list("pk", flat=True))


def _group(owner_id: int) -> None:
    faces = list(
        Face.objects.filter(photo__owner=owner_id)
        .untagged()
        .order_by("pk")
        .values_list("pk", "cluster_id", "photo_id", "quality", "projection")
    )
    if not faces:
        return
    pks, clusters, photos, qualities, projections = zip(*faces, strict=True)
    limits = thresholds()
    embeddings = np.array(projections, dtype=np.float32)
    labels = group_faces(
        embeddings,
        proposal_threshold=limits.grouping,
        linkage_threshold=limits.linkage,
        may_seed=np.array(qualities) >= limits.poor_quality,
    )
    labels = part_same_photo(labels, embeddings, np.array(photos))
    _write(owner_id, np.array(pks), clusters, labels)


def _write(owner_id: int, pks: NDArray[np.int64], before: Sequence[int | None], labels: NDArray[np.int64]) -> None:
    """Move the faces whose group changed."""
    were_in = np.array([cluster or NOISE for cluster in before])
    belong_in = np.full(len(pks), NOISE)
    for label, kept_id in match_labels(before, labels).items():
        belong_in[labels == label] = kept_id or Cluster.objects.create(owner_id=owner_id).pk
    changed = were_in != belong_in
    _lock(pks[changed])
    for cluster_id in np.unique(belong_in[changed]).tolist():
        faces = Face.objects.untagged().filter(pk__in=pks[changed & (belong_in == cluster_id)].tolist())
        faces.update(cluster=None if cluster_id == NOISE else cluster_id)


def _lock(pks: NDArray[np.int64]) -> None:
    # In order of primary key, as the ledger does: an answer given meanwhile waits, or we do, but never both.
    faces = Face.objects.filter(pk__in=pks.tolist()).order_by("pk").select_for_update(of=("self",))
    list(faces.values_list("pk", flat=True))
