"""Groups new faces among groups that are there already, and leaves alone what they do not touch.

A new face touches a group if it is within the proposal threshold of one of its faces. A touched group that is settled
counts as one: it may grow or be merged with another, but no new face divides it. Smaller ones, and those that break a
constraint, are linked again face by face.
With nothing there before, this is grouping all at once. Figures in docs/decisions/0017.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.arguments import (
    checked_count,
    checked_flags,
    checked_number,
    checked_numbers,
    checked_places,
    checked_whole,
)
from ml.constraints import PairsOfFaces, checked_pairs, pairs_of_one_photo
from ml.dbscan import NOISE
from ml.group_ids import match_labels
from ml.linkage import link
from ml.neighbours import LEAST_THRESHOLD, Pairs, Report, pairs_between
from ml.proposals import connected, propose, reached, small_components
from ml.units import Faces, Flags, Numbers, Rows, by_number, mean_rows, said_to_be_one, taken_apart

# Faces of a group that one new face no longer divides: docs/decisions/0017.
SETTLED = 50
# Where this share of all faces is placed, looking for those they reach first saves nothing.
FEW = 0.5
AT_ONCE = 20_000  # faces whose means are held at a time, and those of one part


def regroup(
    rows: Rows,
    before: Numbers,
    is_new: Flags,
    *,
    proposal_threshold: float,
    linkage_threshold: float,
    min_faces: int = 2,
    settled: int = SETTLED,
    may_seed: Flags | None = None,
    held: Flags | None = None,
    apart: ArrayLike | None = None,
    together: ArrayLike | None = None,
    photos: NDArray[np.integer] | None = None,
    repeats: ArrayLike = (),
    report: Report = lambda share: None,
) -> Numbers:
    """Place new faces among groups, and link again what they touch.

    Args:
        rows: shape (n, d), of unit length: the centred projections. n may be 0.
        before: shape (n,), the number of each face's group, or NOISE.
        is_new: shape (n,), whether a face is to be placed, whatever group it was in.
        proposal_threshold: cosine distance up to which a good face touches another.
        linkage_threshold: mean cosine distance between two groups up to which they become one.
        min_faces: good faces that found a group; so many of any quality do if they are said to be together.
        settled: faces that make a touched group count as one, so that it may grow and be merged but not be divided;
            smaller ones are linked again face by face.
        may_seed: shape (n,), False for poor faces. Those never found a group nor join two; each is added to the group
            it is nearest to on average, if that is within the linkage threshold and nothing is against it.
        held: shape (n,), faces that stay where they are, in a group or in none.
        apart, together: shape (k, 2), pairs of faces of two people or of one. Groups that these speak against are
            linked again, face by face. Contradictions: see `ml.constraints.sets_of_one_person`.
        photos: shape (n,), the photo of each face: two faces of one photo are apart, unless they are together.
        repeats: photos in which somebody may be twice.
        report: called with the share of the comparing that is done, from 0 to 1.

    Returns:
        Shape (n,): numbers of groups, or NOISE. A group keeps its number while most of it lives, or a held face is in
        it; new ones are numbered from one more than the highest before, by their first face. Deterministic.

    Raises:
        ValueError: an argument has another shape or kind, a threshold is not above 0, or min_faces is not a whole
            number of at least 1.
    """
    rows = checked_numbers("rows", rows, None, None)
    cuts = Cuts(
        checked_number("proposal_threshold", proposal_threshold, least=LEAST_THRESHOLD),
        checked_number("linkage_threshold", linkage_threshold, least=LEAST_THRESHOLD),
        checked_count("min_faces", min_faces),
        checked_count("settled", settled),
    )
    of_photos = None if photos is None else pairs_of_one_photo(checked_whole("photos", photos, len(rows)), repeats)
    faces = faces_to_group(
        rows, before, is_new, may_seed=may_seed, held=held, apart=apart, together=together, of_photos=of_photos
    )
    return _regrouped(faces, cuts, report)


def faces_to_group(
    rows: Rows,
    before: Numbers,
    is_new: Flags,
    *,
    may_seed: Flags | None = None,
    held: Flags | None = None,
    apart: ArrayLike | None = None,
    together: ArrayLike | None = None,
    of_photos: ArrayLike | None = None,
    sizes: Numbers | None = None,
    weights: Numbers | None = None,
) -> Faces:
    """Faces as `regroup` takes them, with what contradicts what is said taken apart.

    Args:
        of_photos: shape (k, 2), pairs of one photo.
        sizes, weights: shape (n,), as of `ml.units.Faces`; 1 by default.

    Raises:
        ValueError: an argument has another shape or kind.
    """
    rows = np.ascontiguousarray(checked_numbers("rows", rows, None, None), dtype=np.float32)
    count = len(rows)
    before = checked_whole("before", before, count).astype(np.int64)
    is_new = checked_flags("is_new", is_new, count)
    held = np.zeros(count, dtype=bool) if held is None else checked_flags("held", held, count)
    good = np.ones(count, dtype=bool) if may_seed is None else checked_flags("may_seed", may_seed, count)
    apart, together = checked_pairs("apart", apart, count), checked_pairs("together", together, count)
    pairs = np.concatenate([apart, checked_pairs("of_photos", of_photos, count)])
    ones = np.ones(count, dtype=np.int64)
    sizes = ones if sizes is None else checked_places("sizes", sizes, count)
    weights = ones if weights is None else checked_places("weights", weights, count)
    sets = said_to_be_one(before, held, apart, together)
    needless = (sets[pairs[:, 0]] == sets[pairs[:, 1]]) | held[pairs].all(axis=1)
    return taken_apart(Faces(rows, before, good, held, is_new & ~held, sets, pairs[~needless], sizes, weights))


@dataclass(frozen=True)
class Cuts:
    """Thresholds and counts that `regroup` goes by."""

    proposal: float
    linkage: float
    min_faces: int = 2
    settled: int = SETTLED


def _regrouped(faces: Faces, cuts: Cuts, report: Report) -> Numbers:
    units = faces.units()
    base = int(faces.before.max(initial=NOISE)) + 1  # groups made anew get numbers above all that were there before
    if np.count_nonzero(faces.placed) >= FEW * len(faces.placed):
        return linked_anew(faces, units, base, cuts, report)
    may_move = ~faces.held & ((faces.before == NOISE) | (_sizes(faces) < cuts.settled))
    places = reached(faces, units, _has_news(faces, units), max(cuts.proposal, cuts.linkage), may_move, report)
    labels = faces.before.copy()
    some = faces.only(places)
    labels[places] = linked_anew(some, some.units(), base, cuts, lambda share: None)
    return labels


def linked_anew(
    faces: Faces, units: Numbers, base: int, cuts: Cuts, report: Report, edges: Pairs | None = None
) -> Numbers:
    """Link again all groups in which something is placed.

    Args:
        faces: n of them, by `faces_to_group`.
        units: shape (n,), for each face the first face of its unit.
        base: number above all that there are.
        report: called with the share of the comparing that is done.
        edges: all pairs of a good face that is placed and another good one that takes part, within the proposal
            threshold: two arrays of one length. Else they are looked for.

    Returns:
        Shape (n,): numbers, from `base` on where they are new, or NOISE.

    Raises:
        ValueError: an argument has another shape or kind, or units or edges are not of these faces.
    """
    checked_count("base", base, least=0)
    units = checked_places("units", units, len(faces.rows))
    if (units > np.arange(len(units))).any():
        raise ValueError("units must be the first face of each unit")
    if edges is not None:
        checked_pairs("edges", np.column_stack(edges), len(faces.rows))
    if edges is None:
        components = propose(faces, units, ~faces.is_out, cuts.proposal, cuts.min_faces, report)
    else:
        components = connected(units, edges)
    anew = np.isin(components, np.unique(components[_has_news(faces, units)])) & ~faces.is_out
    poor = _touched_poor(faces, cuts.proposal)
    touched = anew & np.isin(components, np.unique(components[faces.placed]))
    unsettled = touched & faces.stays & ~faces.held & (_sizes(faces) < cuts.settled)
    if unsettled.any():
        faces = taken_apart(replace(faces, placed=faces.placed | unsettled))
        units = faces.units()  # within the components there are: nothing else is touched
    labels = np.where(anew, base + _linked(faces, units, components, anew, cuts), faces.before)
    labels[anew & ~_makes_a_group(faces, labels, cuts.min_faces)] = NOISE
    added = (poor | (faces.placed & ~faces.good)) & ~np.isin(units, np.unique(units[faces.good | faces.stays]))
    _add_poor(faces, units, labels, added, cuts.linkage)
    return _numbered(faces, labels, base)


def _has_news(faces: Faces, units: Numbers) -> Flags:
    """Faces of units in which one is placed, or that are only now said to be one."""
    is_set = np.bincount(units, minlength=len(units))[units] > 1
    news = faces.placed | (faces.before != faces.before[units]) | (is_set & (faces.before == NOISE))
    return np.isin(units, np.unique(units[news & ~faces.is_out]))


def _sizes(faces: Faces) -> Numbers:
    """For each face how many are in its group."""
    _, inverse = np.unique(faces.before, return_inverse=True)
    return np.bincount(inverse, weights=faces.sizes).astype(np.int64)[inverse]


# Good faces


def _linked(faces: Faces, units: Numbers, components: Numbers, anew: Flags, cuts: Cuts) -> Numbers:
    """For each face the first of the faces that it is in a group with, itself if it is alone."""
    groups = units.copy()
    parts = list(small_components(faces, units, components, anew, cuts.proposal, cuts.min_faces))
    apart = _apart_in(faces, units, parts)
    for number, (part, names, means, sizes) in enumerate(_with_means(faces, units, parts)):
        merged = link(means, sizes, np.searchsorted(names, apart[number]), threshold=cuts.linkage)
        groups[part] = names[merged][np.searchsorted(names, units[part])]
    return groups


def _with_means(
    faces: Faces, units: Numbers, parts: list[NDArray[np.intp]]
) -> Iterator[tuple[NDArray[np.intp], Numbers, Rows, Numbers]]:
    """Each part, its units, their means and sizes: worked out for some parts at once, as most are tiny."""
    ends = np.cumsum([len(part) for part in parts])
    for _, some in by_number(ends // AT_ONCE):
        chosen = [parts[number] for number in some.tolist()]
        places = np.concatenate(chosen)
        names, means, sizes = mean_rows(faces, units, places)
        part_of = np.empty(len(names), dtype=np.int64)
        part_of[np.searchsorted(names, units[places])] = np.repeat(some, [len(part) for part in chosen])
        for part, (_, own) in zip(chosen, by_number(part_of), strict=True):
            yield part, names[own], means[own], sizes[own]


def _apart_in(faces: Faces, units: Numbers, parts: list[NDArray[np.intp]]) -> defaultdict[int, PairsOfFaces]:
    """By number of the part, which of its units must not be merged: shape (k, 2)."""
    part_of = np.full(len(units), NOISE, dtype=np.int64)
    for number, part in enumerate(parts):
        part_of[part] = number
    apart: defaultdict[int, PairsOfFaces] = defaultdict(lambda: np.zeros((0, 2), dtype=np.int64))
    pairs = units[faces.apart]
    first, second = part_of[pairs[:, 0]], part_of[pairs[:, 1]]
    pairs = pairs[(first == second) & (first > NOISE) & (pairs[:, 0] != pairs[:, 1])]
    for number, places in by_number(part_of[pairs[:, 0]]):
        apart[number] = pairs[places]
    anchors = np.unique(faces.anchors(units)[:, 0])
    for number, places in by_number(part_of[anchors]):
        if number > NOISE:  # two groups with held faces must both live on
            apart[number] = np.concatenate(
                [apart[number], anchors[places][np.array(np.triu_indices(len(places), 1)).T]]
            )
    return apart


def _makes_a_group(faces: Faces, labels: Numbers, min_faces: int) -> Flags:
    """Faces of groups that were there before, have enough good faces, or enough that are said to be one."""
    _, group = np.unique(labels, return_inverse=True)
    in_set = np.bincount(faces.sets, minlength=len(labels))[faces.sets]
    is_enough = faces.stays | ((in_set > 1) & (in_set >= min_faces))
    lives = np.bincount(group, weights=is_enough) > 0
    lives |= np.bincount(group, weights=faces.good) >= min_faces
    return lives[group]


# Poor faces


def _touched_poor(faces: Faces, threshold: float) -> Flags:
    """Poor faces without a group that a good one touches which is placed."""
    loose = (faces.before == NOISE) & ~faces.placed & ~faces.held & ~faces.good
    placed, others = np.flatnonzero(faces.placed & faces.good), np.flatnonzero(loose)
    touched = np.zeros(len(loose), dtype=bool)
    for _, other in pairs_between(faces.rows[placed], faces.rows[others], threshold=threshold):
        touched[others[other]] = True
    return touched


def _add_poor(faces: Faces, units: Numbers, labels: Numbers, added: Flags, threshold: float) -> None:
    """Put each poor face, with those said to be one with it, into the nearest group that nothing is against."""
    members = dict(by_number(np.where(added, units, NOISE)))
    names, means, _ = mean_rows(faces, units, np.flatnonzero(added))
    groups, group_means, _ = mean_rows(faces, labels, np.flatnonzero((labels > NOISE) & ~added))
    near = [np.zeros((2, 0), dtype=np.int32), *map(np.stack, pairs_between(means, group_means, threshold=threshold))]
    unit, group = np.concatenate(near, axis=1)
    distances = 1 - np.einsum("ij,ij->i", means[unit], group_means[group])
    against = _against(faces, added)
    is_added: set[int] = set()
    for place in np.lexsort([group, unit, distances]).tolist():
        name, label = int(names[unit[place]]), int(groups[group[place]])
        enemies = [other for face in members[name].tolist() for other in against[face]]
        if name not in is_added and not (labels[enemies] == label).any():
            labels[members[name]] = label
            is_added.add(name)


def _against(faces: Faces, added: Flags) -> defaultdict[int, list[int]]:
    """For each face that is added, those it is apart from."""
    against: defaultdict[int, list[int]] = defaultdict(list)
    for one, other in faces.apart[added[faces.apart].any(axis=1)].tolist():
        against[one].append(other)
        against[other].append(one)
    return against


# Numbers


def _numbered(faces: Faces, labels: Numbers, base: int) -> Numbers:
    """Give groups made anew the numbers of those they live on from."""
    places = np.flatnonzero(labels >= base)
    new, old = labels[places], _old_numbers(faces, labels, places, base)
    matched = match_labels([number if number > NOISE else None for number in old.tolist()], new, faces.sizes[places])
    fresh = itertools.count(base)
    numbers: dict[int, int] = {}
    for label in dict.fromkeys(new.tolist()):  # in the order of their first faces
        known = matched[label]
        numbers[label] = next(fresh) if known is None else known
    labels[places] = [numbers[label] for label in new.tolist()]
    return labels


def _old_numbers(faces: Faces, labels: Numbers, places: NDArray[np.intp], base: int) -> Numbers:
    """The numbers that faces of groups made anew may pass on: where a held face is, its number and no other."""
    taken = np.unique(labels[(labels > NOISE) & (labels < base)])
    old = np.where(np.isin(faces.before, taken), NOISE, faces.before)[places]
    fixed = faces.held[places] & (old > NOISE)
    anchored, first = np.unique(labels[places][fixed], return_index=True)
    numbers = old[fixed][first]
    old[np.isin(old, numbers)] = NOISE
    where = np.searchsorted(anchored, labels[places])
    is_anchored = np.isin(labels[places], anchored)
    old[is_anchored] = numbers[where[is_anchored]]
    return old
