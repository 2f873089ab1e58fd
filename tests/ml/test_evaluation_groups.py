"""Errors by group that one can work out by hand."""

import numpy as np
import pytest

from ml.evaluation.detection import SearchedPhoto
from ml.evaluation.groups import bands, drawn_faces, identification_errors, share_of
from ml.evaluation.identification import score_identification
from ml.evaluation.labels import LabelledFace, LabelledPhoto
from ml.evaluation.share import Share, wilson_interval
from ml.studies.model_cards import part_of
from tests.ml.synthetic import make_embeddings, make_labelled_faces


def test_the_interval_is_wilsons():
    # Newcombe, Two-sided confidence intervals for the single proportion, 1998: 15 of 148.
    assert wilson_interval(15 / 148, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson_interval(1.0, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_trials_of_one_person_count_as_one_for_the_interval():
    share = share_of(np.array([True, True, False, True]), np.array(["ann", "ann", "bob", "bob"]))

    assert share == Share(hits=3, trials=4, clusters=2)
    assert share.interval() == wilson_interval(0.75, 2)


def test_of_nobody_there_is_no_share():
    nobody = share_of(np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int64))

    assert (nobody.value, nobody.interval()) == (None, None)


def test_bands_hold_their_lower_edge():
    found = bands(np.array([1.0, 2.0, 4.9, 5.0]), (2, 5))

    assert {name: members.tolist() for name, members in found.items()} == {
        "under 2": [True, False, False, False],
        "2 to 5": [False, True, True, False],
        "5 and more": [False, False, False, True],
    }


def test_drawn_faces_are_those_of_photos_whose_boxes_mean_a_face():
    def searched(file: str, status: str, *drawn: tuple[float, float, float, float]) -> SearchedPhoto:
        photo = LabelledPhoto(file, tuple(LabelledFace(None, box) for box in drawn), status)
        return SearchedPhoto(photo, np.array([[0, 0, 40, 50]], dtype=np.float32), np.ones(1, dtype=np.float32))

    faces = drawn_faces(
        [
            searched("a.jpg", "complete", (0, 0, 40, 50), (200, 200, 90, 80)),
            searched("b.jpg", "partial", (0, 0, 40, 50)),
            searched("c.jpg", "nominal_box", (0, 0, 40, 50)),
            searched("d.jpg", "no_faces"),
        ]
    )

    assert faces.is_found.tolist() == [True, False, True]
    assert faces.sides.tolist() == [40, 80, 40]
    assert faces.photos.tolist() == ["a.jpg", "a.jpg", "b.jpg"]
    assert faces.in_photo.tolist() == [2, 2, 1]


def test_errors_by_group_add_up_to_those_of_all(random):
    faces = make_labelled_faces(*make_embeddings(random, [4] * 20 + [1] * 10))
    everybody = np.ones(len(faces), dtype=bool)
    first = np.arange(len(faces)) < 40

    errors = identification_errors(faces, {"all": everybody, "a": first, "b": ~first}, seed=3, poor_quality=0.3)

    score = score_identification(faces, seed=3, poor_quality=0.3)
    assert errors["all"].named.value == score.tpir
    assert errors["all"].named.trials == 10 * score.known
    for kind in ("named", "misnamed", "strangers"):
        one, other, both = (getattr(errors[name], kind) for name in ("a", "b", "all"))
        assert (one.hits + other.hits, one.trials + other.trials) == (both.hits, both.trials)
    assert errors["a"].strangers.clusters + errors["b"].strangers.clusters == errors["all"].strangers.clusters


def test_a_group_that_looks_like_others_is_named_wrongly(random):
    rows, people = make_embeddings(random, [4] * 30)
    rows[people == 1] = rows[people == 0]  # two people whom nothing tells apart
    faces = make_labelled_faces(rows, people)
    twins = np.isin(people, [0, 1])

    errors = identification_errors(faces, {"twins": twins, "others": ~twins}, seed=0, poor_quality=0.3)

    assert errors["others"].misnamed.value == 0
    assert errors["twins"].misnamed.value + errors["twins"].strangers.value > 0


def test_a_group_has_a_flag_for_each_face(random):
    faces = make_labelled_faces(*make_embeddings(random, [2, 2]))

    with pytest.raises(ValueError, match="short"):
        identification_errors(faces, {"short": np.ones(3, dtype=bool)}, poor_quality=0.3)


@pytest.mark.parametrize(
    ("file", "part"),
    [("people/Ann/1.jpg", "people"), ("album/bbt/Jim/1.png", "album/bbt"), ("detection/a.jpg", "detection"), ("a", "")],
)
def test_a_photo_is_in_a_part_of_the_data(file, part):
    assert part_of(file) == part
