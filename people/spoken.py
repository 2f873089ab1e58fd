"""What users said that the scores of single faces go by, as one can keep it and see later what has changed."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from people import constraints
from people.models import Change

END = datetime.max.replace(tzinfo=UTC)
# In place of a moment, in rows.
FOLLOWS, IS_ONE_WITH, SHOWS_TWICE = -1, -2, -3

Row = tuple[int, int, int]


@dataclass(frozen=True)
class Spoken:
    """noes: pairs of a face and a person it is not, and when that was said last; `END` where it only follows.
    pulled: whose each face is that was said to be one with theirs. twice: photos that show somebody more than once."""

    noes: dict[tuple[int, int], datetime]
    pulled: dict[int, int]
    twice: set[int]

    @classmethod
    def of(cls, owner_id: int) -> "Spoken":
        said = constraints.Constraints.of(owner_id)
        pairs = said.ruled_out()
        moments = _said_at(owner_id)
        noes = {pair: moments.get(pair, END) for pair in pairs}
        return cls(noes, said.pulled(), constraints.repeat_photos(owner_id))

    @cached_property
    def rows(self) -> set[Row]:
        """A face, a person and when it was said; or what else is said of the face, or of a photo."""
        noes = {
            (face, person, FOLLOWS if at == END else int(at.timestamp() * 1e6))
            for (face, person), at in self.noes.items()
        }
        pulled = {(face, person, IS_ONE_WITH) for face, person in self.pulled.items()}
        return noes | pulled | {(photo, 0, SHOWS_TWICE) for photo in self.twice}

    def as_bytes(self) -> bytes:
        return np.array(sorted(self.rows), dtype="<i8").tobytes()


def rows_of(kept: bytes) -> set[Row]:
    """What `as_bytes` kept."""
    return {(one, other, kind) for one, other, kind in np.frombuffer(kept, dtype="<i8").reshape(-1, 3).tolist()}


def _said_at(owner_id: int) -> dict[tuple[int, int], datetime]:
    """When somebody was last said not to be a person, by face and person."""
    noes = Change.objects.filter(decision__owner=owner_id, decision__is_in_force=True, face__isnull=False)
    said = noes.filter(rejected__isnull=False).order_by("decision")
    rows = said.values_list("face", "rejected", "decision__made_at")
    return {(face or 0, person or 0): at for face, person, at in rows}
