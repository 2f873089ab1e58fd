"""The comparison with facenet-pytorch: on equal faces it finds nothing, and what differs is listed."""

import numpy as np
import pytest
from PIL import Image

from ml.detection import Detections
from ml.evaluation import stock
from ml.evaluation.stock import compare_with_stock


@pytest.fixture
def photo(astronaut, tmp_path):
    astronaut.save(tmp_path / "astronaut.png")
    return tmp_path / "astronaut.png"


def test_both_detectors_agree_on_a_portrait(photo, models_dir):
    compared = compare_with_stock([photo, photo], models_dir)

    assert (compared.photos, compared.faces, compared.agree, compared.ours) == (2, 2, 2, 2)
    assert compared.differences == ()
    assert compared.additions == 0


def test_shapes_are_applied_before_either_looks(photo, models_dir):
    compared = compare_with_stock([photo], models_dir, lambda image: Image.new("RGB", image.size))

    assert (compared.faces, compared.ours) == (0, 0)


@pytest.mark.parametrize(
    ("moved", "lower", "says"),
    [(9, 0, "overlap 0.70"), (0, 0.02, "overlap 1.00"), (None, 0, ": none")],
)
def test_a_face_that_differs_is_listed(photo, models_dir, monkeypatch, moved, lower, says):
    found = stock._ours

    def other(image, engine):
        ours = found(image, engine)
        if moved is None:
            return Detections(ours.boxes[:0], ours.landmarks[:0], ours.scores[:0])
        return Detections(ours.boxes + np.float32(moved), ours.landmarks, ours.scores - np.float32(lower))

    monkeypatch.setattr(stock, "_ours", other)

    compared = compare_with_stock([photo], models_dir)

    assert compared.agree == 0
    assert compared.additions == (1 if moved else 0)
    [difference] = compared.differences
    assert str(difference).startswith("astronaut.png, (")
    assert says in str(difference)
