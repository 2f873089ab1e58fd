import numpy as np
import pytest
from PIL import Image

from ml.alignment import BOX_LAYOUT, crop_for_embedding
from ml.studies.cuts import CUTS, box, deskewed, even_air, similarity, square, stretched_similarity

CORNERS = np.array((130, 110, 220, 230), dtype=np.float32)
LANDMARKS = CORNERS[:2] + BOX_LAYOUT * (CORNERS[2:] - CORNERS[:2])


def lit(points, *, size=(360, 340), spread=3.0):
    """A black picture with a soft light at each point."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2)) for x, y in points)
    return Image.fromarray((light * 255).clip(0, 255).astype(np.uint8)).convert("RGB")


def middle_of_light(pixels):
    grey = pixels.astype(float).mean(axis=2)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    return np.array([(grey * columns).sum(), (grey * rows).sum()]) / grey.sum()


def turned(points, degrees):
    """Points turned clockwise about the middle of the box."""
    middle = (CORNERS[:2] + CORNERS[2:]) / 2
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return ((points - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle).astype(np.float32)


@pytest.mark.parametrize("name", CUTS)
def test_every_cut_gives_the_network_its_square(astronaut, name):
    for corners in (CORNERS, np.array((-20, -5, 90, 100), dtype=np.float32)):
        landmarks = corners[:2] + BOX_LAYOUT * (corners[2:] - corners[:2])

        pixels = CUTS[name](astronaut, corners, landmarks)

        assert pixels.shape == (160, 160, 3)
        assert pixels.dtype == np.uint8
        assert pixels.std() > 10


@pytest.mark.parametrize("degrees", [-70, -11, -9, 0, 9, 11, 45])
def test_the_best_cut_is_what_kith_ships(astronaut, degrees):
    leaning = turned(LANDMARKS, degrees)

    shipped = crop_for_embedding(astronaut, CORNERS, leaning)

    assert np.array_equal(deskewed(32, 10)(astronaut, CORNERS, leaning), shipped)
    assert np.array_equal(box(32)(astronaut, CORNERS, leaning), shipped) == (abs(degrees) <= 10)


def test_air_in_proportion_is_wider_where_the_box_is_longer_and_even_air_is_not():
    white = Image.new("RGB", (360, 340))
    white.paste("white", tuple(int(edge) for edge in CORNERS))

    in_proportion = box(40)(white, CORNERS, LANDMARKS)[..., 0] > 128
    even = even_air(40)(white, CORNERS, LANDMARKS)[..., 0] > 128

    assert in_proportion.any(axis=0).sum() == pytest.approx(in_proportion.any(axis=1).sum(), abs=2)
    assert even.any(axis=1).sum() > even.any(axis=0).sum() + 5


def test_a_square_cut_stretches_nothing():
    white = Image.new("RGB", (360, 340))
    white.paste("white", tuple(int(edge) for edge in CORNERS))

    cut = square(0)(white, CORNERS, LANDMARKS)[..., 0] > 128

    assert cut.any(axis=1).sum() == 160
    assert cut.any(axis=0).sum() == pytest.approx(160 * 90 / 120, abs=2)


@pytest.mark.parametrize("degrees", [-40, 12, 90])
@pytest.mark.parametrize("landmark", range(5))
@pytest.mark.parametrize("margin", [16, 32])
def test_five_points_come_to_the_same_places_however_the_head_is_tilted(degrees, landmark, margin):
    level, leaning = LANDMARKS, turned(LANDMARKS, degrees)

    for cut in (similarity(margin), stretched_similarity(margin)):
        expected = middle_of_light(cut(lit([level[landmark]]), CORNERS, level))
        found = middle_of_light(cut(lit([leaning[landmark]]), CORNERS, leaning))
        assert np.abs(found - expected).max() < 0.5


def test_stretching_after_five_points_brings_them_to_where_the_box_has_them():
    expected = BOX_LAYOUT * (160 - 32) + 16

    for landmark, place in zip(LANDMARKS, expected, strict=True):
        found = middle_of_light(stretched_similarity(32)(lit([landmark]), CORNERS, LANDMARKS))
        assert np.abs(found + 0.5 - place).max() < 1.5


def test_a_leaning_head_is_turned_upright():
    leaning = turned(LANDMARKS, 25)

    for number in range(5):
        upright = middle_of_light(box(32)(lit([LANDMARKS[number]]), CORNERS, LANDMARKS))
        found = middle_of_light(deskewed(32, 10)(lit([leaning[number]]), CORNERS, leaning))
        assert np.abs(found - upright).max() < 1.5


def test_a_head_that_hardly_leans_is_left_alone(astronaut):
    leaning = turned(LANDMARKS, 9)

    assert np.array_equal(deskewed(32, 15)(astronaut, CORNERS, leaning), box(32)(astronaut, CORNERS, leaning))
