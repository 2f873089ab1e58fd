"""What an owner, and Kith by itself, may ask of learning from answers: small changes of one row, for web and workers.

The work is done by people.own_learning, in a process of its own.
"""

from django.db import transaction

from accounts.models import User
from people import tasks
from people.models import OwnProjection, Training, Upkeep
from photos.broker import send_wakeup

State = Training.State


def ask_to_learn(owner: User) -> bool:
    """Have the worker learn from all answers; False if it is at it already, or may not."""
    if not owner.allows_faces:
        return False
    Training.objects.get_or_create(owner=owner)
    wanted = {"state": State.WANTED, "share": 0, "starts": 0, "trouble": ""}
    if not Training.objects.filter(owner=owner, state=State.RESTING).update(**wanted):
        return False
    _wake(owner.pk)
    return True


@transaction.atomic
def cancel(owner_id: int) -> bool:
    """Stop what is being learnt or put to use; the worker notices within a second."""
    training = Training.objects.select_for_update().running().filter(pk=owner_id).first()
    if training is None:
        return False
    if training.state == State.FILLING:
        _suggest_again(owner_id)  # the model's own projection has taken over
    training.state, training.share, training.trouble = State.RESTING, 0, ""
    training.save(update_fields=["state", "share", "trouble"])
    return True


@transaction.atomic
def use_latest(owner: User) -> None:
    """The owner wants what is learnt to be used: what was learnt last is, once all faces have their rows of it."""
    Training.objects.get_or_create(owner=owner)
    training = Training.objects.select_for_update(of=("self",)).select_related("latest").get(pk=owner.pk)
    training.is_allowed = True
    if training.latest is None or training.is_running:
        training.save(update_fields=["is_allowed"])
    else:
        begin_using(training, training.latest)


def begin_using(training: Training, own: OwnProjection) -> None:
    """In a transaction that holds the row. Faces that hold rows of it already make it a matter of a moment."""
    if training.filled_id == own.pk and training.filled_to is None and not training.is_clearing:
        training.is_used = True
        training.state = State.RESTING
        _suggest_again(training.owner_id)
    else:
        if training.filled_id != own.pk:
            # Rows change from now on: until all are of one kind, the model's own are compared.
            training.filled, training.filled_to, training.is_used = own, 0, False
        training.state, training.share, training.starts = State.FILLING, 0, 0
        _wake(training.owner_id)
    training.trouble = ""
    training.save()


@transaction.atomic
def stop_using(owner_id: int) -> None:
    """The owner does not want what was learnt to be used, neither now nor what will be learnt."""
    Training.objects.get_or_create(owner_id=owner_id)
    training = Training.objects.select_for_update().get(pk=owner_id)
    training.is_allowed, training.is_used = False, False
    if training.state == State.FILLING:
        training.state = State.RESTING
    training.save()
    _suggest_again(owner_id)


@transaction.atomic
def forget(owner_id: int, *, learn_again: bool) -> None:
    """Drop what was learnt, for somebody it was learnt from is deleted; also what is being learnt just now.

    A worker takes the rows off the faces afterwards. What the owner said stays said.
    """
    training = Training.objects.select_for_update().filter(pk=owner_id).first()
    if training is None:
        return
    was_learnt = training.latest_id is not None or training.is_running
    training.is_clearing |= training.filled_id is not None
    training.latest = training.filled = training.filled_to = None
    training.is_used = False
    training.state = State.WANTED if learn_again and was_learnt and training.is_allowed else State.RESTING
    training.share, training.starts, training.trouble, training.tried_faces = 0, 0, "", 0
    training.save()
    OwnProjection.objects.filter(owner=owner_id).delete()
    if training.is_running or training.is_clearing:
        _wake(owner_id)


def _suggest_again(owner_id: int) -> None:
    Upkeep.objects.want(owner_id, groups=False)
    transaction.on_commit(lambda: send_wakeup(tasks.refresh_suggestions, owner_id))


def _wake(owner_id: int) -> None:
    transaction.on_commit(lambda: send_wakeup(tasks.learn_from_answers, owner_id))
