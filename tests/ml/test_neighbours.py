import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import neighbours
from ml.device import cores_available
from ml.neighbours import pairs_between, pairs_within
from tests.ml.synthetic import make_embeddings, on_circle


def as_set(pairs):
    found = [(int(one), int(other)) for some in pairs for one, other in zip(*some, strict=True)]
    assert len(found) == len(set(found)), "a pair came twice"
    return set(found)


def near(rows, others, threshold):
    distances = 1 - rows.astype(np.float64) @ others.T.astype(np.float64)
    return set(zip(*(places.tolist() for places in np.nonzero(distances <= threshold)), strict=True))


def cloud(seed, count, dimensions, spread):
    """People of ever fewer faces; the later dimensions say less and less, as those of embeddings do."""
    random = np.random.default_rng(seed)
    middles = random.normal(size=(count // 3 + 1, dimensions))
    rows = middles[random.integers(0, len(middles), count)] + spread * random.normal(size=(count, dimensions))
    rows *= 0.97 ** np.arange(dimensions)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@given(
    st.integers(0, 10**6), st.integers(0, 90), st.sampled_from([2, 16, 40, 128]), st.floats(0.01, 1.2),
    st.sampled_from([3, 17, 2048]), st.sampled_from([0, neighbours.FEW_PAIRS]),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_all_pairs_within_the_threshold_and_no_others(seed, count, dimensions, threshold, block, few):
    rows = cloud(seed, count, dimensions, spread=0.4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "ROWS_AT_ONCE", block)
        patch.setattr(neighbours, "FEW_PAIRS", few)
        found = as_set(pairs_within(rows, threshold=threshold))

    assert found == {(one, other) for one, other in near(rows, rows, threshold) if one < other}


@given(
    st.integers(0, 10**6), st.integers(0, 40), st.integers(0, 60), st.floats(0.01, 1.2),
    st.sampled_from([0, neighbours.FEW_PAIRS]),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_pairs_between_two_sets(seed, count, others, threshold, few):
    rows, other_rows = cloud(seed, count, 40, 0.4), cloud(seed, others, 40, 0.4)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "FEW_PAIRS", few)
        found = as_set(pairs_between(rows, other_rows, threshold=threshold))

    assert found == near(rows, other_rows, threshold)


def test_the_bound_looks_at_fewer_dimensions_and_misses_nothing(random, monkeypatch):
    cheapest = neighbours._cheapest
    rows, _ = make_embeddings(random, [20] * 60, noise=0.03, dimensions=128)
    # Nearly everything in 40 of them
    rows[:, 40:] *= 0.05
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    chosen = []
    monkeypatch.setattr(neighbours, "FEW_PAIRS", 0)
    monkeypatch.setattr(neighbours, "_cheapest", lambda *given: chosen.append(cheapest(*given)) or chosen[-1])
    found = as_set(pairs_within(rows, threshold=0.4))
    assert found == {(one, other) for one, other in near(rows, rows, 0.4) if one < other}
    assert len(found) > 5000
    assert 16 <= chosen[0] < 128


def test_bounds_on_a_gpu_are_never_below_the_similarity(random):
    rows = cloud(1, 300, 128, 0.4)
    axes = neighbours._axes([rows])[1][:, :40]

    heads = neighbours._heads(rows, axes)

    assert (heads @ heads.T > rows @ rows.T - 1e-5).all()


def test_a_gpu_multiplies_the_same_blocks(random, monkeypatch):
    """The code for a GPU, on torch's processor."""
    rows, _ = make_embeddings(random, [5] * 10, noise=0.05)
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 7)
    expected = as_set(pairs_within(rows, threshold=0.3))
    import torch

    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: tensor)

    assert as_set(pairs_within(rows, threshold=0.3, device="cuda")) == expected


def test_results_come_in_the_order_of_the_blocks_and_do_not_pile_up():
    blocks = [(number, number) for number in range(50)]
    begun, taken = [], []

    def look(first, second):
        begun.append(first)
        return np.array([first])

    for found in neighbours.in_order(look, blocks):
        taken.append(int(found[0]))
        assert len(begun) <= len(taken) + 2 * cores_available()

    assert taken == list(range(50))


def test_progress_is_reported_to_the_end(monkeypatch):
    monkeypatch.setattr(neighbours, "ROWS_AT_ONCE", 2)
    shares = []

    list(pairs_within(on_circle(0, 1, 2, 3, 4), threshold=0.1, report=shares.append))

    assert shares == sorted(shares)
    assert len(shares) == 6
    assert shares[-1] == 1


@pytest.mark.parametrize("threshold", [0, -1, float("nan")])
def test_a_threshold_that_is_none_is_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        list(pairs_within(on_circle(0, 1), threshold=threshold))


def test_rows_that_are_none_are_refused():
    with pytest.raises(ValueError, match="rows"):
        list(pairs_within(np.full((3, 4), np.nan), threshold=0.1))
    with pytest.raises(ValueError, match="others"):
        list(pairs_between(on_circle(0, 1), np.zeros((3, 4)), threshold=0.1))
