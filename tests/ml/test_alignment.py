import numpy as np
import pytest
from facenet_pytorch import extract_face
from PIL import Image

from ml.alignment import DISPLAY_SIDE, FACE_SIDE, crop_for_display, crop_for_embedding
from ml.quality import detail, face_quality, frontality
from ml.resampling import AreaSampler

LEVEL = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], dtype=np.float32)


def corners(*edges: float) -> np.ndarray:
    return np.array(edges, dtype=np.float32)


@pytest.mark.parametrize("box", [(170, 60, 280, 210), (0, 0, 90, 100), (430, 400, 512, 512), (200, 100, 230, 140)])
def test_the_network_gets_the_crop_of_the_reference(astronaut, box):
    expected = extract_face(astronaut, np.array(box, dtype=float), image_size=160, margin=32)

    crop = crop_for_embedding(astronaut, corners(*box))

    difference = np.abs(
        crop.astype(float) - expected.permute(1, 2, 0).numpy() * 255 / (255 if expected.max() > 1 else 1)
    )
    assert np.median(difference) <= 1


@pytest.mark.parametrize("box", [(10, 10, 10, 10), (511.5, 511.5, 512, 512), (0, 0, 512, 512), (100, 0, 101, 512)])
def test_any_box_gives_a_whole_crop(astronaut, box):
    assert crop_for_embedding(astronaut, corners(*box)).shape == (FACE_SIDE, FACE_SIDE, 3)
    display = crop_for_display(astronaut, corners(*box))
    assert display.width == display.height >= 1


def test_the_face_takes_up_three_fifths_of_the_displayed_crop():
    image = Image.new("RGB", (400, 400))
    image.paste("white", (150, 140, 230, 260))

    crop = np.asarray(crop_for_display(image, corners(150, 140, 230, 260)).convert("L"))

    assert crop.shape == (200, 200)
    rows = np.flatnonzero(crop.max(axis=1) > 128)
    assert (rows[-1] - rows[0] + 1) / 200 == pytest.approx(0.6, abs=0.02)
    assert rows[0] == pytest.approx(200 - rows[-1], abs=3)


def test_a_big_face_is_displayed_no_larger_than_needed():
    assert crop_for_display(Image.new("RGB", (3000, 2000)), corners(900, 500, 1700, 1400)).width == DISPLAY_SIDE


def test_a_face_at_the_edge_stays_inside_the_picture():
    image = Image.new("RGB", (300, 200), "white")

    assert np.asarray(crop_for_display(image, corners(0, 0, 60, 60))).min() == 255


def test_a_frontal_face_is_frontal_however_the_head_is_tilted():
    angle = np.deg2rad(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=np.float32)

    assert frontality(LEVEL) == pytest.approx(1)
    assert frontality(LEVEL @ turn) == pytest.approx(1)


def test_a_profile_is_not_frontal():
    turned = LEVEL.copy()
    turned[2, 0] = 85

    assert frontality(turned) == 0


def test_eyes_in_one_place_are_not_frontal():
    assert frontality(np.zeros((5, 2), dtype=np.float32)) == 0


def test_quality_falls_with_size_sharpness_pose_and_score(random):
    sharp = random.integers(0, 256, size=(160, 160, 3), dtype=np.uint8)
    blurred = np.full((160, 160, 3), 128, dtype=np.uint8)
    big, small = corners(0, 0, 100, 100), corners(0, 0, 25, 25)
    turned = LEVEL.copy()
    turned[2, 0] += 20

    best = face_quality(sharp, big, LEVEL, 1.0)

    assert best == pytest.approx(1)
    assert face_quality(sharp, small, LEVEL, 1.0) < best
    assert face_quality(blurred, big, LEVEL, 1.0) < best
    assert face_quality(sharp, big, turned, 1.0) < best
    assert face_quality(sharp, big, LEVEL, 0.75) < best
    assert detail(blurred) == 0


@pytest.mark.parametrize("size", [(40, 30), (17, 5), (3, 90), (1, 1)])
def test_areas_are_averaged_as_torch_does(random, size):
    import torch

    pixels = random.integers(0, 256, size=(60, 80, 3), dtype=np.uint8)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    expected = torch.nn.functional.interpolate(planes, size=(size[1], size[0]), mode="area")

    resized = AreaSampler(Image.fromarray(pixels)).resized(*size)

    assert np.abs(resized - expected[0].permute(1, 2, 0).numpy()).max() < 1e-3


def test_boxes_are_averaged_as_torch_does(random):
    import torch

    pixels = random.integers(0, 256, size=(60, 80, 3), dtype=np.uint8)
    planes = torch.from_numpy(pixels).permute(2, 0, 1)[None].float()
    boxes = np.array([(0, 0, 80, 60), (10, 20, 15, 59), (79, 59, 80, 60)])

    crops = AreaSampler(Image.fromarray(pixels)).crops(boxes, 24)

    for (left, top, right, bottom), crop in zip(boxes, crops, strict=True):
        expected = torch.nn.functional.interpolate(planes[:, :, top:bottom, left:right], size=(24, 24), mode="area")
        assert np.abs(crop - expected[0].permute(1, 2, 0).numpy()).max() < 1e-3


def test_sums_beyond_32_bits_do_not_matter():
    white = AreaSampler(Image.new("RGB", (6000, 3000), "white"))  # sums up to 4.6 thousand million

    assert white.resized(3, 3).min() == 255
    assert white.crops(np.array([(5990, 2990, 6000, 3000)]), 24).min() == 255
