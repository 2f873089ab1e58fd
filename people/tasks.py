"""Celery tasks of people. Messages carry no work: they say that there is some in PostgreSQL.

What does the work is imported where it is done: a web process, which only sends
messages, then loads neither the networks nor scikit-learn (300 MB).
"""

import logging
import time

from celery import shared_task

from accounts.models import User
from ml.weights import WeightsUnavailable
from people.model_change import is_changing, photos_to_embed
from people.models import Training, Upkeep
from people.share_of_time import ShareOfTime
from photos import ending
from photos import tasks as photo_tasks
from photos.broker import send_wakeup
from photos.face_model import current_face_model
from photos.faults import fault
from photos.models import Photo

logger = logging.getLogger(__name__)

CLAIM = 16  # photos per claim: two groups for the networks, so that one is stored while they look at the other
# Embedding again gives way: after so long others get their turn, and a message that waited longer is dropped, for beat
# sends another one. Else those of beat and those the task sends itself would pile up.
AGAIN_CLAIM = 8
AGAIN_SECONDS = 3
AGAIN_WAITS_SECONDS = 20
# A task that hangs is ended with its process. Photos: before their lease runs out.
PHOTO_SECONDS = 120
AGAIN_AT_MOST_SECONDS = 60
LIBRARY_SECONDS = 3600
SHOWN_PICTURE_SECONDS = 60
TRAINING_SECONDS = 6 * 3600  # all other work goes first; how much processor time it may take: people.own_learning
TRAINING_WAITS_SECONDS = 60  # as AGAIN_WAITS_SECONDS: one run after the other, and beat sends again

# While photos still arrive. Suggestions of a small library are a matter of a moment, and somebody may wait for them.
_grouping = ShareOfTime(least_pause=10)
_suggesting = ShareOfTime(free=2)


@shared_task(time_limit=PHOTO_SECONDS)
def find_faces() -> int:
    """Find the faces of a few due photos and return how many photos are done. Safe to deliver twice."""
    from people import finding

    if not photo_tasks.media_is_there():
        return 0
    try:
        finding.face_finder()
    except WeightsUnavailable as error:
        # Photos wait, they do not fail: the pages say what is missing.
        logger.warning("Faces are not looked for: %s", error)
        return 0
    claimed = Photo.objects.claim(Photo.Stage.FACES, limit=CLAIM)
    if not claimed:
        return 0
    fault("faces-claimed")
    done = finding.find_faces_of(claimed)
    if done:  # otherwise something is wrong, and beat tries again soon enough
        send_wakeup(find_faces)
    for owner_id in sorted({photo.owner_id for photo in claimed}):
        if _is_time_to_group(owner_id):
            send_wakeup(group_faces, owner_id)
    return done


@shared_task(time_limit=AGAIN_AT_MOST_SECONDS, expires=AGAIN_WAITS_SECONDS)
def embed_again() -> int:
    """Embed faces of another model than the wanted one again, for a few seconds; return of how many photos.

    Safe to deliver twice. New photos go first.
    """
    from people import reembedding

    if not photo_tasks.media_is_there():
        return 0
    owners: set[int] = set()
    photos, is_over, end = 0, False, time.monotonic() + AGAIN_SECONDS
    try:
        while time.monotonic() < end and not ending.is_asked() and not Photo.objects.due(Photo.Stage.FACES).exists():
            done = reembedding.embed_some_again(limit=AGAIN_CLAIM)
            if not done:
                is_over = True
                break
            photos += len(done)
            owners |= {photo.owner_id for photo in done}
        model = current_face_model().name
    except WeightsUnavailable as error:
        logger.warning("Faces are not embedded again: %s", error)
        return 0
    if photos and not is_over:  # if something is wrong, beat tries again soon enough
        send_wakeup(embed_again)
    for owner_id in sorted(owners):
        if not is_changing(owner_id, model):
            send_wakeup(group_faces, owner_id)
    return photos


@shared_task(time_limit=SHOWN_PICTURE_SECONDS)
def recognise(name: str, owner_id: int, with_alike: bool = False) -> None:
    """Say who is in a picture that somebody shows, to him alone. Safe to deliver twice."""
    from people import recognising

    recognising.answer(name, owner_id, with_alike=with_alike)


@shared_task(time_limit=LIBRARY_SECONDS)
def group_faces(owner_id: int) -> bool:
    """Group an owner's unknown faces and suggest names. Safe to deliver twice."""
    if not _is_to_be_grouped(owner_id):
        return False
    from people import grouping

    try:
        with _grouping.taken(owner_id):
            is_grouped = grouping.group_owner(owner_id)
    except (WeightsUnavailable, grouping.CannotGroup) as error:
        logger.warning("Faces are not grouped: %s", error)
        return False
    if is_grouped:
        send_wakeup(refresh_suggestions, owner_id)
    return is_grouped


@shared_task(time_limit=LIBRARY_SECONDS)
def refresh_suggestions(owner_id: int) -> int:
    """Suggest names for an owner's unknown faces, and rank what to ask. Safe to deliver twice."""
    photos_come = _do_photos_come(owner_id)
    if not _is_here(owner_id) or (photos_come and not _suggesting.is_due(owner_id)):
        return 0
    from people import suggestions

    try:
        with _suggesting.taken(owner_id):
            return suggestions.refresh_suggestions(owner_id, photos_come=photos_come)
    except WeightsUnavailable as error:
        logger.warning("Names are not suggested: %s", error)
        return 0


@shared_task(time_limit=LIBRARY_SECONDS)
def draw_map(owner_id: int) -> bool:
    """Draw the map of an owner's library. Safe to deliver twice."""
    if not _is_here(owner_id):
        return False
    from people import mapping

    try:
        return mapping.draw_map(owner_id)
    except WeightsUnavailable as error:
        logger.warning("The map is not drawn: %s", error)
        return False


@shared_task(time_limit=TRAINING_SECONDS, expires=TRAINING_WAITS_SECONDS)
def learn_from_answers(owner_id: int) -> bool:
    """Learn an owner's own projection, and put it to use if it is better. Safe to deliver twice."""
    if not _is_here(owner_id):
        return False
    from people import own_learning

    try:
        return own_learning.run(owner_id)
    except WeightsUnavailable as error:
        logger.warning("Nothing is learnt from answers: %s", error)
        return False


@shared_task(time_limit=LIBRARY_SECONDS)
def erase_vectors() -> int:
    """Erase what faces are compared by of everybody who turned face analysis off. Safe to deliver twice."""
    from people import erasing

    owners = User.objects.filter(pk__in=erasing.vectors_without_consent().values("photo__owner"))
    return sum(erasing.erase_vectors(owner) for owner in owners.order_by("pk"))


@shared_task(time_limit=LIBRARY_SECONDS)
def finish_leaving() -> int:
    """Delete what belongs to accounts that were closed, and return how many. Safe to deliver twice."""
    from people import leaving

    left = 0
    for user in User.objects.exclude(deleted_at=None).order_by("pk"):
        leaving.finish_leaving(user)
        left += 1
    return left


@shared_task
def wake_workers() -> None:
    """Send again what may have been lost: beat calls this every half minute."""
    photo_tasks.wake_due()
    if Photo.objects.due(Photo.Stage.FACES).exists():
        send_wakeup(find_faces)
    _wake_embedding()
    waiting = Photo.objects.due(Photo.Stage.GROUPING).order_by().values_list("owner_id", flat=True)
    put_off = set(Upkeep.objects.put_off().values_list("pk", flat=True))
    for owner_id in {*waiting, *Upkeep.objects.without_groups().values_list("pk", flat=True)} - put_off:
        send_wakeup(group_faces, owner_id)
    for owner_id in Upkeep.objects.without_suggestions().values_list("pk", flat=True):
        send_wakeup(refresh_suggestions, owner_id)
    for owner_id in Training.objects.unfinished().values_list("pk", flat=True):
        send_wakeup(learn_from_answers, owner_id)
    if User.objects.exclude(deleted_at=None).exists():
        send_wakeup(finish_leaving)
    _wake_erasing()
    photo_tasks.wake_places()
    photo_tasks.sweep_uploads()  # last: a broken disk must not keep the work from being sent


def _is_here(owner_id: int) -> bool:
    """Whether the account is still there: messages may come long after it was deleted."""
    return User.objects.filter(pk=owner_id).exists()


def _wake_erasing() -> None:
    from people.erasing import vectors_without_consent

    if vectors_without_consent().exists():
        send_wakeup(erase_vectors)


def _wake_embedding() -> None:
    try:
        if photos_to_embed(current_face_model().name).exists():
            send_wakeup(embed_again)
    except WeightsUnavailable as error:
        logger.warning("Faces are not embedded again: %s", error)


def _is_to_be_grouped(owner_id: int) -> bool:
    """New photos always are; what else changed waits until all faces have embeddings of one model.

    After a run that failed nothing is, for a while.
    """
    if Upkeep.objects.put_off().filter(pk=owner_id).exists():
        return False
    if Photo.objects.due(Photo.Stage.GROUPING).filter(owner=owner_id).exists():
        return True
    if not Upkeep.objects.without_groups().filter(owner=owner_id).exists():
        return False
    try:
        return not is_changing(owner_id, current_face_model().name)
    except WeightsUnavailable as error:
        logger.warning("Faces are not grouped: %s", error)
        return False


def _is_time_to_group(owner_id: int) -> bool:
    """At the end of a batch at once; in the middle of a large one every now and then."""
    return not _do_photos_come(owner_id) or _grouping.is_due(owner_id)


def _do_photos_come(owner_id: int) -> bool:
    """Whether there are photos whose faces were not looked for yet."""
    coming = Photo.objects.at_stage(Photo.Stage.FACES) | Photo.objects.at_stage(Photo.Stage.DERIVATIVES)
    return coming.filter(owner=owner_id).exists()
