"""The distances of a model from how often strangers are taken for one person."""

import numpy as np
import pytest

from ml.models import MODELS
from ml.projection import unit_rows
from ml.strictness import embed_portraits, match_strictness, portraits_of, stranger_distances

CASIA = MODELS["facenet-casia"]


def test_only_pairs_of_strangers_count():
    projections = unit_rows(np.array([[1, 0], [1, 0.1], [0, 1]]))

    assert np.allclose(stranger_distances(projections, np.array([7, 7, 9])), [0.9005, 1], atol=1e-3)


def test_the_measured_model_gets_its_own_distances_back(random):
    projections, people = unit_rows(random.standard_normal((180, 8))), np.repeat(np.arange(60), 3)
    distances = stranger_distances(projections, people)

    found = match_strictness(distances, distances, CASIA)

    assert [one.name for one in found] == ["grouping", "linkage", "suggestion"]
    assert [one.distance for one in found] == pytest.approx([0.40, 0.45, 0.36], abs=0.01)
    assert all(one.accepted >= 20 and not one.is_rough for one in found)


def test_a_model_that_sees_everybody_closer_gets_smaller_distances(random):
    projections, people = unit_rows(random.standard_normal((180, 8))), np.repeat(np.arange(60), 3)
    distances = stranger_distances(projections, people)

    found = match_strictness(distances / 2, distances, CASIA)

    assert [one.distance for one in found] == pytest.approx([0.20, 0.225, 0.18], abs=0.01)
    assert [one.accepted for one in found] == [int((distances <= one.reference).sum()) for one in found]


def test_a_rate_of_few_pairs_is_called_rough():
    distances = np.linspace(0.3, 1.2, 50, dtype=np.float32)

    assert all(one.is_rough for one in match_strictness(distances, distances, CASIA))


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(ValueError, match="people must"):
        stranger_distances(np.eye(3, dtype=np.float32), np.array([1, 2]))
    with pytest.raises(ValueError, match="same pairs"):
        match_strictness(np.zeros(2, np.float32), np.zeros(3, np.float32), CASIA)
    with pytest.raises(ValueError, match="and of some"):
        match_strictness(np.zeros(0, np.float32), np.zeros(0, np.float32), CASIA)


def test_too_few_people_are_refused(tmp_path):
    (tmp_path / "Ann").mkdir()
    (tmp_path / "Ann" / "1.jpg").write_bytes(b"")

    with pytest.raises(ValueError, match="at least 30 people"):
        portraits_of(tmp_path)


def test_photos_of_a_person_are_in_their_folder(tmp_path):
    folder = tmp_path / "portraits"
    for person in range(30):
        (folder / f"{person:02}").mkdir(parents=True)
        (folder / f"{person:02}" / "1.jpg").write_bytes(b"")
    (folder / "README").write_text("")

    assert portraits_of(folder)[1] == (folder / "01" / "1.jpg", 1)
    assert len(portraits_of(folder)) == 30


def test_the_largest_face_of_each_photo_is_embedded_by_each_model(finder, astronaut, tmp_path):
    astronaut.save(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    done = []

    (found, again), people = embed_portraits(
        [(tmp_path / "1.png", 5), (tmp_path / "2.png", 6)], [finder, finder], report=done.append
    )

    assert people.tolist() == [5]
    assert found[0] @ again[0] > 0.9999
    assert done == [2]
