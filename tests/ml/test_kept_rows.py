"""Rows that stay in memory are found as in a search over all of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.kept_rows import KeptRows
from ml.neighbours import pairs_between


def people(random, count, faces, dimensions):
    looks = random.normal(size=(count, dimensions))
    rows = np.repeat(looks, faces, axis=0) + random.normal(scale=0.5, size=(count * faces, dimensions))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def found(kept, probes):
    return set(zip(*(numbers.tolist() for numbers in kept.near(probes)), strict=True))


def expected(there, probes, threshold):
    """Of rows by place."""
    places = np.array(sorted(there))
    rows = np.array([there[place] for place in places]).reshape(-1, probes.shape[1])
    return {
        (int(probe), int(places[row]))
        for pairs in pairs_between(probes, rows, threshold=threshold)
        for probe, row in zip(*pairs, strict=True)
    }


@given(
    seed=st.integers(0, 10**6), dimensions=st.sampled_from([8, 48, 128]), threshold=st.sampled_from([0.2, 0.43, 0.8])
)
@settings(max_examples=25, deadline=None)
def test_whatever_comes_changes_and_goes_the_same_are_near_as_in_a_search_over_all(seed, dimensions, threshold):
    random = np.random.default_rng(seed)
    pool = people(random, 20, 20, dimensions)
    pool = np.concatenate([pool, np.eye(dimensions, dtype=np.float32)])  # unlike those it begins with
    kept = KeptRows(pool[:50], threshold=threshold)
    there = dict(enumerate(pool[:50]))
    for _ in range(6):
        places = random.permutation(150)[: random.integers(0, 60)]
        rows = pool[random.integers(0, len(pool), len(places))]
        kept.put(places, rows)
        there |= dict(zip(places.tolist(), rows, strict=True))
        gone = random.permutation(sorted(there))[: random.integers(0, 30)]
        kept.remove(gone)
        there = {place: row for place, row in there.items() if place not in set(gone.tolist())}
        probes = pool[random.integers(0, len(pool), 30)]

        assert found(kept, probes) == expected(there, probes, threshold)


def test_more_rows_than_are_searched_at_once(random):
    rows = people(random, 100, 50, 32)
    kept = KeptRows(rows, threshold=0.43)

    assert found(kept, rows[4000:4100]) == expected(dict(enumerate(rows)), rows[4000:4100], 0.43)


def test_no_probes_and_no_rows_are_near_nothing():
    none = np.zeros((0, 16), dtype=np.float32)

    assert found(KeptRows(none, threshold=0.4), np.eye(16, dtype=np.float32)) == set()
    assert found(KeptRows(np.eye(16, dtype=np.float32), threshold=0.4), none) == set()


def test_rows_that_are_no_unit_rows_are_refused():
    with pytest.raises(ValueError, match="unit length"):
        KeptRows(np.full((3, 16), 2, dtype=np.float32), threshold=0.4)
