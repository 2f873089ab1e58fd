"""What Settings say about learning from an owner's answers."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.formats import number_format

from accounts.models import User
from ml.own_projection.answered import FEWEST
from ml.weights import WeightsUnavailable
from people.models import Face, OwnProjection, Training
from photos.face_model import current_face_model
from photos.sentences import in_words
from photos.workers import is_working

State = Training.State


@dataclass(frozen=True)
class Figures:
    """What was learnt, beside what was before. found, off: percentages as text. made_at: when it was learnt."""

    found_before: str
    found: str
    off_before: str
    off: str
    faces: int
    people: int
    is_better: bool
    made_at: datetime


@dataclass(frozen=True)
class LearningState:
    """state: as of `Training`. percent: of it, done. figures: of what was learnt last. used: of what is in use, if that
    is something else. confirmed: faces, counted as long as they are too few, else None. is_waiting: something is to be
    done, and no worker is there to do it."""

    state: str
    percent: int
    is_allowed: bool
    is_used: bool
    trouble: str
    figures: Figures | None
    used: Figures | None
    confirmed: int | None
    is_waiting: bool
    fewest_faces: int = FEWEST["faces"]
    fewest_people: int = FEWEST["people"]

    @property
    def is_running(self) -> bool:
        return self.state != State.RESTING

    @property
    def is_latest_used(self) -> bool:
        return self.is_used and self.used is None


def learning_state(owner: User) -> LearningState:
    """How far learning is, in two queries at most."""
    rows = Training.objects.select_related("latest", "filled").defer("latest__content", "filled__content")
    row = rows.filter(owner=owner).first() or Training(owner=owner)
    latest, filled = (own if own and _is_of_model_in_use(own) else None for own in (row.latest, row.filled))
    is_used = row.is_used and filled is not None
    confirmed = None
    if latest is None and not row.is_running:
        confirmed = Face.objects.gallery().filter(person__owner=owner)[: FEWEST["faces"]].count()
    return LearningState(
        state=row.state,
        percent=round(100 * row.share),
        is_allowed=row.is_allowed,
        is_used=is_used,
        trouble=in_words(row.trouble),
        figures=_figures(latest),
        used=_figures(filled) if is_used and filled != latest else None,
        confirmed=confirmed if confirmed is not None and confirmed < FEWEST["faces"] else None,
        is_waiting=row.is_running and not is_working("training"),
    )


def _is_of_model_in_use(own: OwnProjection) -> bool:
    try:
        return own.model == current_face_model().name
    except WeightsUnavailable:
        return True


def _figures(own: OwnProjection | None) -> Figures | None:
    if own is None:
        return None
    before, after = own.figures["base"], own.figures["own"]
    found_before, found = _percentages(before["tpir"], after["tpir"])
    off_before, off = _percentages(before["calibration_error"], after["calibration_error"])
    return Figures(
        found_before,
        found,
        off_before,
        off,
        faces=int(own.figures["faces"]),
        people=int(own.figures["people"]),
        is_better=own.is_better,
        made_at=own.made_at,
    )


def _percentages(before: float, after: float) -> tuple[str, str]:
    """Two shares as whole percentages, or with a decimal where those would be the same."""
    decimals = 0 if round(100 * before) != round(100 * after) else 1
    # number_format() cuts decimals off, and does not round.
    shown = [number_format(round(100 * share, decimals), decimals) for share in (before, after)]
    return shown[0], shown[1]
