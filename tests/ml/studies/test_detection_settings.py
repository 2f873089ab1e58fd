import csv

import numpy as np
import pytest
from PIL import Image

from ml.engine import open_engine
from ml.studies.detection_settings import BIG_PHOTO, BoxedPhoto, Found, big_photo, look, match, read_boxed_photos


def boxes(*corners):
    return np.array(corners, dtype=np.float32).reshape(-1, 4)


def test_a_box_found_counts_once_for_the_drawn_one_it_overlaps_most():
    drawn = boxes((0, 0, 40, 40), (30, 0, 70, 40), (200, 200, 240, 240))

    assert match(drawn, boxes((2, 2, 42, 42), (3, 1, 43, 41))).tolist() == [True, False, False]
    assert match(drawn, boxes((28, 0, 68, 40), (0, 0, 40, 40))).tolist() == [True, True, False]
    assert match(drawn, boxes((100, 100, 140, 140))).tolist() == [False, False, False]
    assert match(drawn, boxes()).tolist() == [False, False, False]
    assert match(boxes(), boxes((0, 0, 1, 1))).tolist() == []


def test_a_small_box_inside_a_drawn_one_counts_too():
    assert match(boxes((0, 0, 100, 100)), boxes((40, 40, 60, 60))).tolist() == [True]


def test_recall_is_of_the_faces_of_a_size():
    found = Found(np.array([10.0, 20, 30, 40]), np.array([False, True, False, True]), 3, 2, 0.1)

    assert found.recall() == 0.5
    assert found.recall(20, 40) == 0.5
    assert np.isnan(found.recall(100))


def test_shrinking_shrinks_picture_and_boxes_alike():
    photo = BoxedPhoto(Image.new("RGB", (300, 200)), boxes((30, 60, 90, 120)), has_all=True)

    small = photo.shrunk(3)

    assert small.image.size == (100, 67)
    assert small.boxes.tolist() == [[10, 20, 30, 40]]


def test_a_big_photo_is_filled_and_its_boxes_lie_on_the_faces():
    picture = Image.new("RGB", (400, 300))
    picture.paste("white", (100, 50, 200, 150))
    photos = [
        BoxedPhoto(picture, boxes((100, 50, 200, 150)), has_all=True),
        BoxedPhoto(Image.new("RGB", (50, 50)), boxes((0, 0, 9, 9)), has_all=False),
    ]

    big = big_photo(photos, 40)

    assert big.image.size == BIG_PHOTO
    assert big.has_all
    assert len(big.boxes) > 400
    pixels = np.asarray(big.image)[..., 0]
    for left, top, right, bottom in big.boxes[:: len(big.boxes) // 7].astype(int):
        assert pixels[top + 2 : bottom - 2, left + 2 : right - 2].min() > 200
        assert pixels[top:bottom, left - 5].max() < 50


def test_looking_counts_what_is_found_and_what_is_false(astronaut, models_dir):
    engine = open_engine(models_dir, "facenet-casia", "cpu")
    face, nowhere = boxes((175, 70, 275, 200)), boxes((400, 400, 440, 440))
    photos = [
        BoxedPhoto(astronaut, face, has_all=True),
        BoxedPhoto(astronaut, nowhere, has_all=True),
        BoxedPhoto(astronaut, nowhere, has_all=False),
    ]

    found = look(photos, engine, smallest_face=40)
    none = look(photos, engine, smallest_face=40, thresholds=(0.6, 0.7, 0.99999999))

    assert found.hits.tolist() == [True, False, False]
    assert (found.false, found.photos) == (1, 2)
    assert found.seconds > 0
    assert not none.hits.any()


def test_photos_with_boxes_or_without_faces_are_read(tmp_path, astronaut):
    for name in ("a.png", "b.png", "c.png", "d.png"):
        astronaut.resize((64, 64)).save(tmp_path / name)
    with (tmp_path / "labels.csv").open("w", newline="") as lines:
        rows = [("a.png", "Ann", 1, 2, 30, 40), ("b.png", "_unknown", 0, 0, 9, 9), ("d.png", "Di", "", "", "", "")]
        csv.writer(lines).writerows([("file", "person", "x", "y", "w", "h"), *rows])
    with (tmp_path / "photos.csv").open("w", newline="") as lines:
        rows = [("a.png", "complete"), ("b.png", "partial"), ("c.png", "no_faces"), ("d.png", "name_only")]
        csv.writer(lines).writerows([("file", "box_status"), *rows])

    photos = read_boxed_photos(tmp_path)

    assert [photo.boxes.tolist() for photo in photos] == [[[1, 2, 31, 42]], [[0, 0, 9, 9]], []]
    assert [photo.has_all for photo in photos] == [True, False, True]


@pytest.mark.parametrize("least", [0.0, 15.0])
def test_recall_without_faces_is_not_a_number(least):
    assert np.isnan(Found(np.zeros(0), np.zeros(0, dtype=bool), 0, 1, 0.1).recall(least))
