"""Answers that were given: each card once, and a card as it was answered."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_urlsafe

from django.db import IntegrityError, transaction

from accounts.models import User
from people.history import attach_texts
from people.models import Change, Decision, Face, Question
from people.tiles import TILES

# The key of a question, and a name for one time it was shown.
CARD = re.compile(r"([pg0-9-]{1,40})\.[\w-]{1,16}", re.ASCII)


def new_card(question: Question) -> str:
    """A name for one card that is about to be shown."""
    return f"{question.key}.{token_urlsafe(12)}"


def key_of(card: str) -> str:
    """The key of the question that a card asks; "" of nonsense."""
    match = CARD.fullmatch(card)
    return match[1] if match else ""


def given(owner: User, card: str) -> Decision | None:
    """The answer that was given on a card, also if it was undone since."""
    return Decision.objects.owned_by(owner).filter(card=card).first() if key_of(card) else None


def answer_once(owner: User, card: str, act: Callable[[], Decision | None]) -> tuple[Decision | None, bool]:
    """Do what a card's answer asks for, unless an answer on that card has arrived before.

    Return the decision, and whether it is that earlier one. The same answer may be sent again after its reply was
    lost, even while the first one is still being worked on.
    """
    before = given(owner, card)
    if before is not None:
        return before, True
    try:
        with transaction.atomic():
            decision = act()
            if decision is not None and key_of(card):
                decision.card = card
                decision.save(update_fields=["card"])
            return decision, False
    except IntegrityError:
        before = given(owner, card)
        if before is None:
            raise
        return before, True


@dataclass(frozen=True)
class AnsweredFace:
    """A face as it was answered for; said: "yes", "no" for not this person, "aside", or "" for one of two groups."""

    face: Face
    said: str
    side: int | None


@dataclass(frozen=True)
class Answered:
    """A card that was answered. text: what was said, in words. more: faces that are not shown."""

    decision: Decision
    text: str
    faces: list[AnsweredFace]
    more: int


def as_answered(decision: Decision) -> Answered:
    """What an answer said of which faces."""
    attach_texts([decision])
    changes = Change.objects.filter(decision=decision, face__isnull=False, face__is_away=False).order_by("pk")
    shown = list(
        changes.defer("face__embedding", "face__projection", "face__own_projection").select_related("face__photo")[
            :TILES
        ]
    )
    faces = [AnsweredFace(change.face, _said(change), change.side) for change in shown if change.face]
    count = changes.count() if len(shown) == TILES else len(shown)
    return Answered(decision, decision.text, faces, count - len(shown))


def _said(change: Change) -> str:
    if change.side:
        return ""
    if change.rejected_id:
        return "no"
    return "aside" if change.after.get("is_ignored") else "yes"
