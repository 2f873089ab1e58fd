"""What people does when photos, accounts or its own answers announce something."""

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.models import User
from accounts.signals import face_analysis_changed
from people import tasks
from people.models import Face
from people.signals import answers_changed
from photos.broker import send_wakeup
from photos.models import Photo
from photos.signals import photos_ready

SUGGEST_AGAIN = "suggest again after answers"


@receiver(photos_ready, dispatch_uid="find faces of ready photos")
def look_for_faces(owner_id: int, **kwargs: object) -> None:
    send_wakeup(tasks.find_faces)
    # A retried photo may already have its faces and wait only for its group.
    send_wakeup(tasks.group_faces, owner_id)


@receiver(face_analysis_changed, dispatch_uid="start with photos that waited for consent")
def start_when_allowed(user: User, **kwargs: object) -> None:
    if user.allows_faces:
        send_wakeup(tasks.find_faces)


@receiver(answers_changed, dispatch_uid=SUGGEST_AGAIN)
def suggest_again(owner_id: int, **kwargs: object) -> None:
    send_wakeup(tasks.refresh_suggestions, owner_id)
    send_wakeup(tasks.group_faces, owner_id)  # does nothing unless faces got free


@receiver(pre_delete, sender=Photo, dispatch_uid="let answers about the faces of a photo be finished first")
def wait_for_answers(instance: Photo, **kwargs: object) -> None:
    # In the transaction of the deletion. An answer given meanwhile would else note a face that is gone, and fail it.
    list(Face.objects.filter(photo=instance).order_by("pk").select_for_update(of=("self",)).values_list("pk"))
