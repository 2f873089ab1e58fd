"""Identification, clustering and quality figures that one can work out by hand."""

import numpy as np
import pytest

from ml.evaluation.clustering import GroupScore, bcubed, best_dbscan, pairwise_score, score_grouping
from ml.evaluation.folder import sampled_people
from ml.evaluation.identification import nearest_people, score_identification, true_identification_rate
from ml.evaluation.quality import nearest_is_wrong, quality_deciles
from ml.identification import thresholds_for
from tests.ml.synthetic import make_embeddings, make_labelled_faces, on_circle


def test_identification_at_one_false_alarm_in_a_hundred():
    strangers = np.linspace(0.5, 1, 100, dtype=np.float32)  # one of them may pass: the limit is the second, 0.505
    known = np.array([0.1, 0.2, 0.502, 0.503, 0.6], np.float32)
    right = np.array([True, False, True, True, True])

    rate = true_identification_rate(
        np.concatenate([strangers, known]),
        np.concatenate([np.zeros(100, bool), right]),
        np.arange(105) >= 100,
        0.01,
    )

    # 0.2 bears a wrong name, 0.6 is too far.
    assert rate == pytest.approx(3 / 5)


def test_with_few_strangers_none_may_pass():
    rate = true_identification_rate(
        np.array([0.3, 0.1, 0.3, 0.4], np.float32), np.ones(4, bool), np.array([False, True, True, True]), 0.01
    )

    assert rate == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("known", "message"),
    [([True, True], "known must hold"), ([False, False], "known must hold"), ([True], "known must have")],
)
def test_identification_takes_known_people_and_strangers(known, message):
    with pytest.raises(ValueError, match=message):
        true_identification_rate(np.zeros(2, np.float32), np.ones(2, bool), np.array(known), 0.01)


def test_the_nearest_gallery_face_gives_the_name():
    distances, named = nearest_people(on_circle(10, 80), on_circle(0, 70, 90), np.array([5, 6, 7]))

    assert named.tolist() == [5, 6]
    assert distances == pytest.approx(1 - np.cos(np.deg2rad([10, 10])), abs=1e-6)


def test_well_parted_people_are_identified_and_the_same_for_a_seed(random):
    faces = make_labelled_faces(*make_embeddings(random, [4] * 20 + [1] * 10))

    score = score_identification(faces, seed=3, poor_quality=0.3)

    assert score.tpir == 1
    assert score.known == 10  # ten people in the gallery with three faces each leave one face to recognise
    assert score.strangers == 50
    assert score == score_identification(faces, seed=3, poor_quality=0.3)


def test_chance_alone_identifies_nobody(random):
    rows = random.normal(size=(400, 64)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    assert score_identification(make_labelled_faces(rows, np.arange(400) // 4), seed=0, poor_quality=0.3).tpir < 0.05


def test_one_person_alone_cannot_be_told_from_strangers(random):
    assert score_identification(make_labelled_faces(*make_embeddings(random, [5])), seed=0, poor_quality=0.3) is None


@pytest.mark.parametrize(
    ("labels", "precision", "recall"),
    [
        ([0, 0, 1, 1], 1, 1),
        ([0, 0, 0, 0], 2 / 6, 1),  # 6 pairs in one group, 2 of them of one person
        ([0, 1, 2, 3], 1, 0),
        ([-1, -1, -1, -1], 1, 0),  # noise is no group
        ([0, 0, 0, -1], 1 / 3, 1 / 2),
        ([7, 8, 7, 8], 0, 0),
    ],
)
def test_pairwise_score_of_two_people_with_two_faces_each(labels, precision, recall):
    score = pairwise_score(np.array(labels), np.array([0, 0, 1, 1]))

    assert score.precision == pytest.approx(precision)
    assert score.recall == pytest.approx(recall)


def test_f_is_the_harmonic_mean():
    assert GroupScore(1.0, 0.5).f == pytest.approx(2 / 3)
    assert GroupScore(0.0, 0.0).f == 0


def test_people_may_have_any_numbers():
    assert bcubed(np.array([0, 0, 1]), np.array([40, 40, 7])) == GroupScore(1, 1)


@pytest.mark.parametrize("score", [bcubed, pairwise_score])
@pytest.mark.parametrize(("labels", "people"), [([], []), ([0, 1], [0]), ([[0, 1]], [[0, 1]])])
def test_groups_and_people_must_fit(score, labels, people):
    with pytest.raises(ValueError, match=r"(labels|people) must"):
        score(np.array(labels, dtype=np.int64), np.array(people, dtype=np.int64))


def test_well_parted_people_are_grouped_by_us_and_by_dbscan(random):
    projections, people = make_embeddings(random, [3, 4, 1, 5])
    ours = score_grouping(projections, np.ones(13, np.float32), people, thresholds_for("facenet-casia"))
    theirs = best_dbscan(projections, people)

    assert ours.bcubed.f == theirs.bcubed.f == ours.pairwise.f == 1
    assert (ours.groups, ours.alone) == (3, 1)


def test_dbscan_gets_the_threshold_that_suits_it():
    # Neighbours lie 10 degrees apart, the two people 20: only a threshold between the two parts them.
    projections = on_circle(0, 10, 30, 40)
    near, far = 1 - np.cos(np.deg2rad(12)), 1 - np.cos(np.deg2rad(25))

    best = best_dbscan(projections, np.array([0, 0, 1, 1]), thresholds=(far, near, 1e-4))

    assert best.threshold == near
    assert best.bcubed.f == 1


def test_the_nearest_face_of_another_photo_decides():
    # Angles 0 and 2 are one photo, so the nearest elsewhere of 0 is 10.
    rows, photos = on_circle(0, 2, 10, 13, 90), np.array([0, 0, 1, 2, 3])

    wrong = nearest_is_wrong(rows, np.array([1, 2, 1, 2, 3]), photos)

    assert wrong[:4].tolist() == [0, 1, 1, 1]
    assert np.isnan(wrong[4])  # nobody to be compared with


def test_poor_faces_are_the_first_tenth():
    count = 40
    people = np.arange(count) // 2
    rows = np.eye(20, dtype=np.float32)[people]
    rows[[1, 2]] = rows[[2, 1]]  # each of the first two people has one face that looks like the other
    deciles = quality_deciles(make_labelled_faces(rows, people, np.linspace(0, 1, count)))

    assert [decile.faces for decile in deciles] == [4] * 10
    assert [decile.error_rate for decile in deciles] == [1] + [0] * 9
    assert deciles[0].lowest == 0
    assert deciles[-1].highest == 1


def test_nobody_in_two_photos_has_no_quality_curve():
    assert quality_deciles(make_labelled_faces(np.eye(3, dtype=np.float32), np.arange(3))) == []


def test_a_sample_keeps_people_whole(random):
    projections, people = make_embeddings(random, [3] * 20)
    faces = make_labelled_faces(projections, people)

    sample = sampled_people(faces, 31, seed=1)

    assert len(sample.files) == 30
    assert (np.bincount(sample.identities()) == 3).all()
    assert sampled_people(faces, 60, seed=1) is faces
    assert sampled_people(faces, 31, seed=1).files.tolist() == sample.files.tolist()
    assert sampled_people(faces, 31, seed=2).files.tolist() != sample.files.tolist()
