"""Weighs what speaks for a face being a person: the confirmed faces, all of them together, rivals, and its group."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_numbers, checked_whole
from ml.projection import unit_rows

# The nearest strangers of a gallery lie about here. Who has no nearer rival is compared with one this far away.
STRANGER_DISTANCE = 0.75
# People looked at closely, of a probe and of its group: those whose mean faces are nearest. See docs/decisions/0018.
CANDIDATES = 8
CANDIDATES_OF_GROUP = 3
BLOCK = 16_000_000  # similarities held at a time: 64 MB
ALONE = -1

Vectors = NDArray[np.float32]
Numbers = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gallery:
    """Faces with a confirmed identity.

    rows: shape (m, d), unit rows. persons: shape (m,): whose each is. m may be 0. total: how many confirmed faces there
    are, where these are only those of some people; or None.

    Raises:
        ValueError: persons has another length, something is no finite number, or total is less than m.
    """

    rows: Vectors
    persons: Numbers
    total: int | None = None

    def __post_init__(self) -> None:
        checked_whole("persons", self.persons, len(checked_numbers("rows", self.rows, None, None)))
        if self.total is not None:
            checked_count("total", self.total, least=len(self.rows))

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Faces, those of one person after each other."""
        return np.argsort(self.persons, kind="stable")

    @cached_property
    def people(self) -> Numbers:
        """Shape (p,), ascending."""
        return np.unique(self.persons)

    @cached_property
    def starts(self) -> NDArray[np.intp]:
        """Shape (p + 1,): where each person's faces start in `order`."""
        return np.searchsorted(self.persons[self.order], np.append(self.people, self.people[-1:] + 1))

    @cached_property
    def sums(self) -> Vectors:
        """Shape (p, d): the sum of each person's faces."""
        if not len(self.rows):
            return np.zeros(self.rows.shape, dtype=np.float32)
        return np.add.reduceat(self.rows[self.order], self.starts[:-1], axis=0)

    @property
    def counts(self) -> NDArray[np.intp]:
        return np.diff(self.starts)

    def faces_of(self, column: int) -> NDArray[np.intp]:
        """Gallery faces of the person in a column of `people`."""
        return self.order[self.starts[column] : self.starts[column + 1]]

    def columns_of(self, persons: Numbers) -> Numbers:
        """Where each person is in `people`; -1 for who is not."""
        places = np.searchsorted(self.people, persons)
        known = np.append(self.people, -1)[places] == persons
        return np.where(known, places, -1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Features:
    """What a calibration weighs, each of shape (pairs,).

    nearest: cosine distance to the nearest confirmed face. centroid: to the mean of all of them. margin: how much
    further the nearest rival's nearest face lies. faces: logarithm of how many confirmed faces the person has.
    gallery: of how many there are of all people. quality: of the probe, 0 to 1. group: mean distance of all faces of
    the probe's group to all confirmed ones. group_margin: how much further the group's nearest rival lies.
    group_faces: logarithm of how many faces the group has; 0 for a probe alone, which is its own group. group_reach:
    group times group_faces: in a large group the mean is more certain.
    """

    nearest: Values
    centroid: Values
    margin: Values
    faces: Values
    gallery: Values
    quality: Values
    group: Values
    group_margin: Values
    group_faces: Values
    group_reach: Values

    def __len__(self) -> int:
        return len(self.nearest)

    def only(self, chosen: NDArray[np.bool_]) -> Features:
        """Some of the pairs, by mask."""
        return Features(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def joined(self, *others: Features) -> Features:
        """These pairs and those of others."""
        every = (self, *others)
        return Features(*(np.concatenate([getattr(one, field.name) for one in every]) for field in fields(self)))

    def matrix(self) -> Values:
        """Shape (pairs, features)."""
        return np.column_stack([getattr(self, field.name) for field in fields(self)])


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pairs of a probe and a person who is at all likely, ordered by both.

    probe: index of the probe. person: as given for the gallery. face: index of the person's nearest gallery face.
    """

    probe: Numbers
    person: Numbers
    face: Numbers
    features: Features

    def is_among_nearest(self, count: int) -> NDArray[np.bool_]:
        """Shape (pairs,): whether the person is one of so many whose faces are nearest to the probe.

        Raises:
            ValueError: count is not a whole number of at least 1.
        """
        checked_count("count", count)
        order = np.lexsort((self.features.nearest, self.probe))
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order)) - np.searchsorted(self.probe[order], self.probe[order])
        return place < count

    def only(self, chosen: NDArray[np.bool_]) -> Evidence:
        """Some of the pairs, by mask."""
        return Evidence(self.probe[chosen], self.person[chosen], self.face[chosen], self.features.only(chosen))


@dataclass(frozen=True, eq=False)
class Company:
    """Groups as they count for each of their faces.

    groups: shape (g,), ascending. means: shape (g, d), of their rows. sizes: shape (g,), how many these are.

    Raises:
        ValueError: one of them has another shape, or holds what is no finite or no whole number.
    """

    groups: Numbers
    means: Vectors
    sizes: Numbers

    def __post_init__(self) -> None:
        count = len(checked_whole("groups", self.groups, None))
        checked_numbers("means", self.means, count, None)
        checked_whole("sizes", self.sizes, count)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Company:
        """Some of the groups, by mask, or by place in another order."""
        return Company(self.groups[chosen], self.means[chosen], self.sizes[chosen])

    def joined(self, other: Company) -> Company:
        """These groups and other ones, which are behind them whatever their numbers."""
        if not len(self.groups):
            return other
        return Company(
            np.concatenate([self.groups, other.groups]),
            np.concatenate([self.means, other.means]),
            np.concatenate([self.sizes, other.sizes]),
        )


def company_of(rows: Vectors, labels: Numbers) -> Company:
    """The groups of faces, all of which are here.

    Args:
        rows: shape (n, d). labels: shape (n,), the group of each, 0 and up.

    Raises:
        ValueError: labels has another length, or something is no finite or no whole number.
    """
    checked_whole("labels", labels, len(checked_numbers("rows", rows, None, None)))
    groups, members = np.unique(labels.astype(np.int64), return_inverse=True)
    sizes = np.bincount(members, minlength=len(groups))
    if not len(rows):
        return Company(groups, rows, sizes)
    sums = np.add.reduceat(rows[np.argsort(members, kind="stable")], np.cumsum(sizes) - sizes, axis=0)
    return Company(groups, (sums / sizes[:, None]).astype(np.float32), sizes)


@dataclass(frozen=True, eq=False)
class Probes:
    """Faces to be named.

    rows: shape (n, d), unit rows. qualities: shape (n,), 0 to 1. groups: shape (n,): group of each, -1 for none; or
    None. own: shape (n,): the gallery face that each probe itself is, which is then left out for it, -1 for none; or
    None. impossible: shape (k, 2): pairs of a probe's index and a person that are known to be wrong, or None. asked:
    shape (k, 2): such pairs that are looked at closely however unlike the two are, or None. company: what groups count
    as that not all faces are here of, or None.

    Raises:
        ValueError: one of them has another shape, or holds what is no finite or no whole number.
    """

    rows: Vectors
    qualities: Vectors
    groups: Numbers | None = None
    own: Numbers | None = None
    impossible: Numbers | None = None
    asked: Numbers | None = None
    company: Company | None = None

    def __post_init__(self) -> None:
        count = len(checked_numbers("rows", self.rows, None, None))
        checked_numbers("qualities", self.qualities, count)
        for name in ("groups", "own"):
            if getattr(self, name) is not None:
                checked_whole(name, getattr(self, name), count)
        for name in ("impossible", "asked"):
            if getattr(self, name) is not None:
                checked_whole(name, getattr(self, name), None, 2)


def weigh(probes: Probes, gallery: Gallery, *, candidates: int = CANDIDATES) -> Evidence:
    """Gather what speaks for and against each probe being each of the people who are most like it.

    Everyone's mean face is compared first; the confirmed faces themselves only of the nearest people, so that
    140,000 probes and 5,000 people are a matter of seconds.

    Args:
        candidates: how many people are looked at closely for each probe.

    Raises:
        ValueError: probes and gallery differ in dimensions, `own`, `impossible` or `asked` name what is not there,
            or candidates is less than 1.
    """
    checked_count("candidates", candidates)
    _check_match(probes, gallery)
    if not len(probes.rows) or not len(gallery.rows):
        return _nothing()
    members, company = _groups(probes)
    means = company.means
    probe, column = _candidate_pairs(probes, gallery, members, company, candidates)
    near = _looked_at(probes, gallery, probe, column)
    there = np.isfinite(near.nearest)  # a person is not there whose only face is the probe
    probe, column, near = probe[there], column[there], near.only(there)
    group = 1 - np.einsum("ij,ij->i", means[members[probe]], near.mean).astype(np.float64)
    sizes = np.log(company.sizes[members[probe]])
    features = Features(
        nearest=near.nearest,
        centroid=near.centroid,
        margin=_rivals(near.nearest, probe, len(probes.rows)) - np.minimum(near.nearest, STRANGER_DISTANCE),
        faces=np.log(near.faces),
        gallery=np.full(len(probe), np.log(gallery.total or len(gallery.rows))),
        quality=probes.qualities[probe].astype(np.float64),
        group=group,
        group_margin=_rivals(group, probe, len(probes.rows)) - np.minimum(group, STRANGER_DISTANCE),
        group_faces=sizes,
        group_reach=sizes * group,
    )
    return Evidence(probe, gallery.people[column], near.face, features)


def _check_match(probes: Probes, gallery: Gallery) -> None:
    if len(probes.rows) and len(gallery.rows) and probes.rows.shape[1] != gallery.rows.shape[1]:
        raise ValueError(
            f"probes and gallery must have equal dimensions, not {probes.rows.shape[1]} and {gallery.rows.shape[1]}"
        )
    if (
        probes.own is not None
        and len(probes.own)
        and not -1 <= probes.own.min() <= probes.own.max() < len(gallery.rows)
    ):
        raise ValueError("own must be indices of gallery faces, or -1")
    for name, pairs in (("impossible", probes.impossible), ("asked", probes.asked)):
        if pairs is not None and len(pairs) and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < len(probes.rows):
            raise ValueError(f"{name} must be indices of probes and people")


def _nothing() -> Evidence:
    none = np.zeros(0, dtype=np.int64)
    return Evidence(none, none, none, Features(*[np.zeros(0)] * len(fields(Features))))


def _groups(probes: Probes) -> tuple[Numbers, Company]:
    """For each probe the place of its group, a probe alone being one; and the groups."""
    count = len(probes.rows)
    labels = np.full(count, ALONE) if probes.groups is None else probes.groups.astype(np.int64)
    alone = labels < 0
    labels = np.where(alone, labels.max(initial=-1) + 1 + np.arange(count), labels)
    here, known = company_of(probes.rows, labels), probes.company
    if known is not None and len(known.groups):
        whole = np.flatnonzero(np.isin(here.groups, known.groups) & (here.groups <= labels[~alone].max(initial=-1)))
        places = np.searchsorted(known.groups, here.groups[whole])
        here.means[whole], here.sizes[whole] = known.means[places], known.sizes[places]
    return np.searchsorted(here.groups, labels), here


def _candidate_pairs(
    probes: Probes, gallery: Gallery, members: Numbers, company: Company, candidates: int
) -> tuple[Numbers, Numbers]:
    """Pairs worth a closer look: a probe's nearest people, those of its group, and whose the probe itself is."""
    people = len(gallery.people)
    impossible = _keys(probes.impossible, gallery)
    keys = [_nearest_people(probes.rows, gallery, candidates, impossible), _keys(probes.asked, gallery)]
    means = company.means
    grouped = np.flatnonzero(company.sizes[members] > 1)
    if len(grouped):
        asked = np.unique(members[grouped])
        liked = _nearest_people(means[asked], gallery, CANDIDATES_OF_GROUP, impossible[:0])
        rows, columns = np.divmod(liked, people)
        of_group = np.full((len(means), min(CANDIDATES_OF_GROUP, people)), -1, dtype=np.int64)
        of_group[asked[rows], np.tile(np.arange(of_group.shape[1]), len(asked))] = columns
        keys.append((grouped[:, None] * people + of_group[members[grouped]]).ravel())
    if probes.own is not None:
        own = np.flatnonzero(probes.own >= 0)
        keys.append(own * people + gallery.columns_of(gallery.persons[probes.own[own]].astype(np.int64)))
    pairs = np.setdiff1d(np.unique(np.concatenate(keys)), impossible, assume_unique=True)
    probe, column = np.divmod(np.sort(pairs), people)
    return probe, column


def _keys(pairs: Numbers | None, gallery: Gallery) -> Numbers:
    """Row times people plus column, of pairs of a row and a person; without who is not in the gallery."""
    if pairs is None or not len(pairs):
        return np.zeros(0, dtype=np.int64)
    probe, person = pairs.astype(np.int64).T
    columns = gallery.columns_of(person)
    return np.unique((probe * len(gallery.people) + columns)[columns >= 0])


def _nearest_people(rows: Vectors, gallery: Gallery, candidates: int, impossible: Numbers) -> Numbers:
    """Row times people plus column, for the columns whose mean face is nearest to each row; as many for each."""
    centroids = unit_rows(gallery.sums)
    people = len(centroids)
    candidates = min(candidates, people)
    keys = np.empty((len(rows), candidates), dtype=np.int64)
    at_once = max(BLOCK // people, 1)
    for start in range(0, len(rows), at_once):
        similar = rows[start : start + at_once] @ centroids.T
        inside = impossible[(impossible >= start * people) & (impossible < (start + len(similar)) * people)]
        similar.ravel()[inside - start * people] = -np.inf
        chosen = np.argpartition(similar, people - candidates, axis=1)[:, people - candidates :]
        keys[start : start + at_once] = np.arange(start, start + len(similar))[:, None] * people + chosen
    return keys.ravel()


@dataclass(frozen=True, eq=False)
class _Near:
    """Of each pair: distances, the nearest gallery face, how many faces of the person count, and their mean."""

    nearest: Values
    centroid: Values
    face: Numbers
    faces: Values
    mean: Vectors

    def only(self, chosen: NDArray[np.bool_]) -> _Near:
        return _Near(*(getattr(self, field.name)[chosen] for field in fields(self)))


def _looked_at(probes: Probes, gallery: Gallery, probe: Numbers, column: Numbers) -> _Near:
    """Compare each pair's probe with all confirmed faces of the person, except for itself."""
    nearest = np.empty(len(probe))
    face = np.empty(len(probe), dtype=np.int64)
    sums, counts = gallery.sums[column], gallery.counts[column].astype(np.float64)
    own = np.full(len(probe), -1) if probes.own is None else probes.own[probe]
    order = np.argsort(column, kind="stable")
    starts = np.searchsorted(column[order], np.arange(len(gallery.people) + 1))
    for number in np.unique(column).tolist():
        pairs, faces = order[starts[number] : starts[number + 1]], gallery.faces_of(number)
        similar = probes.rows[probe[pairs]] @ gallery.rows[faces].T
        if probes.own is not None:
            itself = own[pairs, None] == faces
            similar[itself] = -np.inf
            left_out = itself.any(axis=1)
            sums[pairs[left_out]] -= gallery.rows[own[pairs[left_out]]]
            counts[pairs[left_out]] -= 1
        best = similar.argmax(axis=1)
        face[pairs] = faces[best]
        nearest[pairs] = np.maximum(1 - similar[np.arange(len(pairs)), best], 0)
    centroid = 1 - np.einsum("ij,ij->i", probes.rows[probe], unit_rows(sums)).astype(np.float64)
    mean = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    return _Near(nearest, centroid, face, counts, mean)


def _rivals(distances: Values, probe: Numbers, count: int) -> Values:
    """For each pair the smallest distance of the same probe's other pairs, at most STRANGER_DISTANCE."""
    place = np.arange(len(probe)) - np.searchsorted(probe, probe)
    table = np.full((count, int(place.max(initial=0)) + 3), STRANGER_DISTANCE)
    table[probe, place] = np.minimum(distances, STRANGER_DISTANCE)
    table = np.partition(table, 1, axis=1)[:, :2]
    first, second = table[probe].T
    is_first = np.minimum(distances, STRANGER_DISTANCE) <= first
    rivals: Values = np.where(is_first, second, first)
    return rivals
