"""Why faces stayed as they were when something was undone: which later decisions say what they are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse
from django.utils.translation import ngettext

from people.history.sentences import attach_texts, day, short
from people.ledger import acts_on
from people.models import Decision, Face
from people.tracks import later_acts
from photos.numbers import written

Verb = Decision.Verb

FACES_LOOKED_AT = 2000  # that stayed as they were when something was undone; the page tells why

STAYED = """
    SELECT undone.top, change.face_id
    FROM unnest(%s::bigint[], %s::bigint[]) AS undone (top, act)
    JOIN people_change AS change ON change.decision_id = undone.act
    WHERE change.face_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM people_change AS back
        WHERE back.decision_id = undone.top AND back.face_id = change.face_id
    )
    ORDER BY undone.top, change.face_id
    LIMIT %s
"""


@dataclass(frozen=True)
class Held:
    """Faces that an undo left as they were, and the later decision that says what they are."""

    by: Decision
    count: int

    @property
    def text(self) -> str:
        text = ngettext("%(n)s face stays: %(what)s on %(day)s", "%(n)s faces stay: %(what)s on %(day)s", self.count)
        return text % {"n": written(self.count), "what": short(self.by), "day": day(self.by.made_at)}

    @property
    def url(self) -> str:
        query = {"at": self.by.pk} | ({"by": "kith"} if self.by.verb == Verb.REGROUP else {})
        return f"{reverse('people:history')}?{urlencode(query)}#decision-{self.by.pk}"


def attach_held(decisions: Sequence[Decision]) -> None:
    """Set `held` on each decision: of an undo in force, which faces stayed as they were, and why. After the texts."""
    later = _later([each for each in decisions if each.verb == Verb.UNDO and each.is_in_force])
    newest = {pk: Counter(acts[0] for acts in of_faces) for pk, of_faces in later.items()}
    holding = {act for counts in newest.values() for act in counts}
    acts = Decision.objects.select_related("person").in_bulk(holding)
    for decision in decisions:
        counts = newest.get(decision.pk, Counter())
        decision.held = [Held(acts[pk], counts[pk]) for pk in sorted(counts, reverse=True)]


def what_holds(undo: Decision) -> list[Decision]:
    """The decisions in force that keep faces from following an undo; all of them, one after the other."""
    attach_texts([undo])
    pks = {act for acts in _later([undo]).get(undo.pk, []) for act in acts}
    return list(Decision.objects.filter(pk__in=pks))


def _later(undoes: Sequence[Decision]) -> dict[int, list[list[int]]]:
    """By undo, for each face that stayed: the decisions about it after what was undone, the latest first."""
    stayed = _stayed(undoes)
    faces = {face for of_undo in stayed.values() for face in of_undo}
    acts = acts_on(Face.everywhere.filter(pk__in=faces).only("pk")) if faces else {}
    later: dict[int, list[list[int]]] = {}
    for undo in undoes:
        for face in stayed.get(undo.pk, []):
            change = next(act for act in acts[face] if act.decision_id == undo.root.pk)
            if held := later_acts(acts[face], change):
                later.setdefault(undo.pk, []).append([act.decision_id for act in held])
    return later


def _stayed(undoes: Sequence[Decision]) -> dict[int, list[int]]:
    """Faces of what was undone that an undo did not touch, by the undo."""
    if not undoes:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(STAYED, [[each.pk for each in undoes], [each.root.pk for each in undoes], FACES_LOOKED_AT])
        rows = cursor.fetchall()
    faces: dict[int, list[int]] = {}
    for top, face in rows:
        faces.setdefault(top, []).append(face)
    return faces
