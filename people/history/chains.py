"""Acts that were undone, done again, undone again: what such a chain is about in the end, and what redo takes back."""

from collections.abc import Iterable

from django.db import connection
from django.db.models import Subquery
from django.db.models.functions import Coalesce

from accounts.models import User
from people.models import Decision

ROOTS = """
    WITH RECURSIVE chain (top, act, undoes, depth) AS (
        SELECT id, id, undoes_id, 0 FROM people_decision WHERE id = ANY(%s)
        UNION ALL
        SELECT chain.top, act.id, act.undoes_id, chain.depth + 1
        FROM chain JOIN people_decision AS act ON act.id = chain.undoes
    )
    SELECT top, act, depth FROM chain WHERE undoes IS NULL
"""


def to_redo(user: User) -> Decision | None:
    """The undo that redo would take back: the user's last one that is not done again yet, if nothing was said since."""
    acts = Decision.objects.owned_by(user).filter(actor=user).order_by("-pk")
    last = acts.exclude(verb=Decision.Verb.UNDO).values("pk")[:1]
    undos = list(acts.filter(verb=Decision.Verb.UNDO, is_in_force=True, pk__gt=Coalesce(Subquery(last), 0)))
    found = roots(undos)
    return next((undo for undo in undos if found[undo.pk][1] % 2), None)


def roots(decisions: Iterable[Decision]) -> dict[int, tuple[int, int]]:
    """What each is about in the end, and over how many undos: of an act, itself and 0."""
    found = {decision.pk: (decision.pk, 0) for decision in decisions if decision.undoes_id is None}
    undoes = [decision.pk for decision in decisions if decision.undoes_id is not None]
    if undoes:
        with connection.cursor() as cursor:
            cursor.execute(ROOTS, [undoes])
            found |= {top: (act, depth) for top, act, depth in cursor.fetchall()}
    return found
