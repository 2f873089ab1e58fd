from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image

from ml import detection
from ml.detection import detect_faces, detect_in_all, locate_landmarks, smallest_face_of, working_side
from ml.engine import OpenVinoEngine, TorchEngine
from ml.geometry import pairwise_overlap
from ml.images import open_upright
from ml.resampling import AreaSampler
from tests.ml.pictures import crowd
from tests.pictures import portraits

MODEL = "facenet-casia"
FACE_LOG_ODDS = 0.405  # of P-Net's threshold
LABELLED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="module")
def reference():
    return MTCNN(keep_all=True)


def unlike_the_reference(reference, image, found, threshold=0.95):
    """Faces of facenet-pytorch, and those that we found elsewhere or with another score."""
    boxes, scores = reference.detect(image)
    if boxes is None:
        return 0, 0
    overlaps = pairwise_overlap(boxes.astype(np.float32), found.boxes)
    if not len(found):
        return len(boxes), len(boxes)
    same = overlaps.argmax(axis=1)
    agree = (overlaps.max(axis=1) > threshold) & (np.abs(found.scores[same] - scores.astype(np.float32)) < 0.01)
    return len(boxes), int((~agree).sum())


def test_boxes_and_landmarks_are_those_of_facenet_pytorch(engine, astronaut, reference):
    group = crowd(astronaut)
    boxes, scores, points = reference.detect(group, landmarks=True)

    found = detect_faces(group, engine, smallest_face=20)

    assert len(found) == len(boxes)
    overlaps = pairwise_overlap(boxes.astype(np.float32), found.boxes)
    assert overlaps.max(axis=1).min() > 0.99
    same = overlaps.argmax(axis=1)
    assert np.abs(found.landmarks[same] - points.astype(np.float32)).max() < 0.5
    assert np.abs(found.scores[same] - scores.astype(np.float32)).max() < 1e-3


@pytest.mark.parametrize("scale", [1, 0.6])
def test_portraits_give_the_boxes_of_facenet_pytorch(engine, reference, scale):
    # torch, the fallback, takes five times as long and runs the same networks.
    for path in sorted(portraits().iterdir())[:: 3 if engine.name == "torch" else 1]:
        image = open_upright(path, min_side=800)
        image = image.resize((round(image.width * scale), round(image.height * scale)))

        found = detect_faces(image, engine, smallest_face=20)

        expected, unlike = unlike_the_reference(reference, image, found)
        assert unlike == 0, path.name
        assert len(found) == expected


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled photos are not here")
def test_group_photos_give_the_boxes_of_facenet_pytorch(engine, reference):
    photos = sorted([*(LABELLED / "album" / "groups").iterdir(), *(LABELLED / "detection").iterdir()])
    if engine.name == "torch":
        photos = photos[::8]
    faces = wrong = 0
    for path in photos:
        image = open_upright(path)
        expected, unlike = unlike_the_reference(reference, image, detect_faces(image, engine, smallest_face=20))
        faces, wrong = faces + expected, wrong + unlike

    assert faces > 10
    assert wrong <= 0.01 * faces


# Of each network an input: how many, height, width, channels. Odd sizes, whose last squares are not whole, and an empty
# batch: a photo in which P-Net finds nothing.
INPUTS = [
    ("pnet_features", (1, 12, 12, 3)), ("pnet_features", (1, 61, 64, 3)), ("pnet_features", (2, 30, 41, 3)),
    ("pnet_coarse", (1, 3, 3, 16)), ("pnet_coarse", (2, 52, 55, 16)), ("pnet_window", (3, 3, 3, 16)),
    ("pnet_window", (500, 3, 3, 16)), ("rnet", (0, 24, 24, 3)), ("rnet", (1, 24, 24, 3)), ("rnet", (66, 24, 24, 3)),
    ("onet", (0, 48, 48, 3)), ("onet", (7, 48, 48, 3)), ("facenet", (3, 160, 160, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("network", "shape"), INPUTS)
def test_both_engines_give_the_same(models_dir, random, network, shape):
    pixels = random.uniform(0, 255, size=shape).astype(np.float32)
    pixels = pixels / 20 if shape[-1] == 16 else pixels

    outputs = [
        engine.run(network, pixels)
        for engine in (OpenVinoEngine(models_dir, MODEL, "f32"), TorchEngine(models_dir, MODEL, "cpu"))
    ]

    for one, other in zip(*outputs, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max(initial=0) < 1e-4


@pytest.mark.parametrize(
    "make", [lambda path: OpenVinoEngine(path, MODEL), lambda path: TorchEngine(path, MODEL, "cpu")]
)
def test_what_a_network_cannot_take_is_refused(models_dir, make):
    engine = make(models_dir)

    with pytest.raises(ValueError, match="network"):
        engine.run("nonet", np.zeros((1, 24, 24, 3), dtype=np.float32))
    for network, shape in (("rnet", (1, 24, 23, 3)), ("pnet_features", (1, 3, 3, 3)), ("pnet_coarse", (1, 9, 9, 3))):
        with pytest.raises(ValueError, match=r"maps|pixels"):
            engine.run(network, np.zeros(shape, dtype=np.float32))
    with pytest.raises(ValueError, match="pixels"):
        engine.run("rnet", np.full((1, 24, 24, 3), np.nan, dtype=np.float32))


@pytest.mark.parametrize(("margin", "share"), [(detection.UNSURE_MARGIN, 0.95), (detection.UNSURE_MARGIN_IF_SMALL, 1)])
def test_windows_off_the_lattice_are_those_of_the_whole_network(engine, astronaut, margin, share):
    pixels = AreaSampler(crowd(astronaut)).resized(361, 242)
    all_places, all_answers = detection._face_windows(pixels, engine, FACE_LOG_ODDS, -1000)

    places, answers = detection._face_windows(pixels, engine, FACE_LOG_ODDS, FACE_LOG_ODDS - margin)

    assert len(all_places) > 100
    assert len(places) >= share * len(all_places)
    number_of = {tuple(place): number for number, place in enumerate(all_places.tolist())}
    same = [number_of[tuple(place)] for place in places.tolist()]
    assert np.abs(answers - all_answers[same]).max() < 1e-4
    assert same == sorted(same)


@pytest.mark.parametrize("height", [12, 13, 60, 95, 134])
def test_a_level_in_strips_gives_the_same_as_in_one_piece(engine, astronaut, monkeypatch, height):
    sampler = AreaSampler(astronaut.crop((130, 20, 330, 220)).resize((80, height)))
    level = detection._Level(1.0, 80, height)
    whole = detection._look_at_strip(sampler, level, 0, height, engine, -3)

    monkeypatch.setattr(detection, "STRIP_PIXELS", 80 * 26)
    parts = [detection._look_at_strip(sampler, level, first, last, engine, -3) for first, last in level.strips()]

    assert len(parts) == (height - 12 + 23) // 24 or height == 12
    for one, other in zip(whole, (np.concatenate(arrays) for arrays in zip(*parts, strict=True)), strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max(initial=0) < 1e-4


def test_all_lanes_and_one_find_the_same(engine, astronaut):
    pictures = [crowd(astronaut), astronaut, Image.new("RGB", (90, 60)), crowd(astronaut)]
    alone = [detect_faces(picture, engine) for picture in pictures]

    together = detect_in_all(pictures, engine)
    with ThreadPoolExecutor(3) as threads:
        shared = [detect_faces(picture, engine, threads=threads) for picture in pictures]

    for one, other, third in zip(alone, together, shared, strict=True):
        assert np.array_equal(one.boxes, other.boxes)
        assert np.array_equal(one.landmarks, third.landmarks)
    assert [len(found) for found in alone] == [4, 1, 0, 4]
    assert detect_in_all([], engine) == []
    assert len(detect_in_all([astronaut], engine)[0]) == 1


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "F", "CMYK", "I;16", "1"])
def test_images_of_any_mode_are_looked_at(engine, astronaut, mode):
    image = astronaut.convert("L").convert("I").point(lambda grey: grey * 256) if mode == "I;16" else astronaut
    image = image.convert(mode)

    found = detect_faces(image, engine)

    assert len(found) <= 2
    if mode in ("L", "RGBA", "F", "CMYK"):
        assert len(found) == 1


@pytest.mark.parametrize(
    "size", [(0, 0), (0, 50), (1, 1), (10, 10), (19, 400), (5000, 15), (3000, 40), (12, 12), (30, 3000)]
)
def test_an_image_too_small_or_thin_for_faces_has_none(engine, size):
    assert len(detect_faces(Image.new("RGB", size, "brown"), engine)) == 0


@pytest.mark.parametrize("smallest", [0, -20, 7.9, float("nan"), float("inf")])
def test_a_senseless_smallest_face_is_refused(engine, astronaut, smallest):
    with pytest.raises(ValueError, match="smallest_face"):
        detect_faces(astronaut, engine, smallest_face=smallest)


@pytest.mark.parametrize("thresholds", [(0.6, 0.7), (0, 0.7, 0.7), (0.6, 1, 0.7), (0.6, 0.7, float("nan"))])
def test_senseless_thresholds_are_refused(engine, astronaut, thresholds):
    with pytest.raises(ValueError, match="thresholds"):
        detect_faces(astronaut, engine, thresholds=thresholds)


@pytest.mark.parametrize("size", [(float("nan"), 9), (9,), (1, 2, 3), None, ("wide", "high")])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match="size"):
        smallest_face_of(size)


@pytest.mark.parametrize("smallest_face", [0, -1, 7.9, float("nan"), float("inf"), "20", None])
def test_a_working_side_for_no_such_faces_is_refused(smallest_face):
    with pytest.raises(ValueError, match="smallest_face"):
        working_side(smallest_face)


@pytest.mark.parametrize("threshold", [float("nan"), -0.1, 1.1, None])
def test_a_threshold_of_landmarks_that_is_none_is_refused(engine, astronaut, threshold):
    with pytest.raises(ValueError, match="threshold"):
        locate_landmarks(np.zeros((1, 4)), AreaSampler(astronaut), engine, threshold=threshold)


@pytest.mark.parametrize("image", [np.zeros((90, 90, 3), dtype=np.uint8), None, "face.jpg"])
def test_what_is_not_an_image_is_refused(engine, image):
    with pytest.raises(ValueError, match="image"):
        detect_faces(image, engine)


@pytest.mark.parametrize("boxes", [np.zeros((2, 3)), np.zeros(4), np.array([[0, 0, np.nan, 9]])])
def test_senseless_boxes_are_refused(engine, astronaut, boxes):
    with pytest.raises(ValueError, match="boxes"):
        locate_landmarks(boxes.astype(np.float32), AreaSampler(astronaut), engine)


def test_boxes_outside_the_image_hold_no_face(engine, astronaut):
    boxes = np.array([[-90, -90, -10, -10], [1e30, 0, 2e30, 1e30], [30, 30, 30, 30]], dtype=np.float32)

    assert len(locate_landmarks(boxes, AreaSampler(astronaut), engine, threshold=0.9)) == 0
    assert len(locate_landmarks(np.zeros((0, 4), dtype=np.float32), AreaSampler(astronaut), engine)) == 0


def test_what_the_last_network_is_unsure_of_is_no_face(engine, astronaut):
    lying = astronaut.rotate(99)

    assert len(detect_faces(lying, engine, smallest_face=40)) == 1
    assert len(detect_faces(lying, engine, smallest_face=40, thresholds=detection.MEASURED_THRESHOLDS)) == 0
