"""New faces placed among those kept in memory are grouped as by a look at all."""

import numpy as np
import pytest

from ml.dbscan import NOISE
from ml.kept_faces import KeptFaces
from ml.placing import CannotPlace, place_among
from ml.regrouping import Cuts, regroup


def pairs(random, count, number):
    some = random.integers(0, count, (number, 2))
    return some[some[:, 0] != some[:, 1]]


def by_regroup(rows, before, is_new, cuts, **known):
    return regroup(
        rows, before, is_new, proposal_threshold=cuts.proposal, linkage_threshold=cuts.linkage,
        min_faces=cuts.min_faces, settled=cuts.settled, **known,
    )  # fmt: skip


def crowd(random, people, faces, dimensions=16):
    looks = random.normal(size=(people, dimensions))
    rows = np.repeat(looks, faces, axis=0)
    rows = rows + random.normal(scale=random.choice([0.3, 0.55]), size=rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("seed", range(60))
def test_faces_come_change_and_go_and_groups_are_those_of_a_look_at_all(seed):
    random = np.random.default_rng(seed)
    rows = crowd(random, 30, 12)
    count = len(rows)
    good = random.random(count) < random.choice([0.6, 0.9])
    photos = random.integers(0, random.choice([80, 400]), count)
    repeats = random.integers(0, 80, 3)
    cuts = Cuts(0.40, 0.45, int(random.integers(2, 4)), int(random.integers(2, 20)))
    place_of = random.permutation(count)  # faces are not kept in the order of their keys
    there = np.sort(random.permutation(count)[: count // 2])
    labels = np.full(count, NOISE)
    known = {"may_seed": good[there], "photos": photos[there], "repeats": repeats}
    labels[there] = by_regroup(rows[there], labels[there], np.ones(len(there), dtype=bool), cuts, **known)
    kept = KeptFaces(there, rows[there], labels[there], photos[there], good[there], threshold=cuts.proposal)
    place_of = np.full(count, -1)
    place_of[there] = np.arange(len(there))
    mark = np.zeros(count, dtype=bool)
    for _ in range(5):
        here = np.zeros(count, dtype=bool)
        here[there] = True
        gone = random.permutation(there)[: random.integers(0, 12)]
        come = random.permutation(np.flatnonzero(~here))[: random.integers(0, 12)]
        stay = there[~np.isin(there, gone)]
        odd = random.permutation(stay)[: random.integers(0, 5)]  # put somewhere else by a user
        labels[odd] = labels[random.permutation(stay)[: len(odd)]]
        labels[come], labels[gone] = NOISE, NOISE
        mark[:] = False
        mark[come] = True
        mark[random.permutation(stay)[: random.integers(0, 3)]] = True  # to be placed again
        kept.remove(place_of[gone])
        free = np.setdiff1d(np.arange(len(kept.is_there) + len(come)), place_of[stay])
        place_of[come] = free[: len(come)]
        for some in (come, odd):
            kept.put(place_of[some], some, rows[some], labels[some], photos[some], good[some])
        there = np.sort(np.concatenate([stay, come]))
        held = random.random(len(there)) < random.choice([0, 0.05])
        apart, together = pairs(random, len(there), 4), pairs(random, len(there), int(random.choice([0, 2])))

        whole = by_regroup(
            rows[there], labels[there], mark[there], cuts, held=held, apart=apart, together=together,
            may_seed=good[there], photos=photos[there], repeats=repeats,
        )  # fmt: skip
        of = place_of[there]
        flags = np.zeros((2, len(kept.is_there)), dtype=bool)
        flags[0, of], flags[1, of] = mark[there], held
        moved = place_among(
            kept, flags[0], cuts=cuts, held=flags[1], apart=of[apart], together=of[together], repeats=repeats
        )

        after = kept.before.copy()
        after[moved.places] = moved.labels
        assert after[of].tolist() == whole.tolist()
        labels[there] = whole
        changed = there[np.isin(of, moved.places)]
        at = place_of[changed]
        kept.put(at, changed, rows[changed], labels[changed], photos[changed], good[changed])


def test_where_everything_is_new_all_must_be_looked_at(random):
    rows = crowd(random, 3, 3)
    nobody, there = np.full(9, NOISE), np.ones(9, dtype=bool)
    kept = KeptFaces(np.arange(9), rows, nobody, np.arange(9), there, threshold=0.4)
    none = np.zeros((0, 2), dtype=np.int64)
    is_new = kept.is_there.copy()

    with pytest.raises(CannotPlace):
        place_among(kept, is_new, cuts=Cuts(0.4, 0.45), held=~is_new, apart=none, together=none)
