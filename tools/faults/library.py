"""What a running Kith holds, asked of its database and folder: is all work done, is anything lost or doubled."""

import os
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import django

from tests import services

PAUSE = 0.2
OWNER, PASSWORD = "ada", "a password for tests"


def use(home: Path, models: Path) -> None:
    """Let Django in this process work on a home. To be called once, before anything of Kith is imported."""
    shutil.rmtree(services.HOME, ignore_errors=True)  # made for pytest, which we are not
    for name in ("DATABASE_URL", "REDIS_URL", "KITH_FACE_MODEL", "KITH_FAULT", "KITH_DEBUG"):
        os.environ.pop(name, None)
    os.environ |= {"KITH_HOME": str(home), "KITH_MODELS": str(models), "DJANGO_SETTINGS_MODULE": "config.settings"}
    django.setup()


def have_owner() -> None:
    from accounts.models import User

    if not User.objects.filter(username=OWNER).exists():
        User.objects.create_user(OWNER, password=PASSWORD, face_analysis=User.FaceAnalysis.ON)


def seconds_until_settled(limit: float) -> float | None:
    """Wait until all work is done; how long that took, None if it was not done in time."""
    from django.db import Error, connection

    start = time.monotonic()
    while (waited := time.monotonic() - start) < limit:
        try:
            if not any(_unfinished()):
                return waited
        except Error:
            connection.close()
        time.sleep(PAUSE)
    return None


def unfinished_work() -> list[str]:
    """What is still to be done, in words."""
    return [what for what in _unfinished() if what]


def _unfinished() -> Iterator[str]:
    from django.db.models import F, Q

    from people.models import Face, Training, Upkeep
    from photos.models import Archive, Photo

    for photo in Photo.objects.filter(failure="").exclude(stage=Photo.Stage.DONE)[:5]:
        yield f"photo {photo.pk}: {photo.stage}, {photo.attempts} attempts, lease {photo.lease_until}"
    for archive in Archive.objects.unfinished():
        yield f"archive {archive.pk}: at {archive.position}"
    # First: what is learnt last wants suggestions.
    for training in Training.objects.unfinished():
        yield f"learning of {training.pk}: {training.state}, started {training.starts} times"
    behind = Q(suggestions_made__lt=F("suggestions_wanted")) | Q(groups_made__lt=F("groups_wanted"))
    for upkeep in Upkeep.objects.filter(behind):
        yield f"upkeep of {upkeep.pk}: retry at {upkeep.retry_at}"
    if Photo.everywhere.to_be_purged().exists():
        yield "photos to be purged"
    if Face.objects.filter(model="").exists():
        yield "faces to be embedded"


def problems(acknowledged: Mapping[str, str], *, faces: Mapping[str, int]) -> list[str]:
    """All that is wrong once the work is done: what `manage.py verify --settled --checksums` names, and more.

    Args:
        acknowledged: SHA-256 of each photo that was taken in and not deleted since, and what it shows.
        faces: how many faces the detector finds in a picture of each kind.
    """
    return [*_verified(), *_lost(acknowledged), *_miscounted(acknowledged, faces)]


def leftovers() -> list[str]:
    """Files that nobody needs, were they swept now and not in an hour: there must be none."""
    from people.integrity import crop_names
    from photos import begun, integrity, unpacking, uploading

    for module in (begun, integrity, unpacking, uploading):
        module.STALE_AFTER_SECONDS = module.LENT_SECONDS = -1  # type: ignore[attr-defined]
    from photos.tasks import sweep_uploads

    sweep_uploads()
    return [problem.text for problem in integrity.file_problems(crop_names())]


def failed_photos() -> list[str]:
    from photos.models import Photo

    return [f"{photo.name}: {photo.failure}" for photo in Photo.objects.failed()]


def _verified() -> Iterator[str]:
    from people.integrity import crop_names, face_problems
    from photos.integrity import file_problems, photo_problems, unfinished

    for found in (photo_problems(checksums=True), face_problems(), file_problems(crop_names()), unfinished()):
        yield from (f"{problem.invariant}: {problem.text}" for problem in found)


def _lost(acknowledged: Iterable[str]) -> Iterator[str]:
    from photos.models import Photo

    stored = Counter(Photo.everywhere.values_list("sha256", flat=True))
    yield from (f"lost: {sha256[:12]}" for sha256 in acknowledged if not stored[sha256])
    yield from (f"doubled: {sha256[:12]}" for sha256, count in stored.items() if count > 1)


def _miscounted(acknowledged: Mapping[str, str], faces: Mapping[str, int]) -> Iterator[str]:
    """I4: each photo has exactly the faces of a run nobody disturbed."""
    from photos.models import Photo

    for photo in Photo.objects.filter(stage=Photo.Stage.DONE, failure="", sha256__in=list(acknowledged)):
        kind = acknowledged[photo.sha256]
        found = photo.faces.filter(is_drawn=False).count()
        if kind in faces and found != faces[kind]:
            yield f"photo {photo.pk} ({kind}): {found} faces, not {faces[kind]}"


def faces_by_kind(acknowledged: Mapping[str, str]) -> dict[str, int]:
    """How many faces were found in a picture of each kind, where nothing was disturbed."""
    from photos.models import Photo

    return {acknowledged[p.sha256]: p.faces.count() for p in Photo.objects.filter(sha256__in=list(acknowledged))}
