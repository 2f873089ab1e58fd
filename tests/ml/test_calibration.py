"""Probabilities of names: what they promise, and how they are fitted."""

from dataclasses import fields, replace

import numpy as np
import pytest

from ml.calibration import (
    CALIBRATION,
    DISTANCES,
    RECENTRED_CALIBRATION,
    Calibration,
    calibration_error,
    calibration_for,
    fit_calibration,
    probabilities_of,
    refit_calibration,
    within_budget,
)
from ml.scoring import Features, Gallery, Probes, weigh
from tests.ml.synthetic import make_embeddings


def on_circle(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles), np.zeros(len(angles))], axis=1).astype(np.float32)


def chance(probe: float, *gallery: tuple[float, int], quality: float = 0.6) -> dict[int, float]:
    """Probability of each person for a face at an angle; gallery faces are pairs of angle and person."""
    known = Gallery(on_circle(*(angle for angle, _ in gallery)), np.array([person for _, person in gallery]))
    evidence = weigh(Probes(on_circle(probe), np.array([quality])), known)
    odds = CALIBRATION.odds(evidence.features)
    return dict(zip(evidence.person.tolist(), probabilities_of(odds, evidence.probe), strict=True))


def test_a_near_face_is_surely_its_person_and_a_far_one_surely_not():
    assert chance(10, (0, 1), (120, 2))[1] > 0.95
    assert chance(80, (0, 1), (170, 2))[1] < 0.05


def test_a_rival_as_near_makes_unsure():
    alone, rivalled = chance(45, (0, 1)), chance(45, (0, 1), (91, 2))

    assert rivalled[1] < alone[1]
    assert rivalled[2] < rivalled[1]
    assert sum(rivalled.values()) <= 1


def test_a_poor_face_far_away_may_be_somebody_whom_a_good_one_is_not():
    assert chance(60, (0, 1), quality=0.3)[1] > chance(60, (0, 1), quality=0.9)[1]


@pytest.mark.parametrize("calibration", [CALIBRATION, RECENTRED_CALIBRATION])
def test_further_is_never_more_probable(calibration):
    odds = []
    for angle in range(0, 90, 5):
        evidence = weigh(Probes(on_circle(angle), np.array([0.6])), Gallery(on_circle(0), np.array([1])))
        odds.append(calibration.odds(evidence.features)[0])

    assert (np.diff(odds) <= 0).all()


def test_no_probes_probabilities_add_up_to_more_than_one():
    odds, probes = np.array([9.0, 8.0, -1.0, 9.0, -np.float64(50)]), np.array([0, 0, 0, 1, 1])

    shared = probabilities_of(odds, probes)

    assert np.bincount(probes, shared) == pytest.approx([1, 1], abs=1e-3)
    assert shared[4] < 1e-6
    assert probabilities_of(np.zeros(0), np.zeros(0, int)).shape == (0,)


def test_a_model_whose_distances_are_twice_as_long_is_as_sure_at_twice_the_distance():
    stretched = calibration_for(0.72)
    near = make_features(5, random=np.random.default_rng(0))
    far = replace(near, **{name: 2 * getattr(near, name) for name in DISTANCES})

    assert stretched.odds(far) == pytest.approx(CALIBRATION.odds(near))
    assert calibration_for(0.36, recentred=True) == RECENTRED_CALIBRATION


def test_what_is_written_is_read_again_and_nothing_else():
    assert Calibration.from_json(CALIBRATION.as_json()) == CALIBRATION
    for other in (None, {}, [1], CALIBRATION.as_json() | {"group": "x"}, {"intercept": 1}):
        assert Calibration.from_json(other) is None


def make_features(count: int, *, random: np.random.Generator) -> Features:
    return Features(**{field.name: random.uniform(0, 1, count) for field in fields(Features)})


TRUTH = Calibration(3, -4, -3, 2, 0.5, -0.5, 1, -2, 3, 0.5, -1)


def test_fitting_finds_the_curve_the_answers_were_drawn_from(random):
    features = make_features(60_000, random=random)
    is_right = random.random(60_000) < 1 / (1 + np.exp(-TRUTH.odds(features)))

    fitted = fit_calibration(features, is_right)

    assert fitted.weights == pytest.approx(TRUTH.weights, abs=0.3)


def test_a_few_answers_move_the_shipped_curve_little_and_many_move_it_to_the_truth(random):
    features = make_features(20_000, random=random)
    is_right = random.random(20_000) < 1 / (1 + np.exp(-TRUTH.odds(features)))
    few = np.arange(20_000) < 20
    shipped = replace(TRUTH, intercept=TRUTH.intercept + 2)

    after_few = refit_calibration(shipped, features.only(few), is_right[few])
    after_many = refit_calibration(shipped, features, is_right)

    def away(found: Calibration, expected: Calibration) -> float:
        return float(np.abs(found.odds(features) - expected.odds(features)).mean())

    assert away(after_few, shipped) < 1
    assert away(after_many, TRUTH) < 0.2


def test_a_refit_calibrates_a_library_whose_distances_are_longer(random):
    """On people it was not fitted to."""
    shipped, held_out = wider_library(random, 1.0), wider_library(random, 1.35)
    own = wider_library(random, 1.35)
    before = fit_calibration(*shipped)

    after = refit_calibration(before, *own)

    assert error_of(after, *held_out) < 0.75 * error_of(before, *held_out)


def error_of(calibration: Calibration, features: Features, is_right: np.ndarray) -> float:
    return calibration_error(1 / (1 + np.exp(-calibration.odds(features))), is_right)


def wider_library(random: np.random.Generator, factor: float) -> tuple[Features, np.ndarray]:
    """Pairs of new people, of whom distances are so many times as long."""
    rows, people = make_embeddings(random, [6] * 60, noise=0.1, dimensions=64)
    known = (np.arange(len(rows)) % 6 < 3) & (people % 2 == 0)
    evidence = weigh(Probes(rows[~known], np.full((~known).sum(), 0.5)), Gallery(rows[known], people[known]))
    longer = {name: factor * getattr(evidence.features, name) for name in DISTANCES}
    return replace(evidence.features, **longer), evidence.person == people[~known][evidence.probe]


def test_the_error_is_the_mean_gap_between_promise_and_truth():
    promised = np.array([0.95] * 10 + [0.25] * 4)
    truth = np.array([True] * 9 + [False] + [True] + [False] * 3)

    assert calibration_error(promised, truth) == pytest.approx((10 * 0.05 + 4 * 0.0) / 14)
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0


@pytest.mark.parametrize("right", [np.zeros(2, bool), np.zeros(0, bool)])
def test_the_error_of_nothing_is_an_error(right):
    with pytest.raises(ValueError, match="probabilities"):
        calibration_error(np.zeros(0), right)


def test_a_budget_takes_the_surest_and_keeps_the_expected_share(random):
    sure = random.beta(20, 0.2, 5000)

    for budget in (50, 200, 1000):
        chosen = within_budget(sure, one_wrong_in=budget)
        assert chosen.any()
        assert (1 - sure[chosen]).mean() <= 1 / budget
        assert sure[chosen].min() >= sure[~chosen].max()
    assert not within_budget(np.array([0.6, 0.7]), one_wrong_in=2).any()  # a toss-up is no name
    assert within_budget(np.zeros(0), one_wrong_in=50).shape == (0,)
