"""DBSCAN of faces that come and go: the labels of a run over all of them, for the work on those that changed.

Kept are how many neighbours each face has and which core samples hang together. New faces can make others core samples
and join clusters; faces that leave can do the opposite, and then only the clusters they were in are looked at again.

Source: Ester et al., Incremental clustering for mining in a data warehousing environment, VLDB 1998.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_number, checked_numbers, checked_whole
from ml.dbscan import count_neighbours, join, labels_of, roots_of
from ml.device import Device
from ml.neighbours import LEAST_THRESHOLD, Pairs, pairs_between, pairs_within

Rows = NDArray[np.float32]
Places = NDArray[np.int64]


class GrowingClusters:
    """Clusters of the faces inserted and not removed, in the order of insertion.

    Args:
        dimensions: of each face's row.
        threshold, min_faces, device: as for `ml.dbscan.cluster_embeddings`.

    Raises:
        ValueError: dimensions or min_faces is not a whole number of at least 1, or threshold is not above 0.
    """

    def __init__(self, dimensions: int, *, threshold: float, min_faces: int = 2, device: Device = "cpu") -> None:
        self._threshold = checked_number("threshold", threshold, least=LEAST_THRESHOLD)
        self._min_faces = checked_count("min_faces", min_faces)
        self._device = device
        self._rows: Rows = np.zeros((0, checked_count("dimensions", dimensions)), dtype=np.float32)
        self._neighbours = np.zeros(0, dtype=np.int32)
        self._parents = np.zeros(0, dtype=np.int32)  # of core samples, a forest whose roots come first of their trees

    def __len__(self) -> int:
        return len(self._rows)

    def insert(self, rows: Rows) -> None:
        """Add faces after those that are there.

        Args:
            rows: shape (n, dimensions), of unit length.

        Raises:
            ValueError: rows has another shape, or holds what is no finite number.
        """
        rows = checked_numbers("rows", rows, None, self._rows.shape[1]).astype(np.float32, copy=False)
        before, was_core = len(self), self._is_core()
        self._rows = np.concatenate([self._rows, rows])
        self._neighbours = np.append(self._neighbours, np.ones(len(rows), dtype=np.int32))
        self._parents = np.append(self._parents, np.arange(before, len(self), dtype=np.int32))
        waiting = [np.zeros((0, 2), dtype=np.int32)]
        for pairs in self._pairs_of_new(before):
            count_neighbours(*pairs, self._neighbours)
            waiting.append(join(*pairs, self._neighbours, self._min_faces, self._parents))
        self._join(np.concatenate(waiting))
        # Faces from before that only now have neighbours enough: those they had already count from now on.
        promoted = np.flatnonzero(self._is_core()[:before] & ~was_core)
        for one, other in self._pairs_between(promoted, np.arange(before)):
            self._join(np.column_stack([one, other]))

    def remove(self, places: Places) -> None:
        """Take faces away; those after them move up.

        Args:
            places: shape (n,), of faces as they are ordered now, each once.

        Raises:
            ValueError: places are not whole numbers of faces that are there, or not each once.
        """
        places = checked_whole("places", places, None).astype(np.int64)
        if len(places) and (places.min() < 0 or places.max() >= len(self) or len(np.unique(places)) < len(places)):
            raise ValueError(f"places must be of {len(self)} faces, each once")
        stays = np.ones(len(self), dtype=bool)
        stays[places] = False
        was_core, trees = self._is_core(), roots_of(self._parents)
        kept = np.setdiff1d(np.arange(len(self)), places)
        for _, neighbour in self._pairs_between(places, kept):
            np.subtract.at(self._neighbours, neighbour, 1)
        is_core = self._is_core()
        is_core[places] = False
        broken = np.isin(trees, trees[was_core & ~is_core])
        self._rows, self._neighbours = self._rows[kept], self._neighbours[kept]
        self._plant_again(trees[kept], is_core[kept], broken[kept])

    def labels(self) -> NDArray[np.int64]:
        """Shape (n,): what `ml.dbscan.cluster_embeddings` says of the faces that are there."""
        is_core = self._is_core()
        # Of a face that is no core sample the neighbours are not known any more: they are few, and looked up again.
        beside = np.flatnonzero((self._neighbours > 1) & ~is_core)
        border = [np.zeros((0, 2), dtype=np.int32)]
        border += [np.column_stack(pairs) for pairs in self._pairs_between(beside, np.flatnonzero(is_core))]
        return labels_of(self._parents, is_core, np.concatenate(border))

    def _is_core(self) -> NDArray[np.bool_]:
        return self._neighbours >= self._min_faces

    def _plant_again(self, trees: NDArray[np.int32], is_core: NDArray[np.bool_], broken: NDArray[np.bool_]) -> None:
        """Make the forest anew: whole trees as they were, of broken ones what still hangs together."""
        self._parents = np.arange(len(trees), dtype=np.int32)
        whole = np.flatnonzero(is_core & ~broken)
        _, first, tree = np.unique(trees[whole], return_index=True, return_inverse=True)
        self._parents[whole] = whole[first[tree]]
        pieces = np.flatnonzero(is_core & broken)
        for one, other in pairs_within(self._rows[pieces], threshold=self._threshold, device=self._device):
            self._join(np.column_stack([pieces[one], pieces[other]]))

    def _join(self, pairs: NDArray[np.integer]) -> None:
        """Join those pairs, shape (n, 2), that are two core samples."""
        one, other = np.ascontiguousarray(pairs.T, dtype=np.int32)
        join(one, other, self._neighbours, self._min_faces, self._parents)

    def _pairs_of_new(self, before: int) -> Iterator[Pairs]:
        """Neighbours one of which is not from before."""
        new = np.arange(before, len(self))
        yield from self._pairs_between(new, np.arange(before))
        for one, other in pairs_within(self._rows[new], threshold=self._threshold, device=self._device):
            yield new[one].astype(np.int32), new[other].astype(np.int32)

    def _pairs_between(self, some: Places, others: Places) -> Iterator[Pairs]:
        """Neighbours, one of some faces and one of others."""
        found = pairs_between(self._rows[some], self._rows[others], threshold=self._threshold, device=self._device)
        for one, other in found:
            yield some[one].astype(np.int32), others[other].astype(np.int32)
