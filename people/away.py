"""Faces whose photos go into the trash, come back from it, or are deleted for good.

All of it in the transaction that does so to the photos: no page and no worker ever sees a face of a photo that is away.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import Q

from people.locks import Job, wait_for_lock
from people.models import Face, Suggestion, Upkeep
from people.models.face import crop_place
from people.questions import drop_emptied
from photos.models import Photo


def take_away(owner_id: int, photos: Collection[int]) -> None:
    """Put the faces of photos out of sight; names and groups stay with them."""
    faces = _locked_faces(owner_id, photos)
    if not faces:
        return
    Face.everywhere.filter(pk__in=faces).update(is_away=True)
    waiting = Face.everywhere.filter(pk__in=faces, cluster__isnull=False)
    clusters = set(waiting.values_list("cluster_id", flat=True))
    named = Face.everywhere.filter(pk__in=faces, person__isnull=False)
    people = set(named.values_list("person_id", flat=True))
    # What was suggested of them, and because of them: a suggestion shows the face it was made by.
    outdated = Suggestion.objects.filter(Q(face__in=faces) | Q(nearest__in=faces))
    people |= set(outdated.values_list("person_id", flat=True))
    outdated.delete()
    drop_emptied(owner_id, people=people, clusters=clusters)
    Upkeep.objects.want(owner_id, groups=False)


def bring_back(owner_id: int, photos: Collection[int]) -> None:
    """Put the faces of photos back in sight, under the names and in the groups they have."""
    faces = _locked_faces(owner_id, photos)
    Face.everywhere.filter(pk__in=faces).update(is_away=False)
    if faces:
        Upkeep.objects.want(owner_id, groups=True)


def delete_crops(owner_id: int, photos: Collection[int]) -> None:
    """Delete the pictures of the faces of photos whose rows are deleted next, in the same transaction.

    Before it commits: afterwards the same photo may have been added again, with crops of the same names.
    """
    crops = Face.everywhere.filter(pk__in=_locked_faces(owner_id, photos)).exclude(crop="")
    hashes = Photo.everywhere.filter(pk__in=photos).values_list("sha256", flat=True)
    _delete_files({*crops.values_list("crop", flat=True), *_crops_on_disk(owner_id, hashes)})


def _crops_on_disk(owner_id: int, hashes: Iterable[str]) -> Iterator[str]:
    """Crops of photos, also those that no row names: their worker may have been killed before it wrote the row."""
    root = Path(settings.MEDIA_ROOT)
    for sha256 in hashes:
        folder, start = crop_place(owner_id, sha256)
        yield from (path.relative_to(root).as_posix() for path in (root / folder).glob(f"{start}*"))


def _locked_faces(owner_id: int, photos: Collection[int]) -> list[int]:
    wait_for_lock(Job.CLUSTERS, owner_id)  # before the faces, as grouping does; questions are ranked under it
    # In order of primary key, as the ledger does.
    faces = Face.everywhere.filter(photo__in=photos).order_by("pk").select_for_update(of=("self",))
    locked = list(faces.values_list("pk", flat=True))
    Upkeep.objects.hold(owner_id)
    return locked


def _delete_files(names: Iterable[str]) -> None:
    for name in names:
        default_storage.delete(name)
