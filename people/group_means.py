"""Groups as they count for the scores of their faces: the mean face of each, and how many it is of.

A group counts as it was when all of its faces were scored, until a tenth of it has changed; docs/decisions/0029.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from ml.scoring import Company, company_of
from people.vectors import FaceColumns

SHARE = 0.1  # of a group that, come or gone, makes it another one


@dataclass(frozen=True, eq=False)
class GroupMeans:
    """company: groups by primary key. changed: shape (g,), how many faces came or went since."""

    company: Company
    changed: NDArray[np.int64]

    @classmethod
    def of(cls, faces: FaceColumns) -> "GroupMeans":
        grouped = faces.clusters > 0
        company = company_of(faces.rows[grouped], faces.clusters[grouped])
        return cls(company, np.zeros(len(company.groups), dtype=np.int64))

    @classmethod
    def from_bytes(cls, kept: bytes) -> "GroupMeans":
        with np.load(BytesIO(kept)) as arrays:
            return cls(Company(arrays["groups"], arrays["means"], arrays["sizes"]), arrays["changed"])

    def as_bytes(self) -> bytes:
        written = BytesIO()
        company = self.company
        np.savez(written, groups=company.groups, means=company.means, sizes=company.sizes, changed=self.changed)
        return written.getvalue()

    def after(self, changes: Mapping[int, int]) -> "GroupMeans":
        """The same, with so many faces more that came to or left each of some groups."""
        more = np.array([changes.get(group, 0) for group in self.company.groups.tolist()], dtype=np.int64)
        return replace(self, changed=self.changed + more)

    def are_others(self, groups: Collection[int]) -> set[int]:
        """Which of these groups are others by now, or new."""
        sizes = self.company.sizes
        same = set(self.company.groups[self.changed <= SHARE * sizes].tolist())
        return set(groups) - same

    def with_groups_of(self, faces: FaceColumns, anew: Collection[int]) -> "GroupMeans":
        """The same, but some groups as they are now: all of their faces are among these."""
        found = GroupMeans.of(faces)
        is_anew = np.isin(found.company.groups, list(anew))
        stays = ~np.isin(self.company.groups, list(anew))
        if not is_anew.any():
            return replace(self, company=self.company.only(stays), changed=self.changed[stays])
        company = self.company.only(stays).joined(found.company.only(is_anew))
        changed = np.concatenate([self.changed[stays], found.changed[is_anew]])
        order = np.argsort(company.groups)
        return GroupMeans(company.only(order), changed[order])
