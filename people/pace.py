"""How long the questions that are left will take, at the pace of who answers them."""

import time
from math import ceil

from django.contrib.sessions.backends.base import SessionBase

SECONDS = 8.0  # an answer, until some have been given
LONGEST = 60.0  # between two answers; a longer gap was a pause
SHARE = 0.2  # of the newest answer in the mean


def note_answer(session: SessionBase) -> None:
    """Take down that a question was answered just now."""
    now = time.time()
    gap = now - session.get("answered_at", 0.0)
    if gap <= LONGEST:
        session["pace"] = (1 - SHARE) * session.get("pace", SECONDS) + SHARE * gap
    session["answered_at"] = now


def minutes_for(session: SessionBase, questions: int) -> int:
    """How long so many questions take, at least one minute."""
    seconds: float = session.get("pace", SECONDS)
    return max(1, ceil(questions * seconds / 60))
