"""Probabilities of names: what they promise, and how they are fitted."""

import numpy as np
import pytest

from ml.calibration import (
    CALIBRATIONS,
    Calibration,
    NamedProbes,
    calibration_error,
    calibration_for,
    fit_calibration,
    main,
    named_probes,
)
from ml.evaluation.labelled_faces import LabelledFaces
from tests.ml.synthetic import make_embeddings, make_labelled_faces

CASIA = CALIBRATIONS["facenet-casia"]


def chance(*distances: float, faces: int = 10) -> list[float]:
    return CASIA.probabilities(np.array([distances]), gallery_faces=faces)[0].tolist()


def test_a_near_face_is_surely_its_person_and_a_far_one_surely_not():
    assert chance(0.15, 0.9)[0] > 0.95
    assert chance(0.85, 0.9)[0] < 0.05


def test_a_rival_as_near_makes_unsure_and_whoever_is_behind_it_is_less_probable():
    alone, rivalled = chance(0.35, 0.9), chance(0.35, 0.36)

    assert rivalled[0] < alone[0]
    assert rivalled[1] < rivalled[0]


def test_nobody_besides_is_a_rival_as_far_as_a_stranger():
    assert chance(0.4) == pytest.approx(chance(0.4, 1.0)[:1])
    assert chance(1.3) == pytest.approx(chance(1.3, 2.0)[:1])  # even where the only person is further away


def test_among_more_faces_a_stranger_finds_one_that_is_near():
    assert chance(0.4, faces=1000)[0] < chance(0.4, faces=2)[0]


def test_nobody_and_no_faces_are_normal():
    assert CASIA.probabilities(np.zeros((3, 0)), gallery_faces=0).shape == (3, 0)
    assert CASIA.probabilities(np.zeros((0, 2)), gallery_faces=2).shape == (0, 2)


@pytest.mark.parametrize(
    ("distances", "faces", "named"),
    [
        (np.zeros(3), 3, "distances"),
        (np.zeros((1, 2, 2)), 9, "distances"),
        (np.array([[0.2, np.nan]]), 2, "distances"),
        (np.zeros((1, 3)), 2, "gallery_faces"),
    ],
)
def test_bad_input_is_named(distances, faces, named):
    with pytest.raises(ValueError, match=named):
        CASIA.probabilities(distances, gallery_faces=faces)


def test_float32_and_integers_are_taken():
    assert CASIA.probabilities(np.ones((1, 1), dtype=np.int64), gallery_faces=1).dtype == np.float64
    assert CASIA.probabilities(np.ones((1, 1), dtype=np.float32), gallery_faces=1).shape == (1, 1)


def test_a_model_nobody_measured_gets_the_default():
    assert calibration_for("something-else") == CASIA


def test_fitting_finds_the_curve_the_answers_were_drawn_from(random):
    truth = Calibration(intercept=8, distance=-20, margin=6, gallery=-0.5)
    distances, margins = random.uniform(0, 1, 40_000), random.uniform(0, 0.5, 40_000)
    faces = random.integers(1, 500, 40_000).astype(float)
    is_right = random.random(40_000) < truth.of_margins(distances, margins, faces)

    fitted = fit_calibration(NamedProbes(distances, margins, faces, is_right, np.ones(40_000)))

    found = (fitted.intercept, fitted.distance, fitted.margin, fitted.gallery)
    assert found == pytest.approx((8, -20, 6, -0.5), rel=0.1)


def test_the_error_is_the_mean_gap_between_promise_and_truth():
    promised = np.array([0.95] * 10 + [0.25] * 4)
    truth = np.array([True] * 9 + [False] + [True] + [False] * 3)

    assert calibration_error(promised, truth) == pytest.approx((10 * 0.05 + 4 * 0.0) / 14)
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0


@pytest.mark.parametrize("right", [np.zeros(2, bool), np.zeros(0, bool)])
def test_the_error_of_nothing_is_an_error(right):
    with pytest.raises(ValueError, match="probabilities"):
        calibration_error(np.zeros(0), right)


@pytest.fixture
def labelled(random) -> LabelledFaces:
    """Eighty people with six faces each, now and then nearer to somebody else than to each other."""
    return make_labelled_faces(*make_embeddings(random, [6] * 80, noise=0.07, dimensions=128))


def test_half_of_the_probes_are_strangers_who_are_never_named_rightly(labelled):
    probes = named_probes(labelled, np.arange(80), poor_quality=0.3, seed=0)

    assert 0.3 < probes.is_right.mean() <= 0.5
    assert probes.gallery_faces.min() >= 1


def test_the_command_is_deterministic_and_says_how_far_it_is_off(labelled, tmp_path, capsys):
    labelled.save(tmp_path / "faces.npz")

    main(["--faces", str(tmp_path / "faces.npz")])
    first = capsys.readouterr().out
    main(["--faces", str(tmp_path / "faces.npz")])

    assert "expected calibration error" in first
    assert capsys.readouterr().out == first
