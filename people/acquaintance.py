"""How probable it is that the owner knows whom a group shows: learnt from what became of groups of its size."""

from dataclasses import dataclass

import numpy as np
from django.db.models import Count, Q
from numpy.typing import NDArray

from people.models import Change, Cluster, Decision
from people.models.cluster import SMALLEST_GROUP

LATEST = 500  # answers looked at
# Laplace's rule of succession, n / (n + 1) for a group of n faces, counts like so many groups that were answered for.
PRIOR = 2.0
# A group of twice or half as many faces says a tenth of what one of the same size does.
PER_OCTAVE = 0.1


@dataclass(frozen=True, eq=False)
class Acquaintance:
    """Groups that got a name, and groups that were set aside or hidden. sizes, is_named: shape (groups,)."""

    sizes: NDArray[np.int64]
    is_named: NDArray[np.bool_]

    @classmethod
    def of(cls, owner_id: int) -> "Acquaintance":
        """Read them in a constant number of queries."""
        answered = [*_answered(owner_id), *((size, False) for size in _hidden(owner_id))]
        sizes, is_named = zip(*answered, strict=True) if answered else ((), ())
        return cls(np.array(sizes, dtype=np.int64), np.array(is_named, dtype=bool))

    def chance(self, faces: int) -> float:
        """That a group of so many faces gets a name when it is asked about."""
        counts = PER_OCTAVE ** np.abs(np.log2(np.maximum(self.sizes, 1) / faces))
        return float((PRIOR * faces / (faces + 1) + counts @ self.is_named) / (PRIOR + counts.sum()))


def _answered(owner_id: int) -> list[tuple[int, bool]]:
    """Of the latest answers about whole groups: how many faces each was about, and whether they got a name."""
    acts = Decision.objects.filter(owner=owner_id, actor__isnull=False, is_in_force=True)
    latest = acts.filter(verb__in=[Decision.Verb.CONFIRM, Decision.Verb.IGNORE]).order_by("-pk")[:LATEST]
    waited = Change.objects.filter(decision__in=list(latest.values_list("pk", flat=True)), before__person=None)
    groups = waited.filter(before__is_ignored=False).exclude(before__cluster=None)
    counted = groups.order_by().values("decision", "before__cluster").annotate(faces=Count("pk"))
    rows = counted.filter(faces__gte=SMALLEST_GROUP).values_list("faces", "decision__verb")
    return [(faces, verb == Decision.Verb.CONFIRM) for faces, verb in rows]


def _hidden(owner_id: int) -> list[int]:
    clusters = Cluster.objects.filter(owner=owner_id, is_hidden=True)
    waiting = Q(faces__person=None, faces__is_ignored=False, faces__is_away=False)
    counted = clusters.order_by().annotate(waiting=Count("faces", filter=waiting)).filter(waiting__gte=SMALLEST_GROUP)
    return list(counted.values_list("waiting", flat=True))
