"""What people does when photos, accounts or its own answers announce something."""

from django.db import transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import face_analysis_changed
from people import away, erasing, tasks
from people.models import Face
from people.signals import answers_changed
from photos.broker import send_wakeup
from photos.models import Photo
from photos.signals import photos_deleting, photos_ready, photos_restored, photos_trashed

SUGGEST_AGAIN = "suggest again after answers"


@receiver(photos_ready, dispatch_uid="find faces of ready photos")
def look_for_faces(owner_id: int, **kwargs: object) -> None:
    send_wakeup(tasks.find_faces)
    # A retried photo may already have its faces and wait only for its group.
    send_wakeup(tasks.group_faces, owner_id)


@receiver(face_analysis_changed, dispatch_uid="start with photos that waited for consent, or erase what was found")
def follow_consent(user: User, **kwargs: object) -> None:
    send_wakeup(tasks.find_faces if user.allows_faces else tasks.erase_vectors)


@receiver(answers_changed, dispatch_uid=SUGGEST_AGAIN)
def suggest_again(owner_id: int, **kwargs: object) -> None:
    send_wakeup(tasks.refresh_suggestions, owner_id)
    send_wakeup(tasks.group_faces, owner_id)  # does nothing unless faces got free


@receiver(photos_trashed, dispatch_uid="put faces out of sight with their photos")
def take_faces_away(owner_id: int, photos: list[int], **kwargs: object) -> None:
    away.take_away(owner_id, photos)
    transaction.on_commit(lambda: send_wakeup(tasks.refresh_suggestions, owner_id))


@receiver(photos_restored, dispatch_uid="put faces back in sight with their photos")
def bring_faces_back(owner_id: int, photos: list[int], **kwargs: object) -> None:
    away.bring_back(owner_id, photos)
    transaction.on_commit(lambda: _go_on(owner_id))


def _go_on(owner_id: int) -> None:
    send_wakeup(tasks.find_faces)  # those that were put into the trash before anybody had looked at them
    suggest_again(owner_id)


@receiver(photos_deleting, dispatch_uid="delete all that is known of faces with their photos")
def forget_faces(owner_id: int, photos: list[int], **kwargs: object) -> None:
    away.delete_crops(owner_id, photos)
    erasing.forget_photos(owner_id, photos)


@receiver(pre_delete, sender=Photo, dispatch_uid="let answers about the faces of a photo be finished first")
def wait_for_answers(instance: Photo, **kwargs: object) -> None:
    # In the transaction of the deletion. An answer given meanwhile would else note a face that is gone, and fail it.
    list(Face.everywhere.filter(photo=instance).order_by("pk").select_for_update(of=("self",)).values_list("pk"))
