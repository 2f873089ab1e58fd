import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml import coarse
from ml.coarse import MOST, PEAK, coarse_rows, reaching
from ml.vectors import machine_code

LEAST_16, WRAP = -(2**15), 2**16


def unit(rows):
    rows = np.asarray(rows, dtype=np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def axes_of(dimensions, count, seed=0):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(dimensions, dimensions)))[0][:, :count].astype(
        np.float32
    )


def adverse(kind, axes, random):
    """Rows that whole numbers are bad at, or whose bounds are as tight or as loose as can be."""
    dimensions = len(axes)
    turned = coarse._turned(axes)
    several = random.normal(size=(40, dimensions))
    if kind == "along one axis":  # cut off at PEAK
        return unit(turned.T[random.integers(0, axes.shape[1], 40)] * random.choice([-1, 1], (40, 1)))
    if kind == "nothing in the leading dimensions":
        return unit(several - several @ axes @ axes.T)
    if kind == "one the opposite of the other":
        return unit(np.concatenate([several[:20], -several[:20]]))
    if kind == "all the same":
        return unit(np.repeat(several[:1], 40, axis=0))
    if kind == "a little apart":
        return unit(several[:1] + 10 ** random.uniform(-4, 1, (40, 1)) * several / np.sqrt(dimensions))
    return unit(several) * random.choice([0, 1e-3, 1, 3], (40, 1)).astype(np.float32)  # of any length


KINDS = [
    "along one axis", "nothing in the leading dimensions", "one the opposite of the other",
    "all the same", "a little apart", "of any length",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=3), st.integers(0, 10**6),
    st.sampled_from([(2, 1), (2, 2), (17, 5), (40, 16), (128, 48), (128, 128)]), st.floats(-1.2, 0.999),
)  # fmt: skip
@settings(max_examples=120, deadline=None)
def test_no_pair_is_missed_and_no_sum_runs_over(kinds, seed, shape, least):
    random = np.random.default_rng(seed)
    axes = axes_of(*shape)
    rows, others = (np.concatenate([adverse(kind, axes, random) for kind in kinds]) for _ in range(2))
    longest = max(1.0, *(float((side.astype(np.float64) ** 2).sum(axis=1).max()) for side in (rows, others)))

    one, other = coarse_rows([rows, others], axes, least - 1e-4 * longest, longest)

    bounds = one.digits.astype(int) @ other.digits.T.astype(int) + one.slack[:, None] + other.slack
    alike = rows.astype(np.float64) @ others.T.astype(np.float64) >= least
    assert np.abs(one.digits).max() <= PEAK
    assert np.abs(other.digits).max() <= PEAK
    assert (bounds[alike] >= one.least).all()
    assert (bounds - one.least).max() <= MOST
    found = reaching(one.lines(0, len(rows)), len(rows), other.panels(0, len(others)), len(others))
    assert set(map(tuple, found.tolist())) == set(map(tuple, np.argwhere(wrapped(bounds - one.least) >= 0).tolist()))


def wrapped(sums):
    return (sums - LEAST_16) % WRAP + LEAST_16


def test_few_pairs_of_strangers_reach_the_least(random):
    rows = unit(random.normal(size=(1000, 128)))
    found = coarse_rows([rows], axes_of(128, 96), 0.6, 1.0)[0].share_reaching()

    assert found < 0.01


def test_bounds_are_little_above_the_similarity_where_nothing_is_left_out(random):
    rows = unit(random.normal(size=(200, 64)))
    whole = coarse_rows([rows], np.eye(64, dtype=np.float32), 0.6, 1.0)[0]

    bounds = whole.digits.astype(int) @ whole.digits.T.astype(int) + whole.slack[:, None] + whole.slack
    assert np.abs(bounds / whole.least * 0.6 - rows @ rows.T).max() < 0.06


def test_one_row_far_longer_than_all_others_does_not_break_the_sums(random):
    rows = unit(random.normal(size=(100, 32)))
    rows[7] *= 50
    whole = coarse_rows([rows], axes_of(32, 32), 0.6 - 0.25, 2500.0)[0]

    products = whole.digits.astype(int) @ whole.digits.T.astype(int) + whole.slack[:, None] + whole.slack
    assert (products >= whole.least)[rows @ rows.T >= 0.6].all()
    assert (products - whole.least).max() <= MOST


@pytest.mark.parametrize("lines", [0, 1, 6, 7])
@pytest.mark.parametrize("count", [0, 1, 32, 33])
def test_what_only_fills_up_is_never_found(random, lines, count):
    rows = unit(np.ones((50, 8)))
    whole = coarse_rows([rows], axes_of(8, 8), 0.5, 1.0)[0]

    found = reaching(whole.lines(0, lines), lines, whole.panels(0, count), count)

    assert sorted(map(tuple, found.tolist())) == [(line, other) for line in range(lines) for other in range(count)]


def test_processors_without_the_instruction_find_the_same(random, monkeypatch):
    rows = unit(random.normal(size=(64, 32)) + 0.5)
    whole = coarse_rows([rows], axes_of(32, 32), 0.2, 1.0)[0]
    tiles, panels = whole.lines(0, 64), whole.panels(0, 64)

    def marked(has_instruction):
        monkeypatch.setattr(coarse, "HAS_AVX2", has_instruction)
        mark = machine_code(coarse._write_marks)

        @numba.njit
        def all_marks(tiles, panels):
            marks = np.zeros((len(panels), len(tiles) * coarse.LINES), dtype=np.uint32)
            for panel in range(len(panels)):
                for tile in range(len(tiles)):
                    mark(tiles, tile, panels, panel, tiles.shape[1], marks[panel])
            return marks

        return all_marks(tiles, panels)

    plain = marked(False)
    bounds = whole.digits.astype(int) @ whole.digits.T.astype(int) + whole.slack[:, None] + whole.slack
    expected = wrapped(bounds - whole.least) >= 0
    bits = (plain[:, None, :64] >> np.arange(32, dtype=np.uint32)[None, :, None] & 1).reshape(64, 64)
    assert np.array_equal(bits.T, expected)
    assert 0.05 < expected.mean() < 0.95
    if coarse.HAS_AVX2:
        assert np.array_equal(marked(True), plain)
