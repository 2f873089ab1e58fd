"""Learns a projection from an owner's answers and puts it to use if it is better: the training worker's side.

All of its state is in the owner's row of Training. Whoever changes that row, to cancel or because somebody was
forgotten, is noticed within a second; a process that is killed leaves it as it is, and the next one starts again.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from ml.calibration import calibration_for
from ml.models import FaceModel, projection_path
from ml.own_projection import Answered, TooFewFaces, figures_of, learn_projection, save_own
from ml.own_projection.answered import FEWEST, UNNAMED
from ml.own_projection.learning import OwnProjection as Learnt
from ml.projection import EMBEDDING_SIZE, Projection, load_projection
from people import constraints, own_rows, training
from people.locks import Job, one_at_a_time
from people.model_change import is_changing
from people.models import Face, OwnProjection, Training
from people.scores import gallery_of
from people.vectors import centre_in_use
from photos.face_model import current_face_model
from photos.faults import fault

logger = logging.getLogger(__name__)

GROWN_BY = 0.3  # by itself Kith learns again when so many more faces are confirmed
LOOK_EVERY = 0.5  # seconds, whether it is still wanted
AT_MOST_SECONDS = 600  # of the processor's time: by the clock it may take as long as there is more urgent work
MOST_STARTS = 5  # of one run
READ = 1000  # faces read at a time
MOST_FACES = 20_000  # that are read; ml.own_projection chooses among them
MOST_NOES = 10_000  # faces nobody named that a user said no about
KILLED = "Learning was stopped too often before it was done. Start it again when the computer has less to do."
TOO_LONG = "Learning took too long and was stopped. Start it again when the computer has less to do."
FAILED = "Something went wrong while Kith learnt. Start it again; if it goes wrong again, the log says why."

State = Training.State


class NotWanted(Exception):
    """Somebody cancelled it, or what it learns from is no longer so."""


class TookTooLong(Exception):
    """It had its time."""


def ask_if_grown(owner_id: int, model: FaceModel, confirmed: int | None = None) -> bool:
    """Have it learnt by itself, where the owner lets Kith and a good deal more was confirmed since last time.

    confirmed: how many faces are, if that is known.
    """
    last = Training.objects.filter(owner=owner_id).first() or Training(owner_id=owner_id)
    if not last.is_allowed or last.is_running:
        return False
    known = last.tried_faces if last.tried_model == model.name else 0
    confirmed = gallery_of(owner_id, model).count() if confirmed is None else confirmed
    if confirmed < max(FEWEST["faces"], known * (1 + GROWN_BY)) or is_changing(owner_id, model.name):
        return False
    return training.ask_to_learn(User.objects.get(pk=owner_id))


def run(owner_id: int) -> bool:
    """Do what is to be done for an owner; whether something was learnt or put to use. Safe to be stopped anywhere."""
    with one_at_a_time(Job.TRAINING, owner_id) as is_ours:
        if not is_ours:
            return False
        own_rows.clear(owner_id)
        try:
            return _run(owner_id)
        except NotWanted:
            return False


def _run(owner_id: int) -> bool:
    if not Training.objects.unfinished().filter(pk=owner_id).exclude(state=State.RESTING).exists():
        return False
    if Training.objects.filter(pk=owner_id, starts__gte=MOST_STARTS).exists():
        _end(owner_id, trouble=KILLED)
        return False
    model = current_face_model()
    base = load_projection(projection_path(settings.KITH_MODELS, model.name))  # without it nothing has begun
    Training.objects.filter(pk=owner_id).update(starts=F("starts") + 1)
    try:
        if Training.objects.filter(pk=owner_id, state__in=(State.WANTED, State.LEARNING)).exists():
            _learn(owner_id, model, base)
        return _fill(owner_id)
    except TooFewFaces as error:
        _end(owner_id, trouble=str(error))
    except TookTooLong:
        _end(owner_id, trouble=TOO_LONG)
    except (ValueError, ArithmeticError, MemoryError):
        logger.exception("Nothing was learnt from the answers of user %s", owner_id)
        _end(owner_id, trouble=FAILED)
    return False


def _learn(owner_id: int, model: FaceModel, base: Projection) -> None:
    confirmed = gallery_of(owner_id, model).count()
    begun = {"state": State.LEARNING, "share": 0, "tried_model": model.name, "tried_faces": confirmed}
    Training.objects.filter(pk=owner_id).exclude(state=State.RESTING).update(**begun)
    watch = _Watch(owner_id, State.LEARNING)
    watch(0.0)
    centre = centre_in_use(owner_id, model.name)
    learnt = learn_projection(
        answered(owner_id, model, watch),
        base,
        calibration_for(model.limits().suggestion, recentred=centre is not None),
        centre=centre,
        report=watch,
    )
    fault("own-projection-learnt")
    _keep(owner_id, model, learnt)


def answered(owner_id: int, model: FaceModel, report: Callable[[float], None]) -> Answered:
    """What an owner said about faces of this model: names, and who somebody is not. report: called again and again."""
    named = _some(list(gallery_of(owner_id, model).values_list("pk", flat=True)), MOST_FACES)
    noes = sorted(constraints.ruled_out(owner_id))
    unnamed = Face.objects.filter(photo__owner=owner_id, person=None, pk__in={face for face, _ in noes})
    said_no = _some(list(unnamed.embedded_by(model.name).values_list("pk", flat=True)), MOST_NOES)
    pks = sorted(named + said_no)
    rows: list[tuple[Any, ...]] = []
    for start in range(0, len(pks), READ):
        some = Face.objects.filter(pk__in=pks[start : start + READ]).embedded_by(model.name).order_by("pk")
        rows += some.values_list("pk", "person_id", "photo_id", "quality", "embedding")
        report(0.0)
    place = {row[0]: number for number, row in enumerate(rows)}
    pairs = [(place[face], person) for face, person in noes if face in place]
    return Answered(
        embeddings=np.array([row[4] for row in rows], dtype=np.float32).reshape(-1, EMBEDDING_SIZE),
        people=np.array([row[1] or UNNAMED for row in rows], dtype=np.int64),
        photos=np.array([row[2] for row in rows], dtype=np.int64),
        qualities=np.array([row[3] for row in rows], dtype=np.float64),
        noes=np.array(pairs, dtype=np.int64).reshape(-1, 2),
    )


def _some(pks: list[int], most: int) -> list[int]:
    """At most so many, at random, always the same."""
    pks = sorted(pks)
    if len(pks) <= most:
        return pks
    chosen = np.sort(np.random.default_rng(0).permutation(len(pks))[:most])
    return [pks[place] for place in chosen.tolist()]


@transaction.atomic
def _keep(owner_id: int, model: FaceModel, learnt: Learnt) -> None:
    """Store what was learnt; begin to use it if it is better and the owner lets Kith."""
    allowed = User.objects.filter(pk=owner_id, face_analysis=User.FaceAnalysis.ON)
    held = Training.objects.select_for_update().filter(pk=owner_id, state=State.LEARNING).first()
    if held is None or not allowed.exists():
        raise NotWanted
    held.latest = OwnProjection.objects.create(
        owner_id=owner_id,
        model=model.name,
        content=save_own(learnt),
        figures=figures_of(learnt),
        is_better=learnt.is_better,
    )
    held.state, held.trouble = State.RESTING, ""
    held.save()
    if held.is_allowed and learnt.is_better:
        training.begin_using(held, held.latest)
    kept = [pk for pk in (held.latest_id, held.filled_id) if pk is not None]
    OwnProjection.objects.filter(owner=owner_id).exclude(pk__in=kept).delete()


def _fill(owner_id: int) -> bool:
    """Give all faces their rows, if something is to be put to use; then use it."""
    held = Training.objects.filter(pk=owner_id).select_related("filled").first()
    if held is None or held.filled is None or held.state != State.FILLING:
        return held is not None and held.state == State.RESTING
    if not own_rows.fill_all(owner_id, held.filled, _Watch(owner_id, State.FILLING)):
        return False
    with transaction.atomic():
        ready = Q(pk=owner_id, state=State.FILLING, filled=held.filled, filled_to=None)
        filled = Training.objects.select_for_update().filter(ready).select_related("filled").first()
        if filled is None or filled.filled is None:
            return False
        training.begin_using(filled, filled.filled)
    return True


def _end(owner_id: int, *, trouble: str) -> None:
    Training.objects.running().filter(pk=owner_id).update(state=State.RESTING, share=0, trouble=trouble)


class _Watch:
    """Called with the share that is done: notes it, and ends the run when it is not wanted any more."""

    def __init__(self, owner_id: int, state: Training.State) -> None:
        self._row = Training.objects.unfinished().filter(pk=owner_id, state=state)
        self._end = time.process_time() + AT_MOST_SECONDS
        self._next = 0.0

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LOOK_EVERY
        # Not update() of the row as such: a cancelled one stays as it is.
        if not self._row.update(share=share):
            raise NotWanted
        if time.process_time() > self._end:
            raise TookTooLong
        fault("own-projection-progress")
