import numpy as np
import pytest

from ml.evaluation.labels import LabelledFace, LabelledPhoto
from ml.studies.alignment import LEVEL_PEOPLE, gain_interval, two_each, verify


def photos_of(counts):
    return [
        LabelledPhoto(f"people/{who}/{number}.jpg", (LabelledFace(who, None),), "nominal_box")
        for who, count in counts.items()
        for number in range(count)
    ]


def test_two_photos_each_of_those_who_have_them_always_the_same():
    photos = photos_of({"ann": 5, "bob": 1, "cy": 2})

    chosen = two_each(photos)

    assert [photo.file.split("/")[1] for photo in chosen] == ["ann", "ann", "cy", "cy"]
    assert chosen == two_each(photos)


def test_no_more_people_are_taken_than_said():
    chosen = two_each(photos_of({f"p{number:04}": 3 for number in range(LEVEL_PEOPLE + 50)}))

    assert len(chosen) == 2 * LEVEL_PEOPLE


def clouds(random, *, noise, people=120):
    """Two rows for each person, near a direction of their own and all near one they share."""
    own = np.repeat(random.normal(size=(people, 64)), 2, axis=0)
    rows = own + noise * random.normal(size=own.shape) + 4 * np.ones(64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.arange(people).repeat(2)


def test_clear_faces_are_verified_and_noise_is_not(random):
    clear = verify(*clouds(random, noise=0.1), centred=True)
    noisy = verify(*clouds(random, noise=5), centred=True)

    assert clear.accuracy == pytest.approx(1)
    assert clear.tar_01 == 1
    assert noisy.tar_1 < 0.3
    assert noisy.accuracy < 0.7
    assert len(clear.accepted) == 120


def test_the_gain_of_more_accepted_pairs_is_above_nothing_and_of_the_same_is_nothing():
    before = np.arange(200) < 150
    after = np.arange(200) < 170

    low, high = gain_interval(before, after)

    assert 0 < low < 0.1 < high < 0.2
    assert gain_interval(before, before) == (0, 0)
