import numpy as np
import pytest
from facenet_pytorch import extract_face
from PIL import Image

from ml.alignment import (
    ARCFACE_LAYOUT,
    ARCFACE_SIDE,
    BOX_LAYOUT,
    DISPLAY_SIDE,
    FACE_SIDE,
    crop_for_display,
    crop_for_embedding,
    tilt,
    warp_to_layout,
)
from ml.resampling import AreaSampler


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


def dotted(points, *, spread, size):
    """A black picture with a soft light at each point: whole numbers are centres of pixels."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    light = sum(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2)) for x, y in points)
    return Image.fromarray((light * 255).clip(0, 255).astype(np.uint8)).convert("RGB")


def brightest_middle(pixels, near, *, radius):
    """Centre of the light around a point."""
    grey = pixels.astype(float).mean(axis=2)
    rows, columns = np.mgrid[: grey.shape[0], : grey.shape[1]]
    around = grey * (np.hypot(columns - near[0], rows - near[1]) <= radius)
    return np.array([(around * columns).sum(), (around * rows).sum()]) / around.sum()


@pytest.mark.parametrize(("scale", "degrees"), [(1, 0), (1, 35), (0.9, -120), (4, 20), (9, 180)])
def test_warped_landmarks_lie_on_the_layout(scale, degrees):
    turn = scale * np.exp(1j * np.deg2rad(degrees))
    places = (ARCFACE_LAYOUT[:, 0] + 1j * ARCFACE_LAYOUT[:, 1]) * turn
    places += 40 - places.real.min() + 1j * (40 - places.imag.min())
    landmarks = np.stack([places.real, places.imag], axis=1)
    image = dotted(landmarks, spread=2 * scale, size=(int(places.real.max()) + 60, int(places.imag.max()) + 60))

    warped = warp_to_layout(image, landmarks, ARCFACE_LAYOUT, ARCFACE_SIDE)

    assert warped.shape == (112, 112, 3)
    assert warped.dtype == np.uint8
    for point in ARCFACE_LAYOUT:
        assert np.abs(brightest_middle(warped, point, radius=6) - point).max() < 0.1


def test_a_warp_is_the_least_squares_similarity(random):
    """Compared with scikit-image's, on points that no similarity brings to the layout exactly."""
    from skimage.transform import SimilarityTransform, warp

    pixels = random.integers(0, 256, size=(30, 40, 3), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    landmarks = ARCFACE_LAYOUT * 0.9 + random.normal(scale=8, size=(5, 2)) + 40
    transform = SimilarityTransform.from_estimate(landmarks, ARCFACE_LAYOUT)
    expected = warp(pixels, transform.inverse, output_shape=(112, 112), order=3, preserve_range=True)

    warped = warp_to_layout(Image.fromarray(pixels), landmarks, ARCFACE_LAYOUT, 112)

    assert np.abs(warped - expected).mean() < 6


def test_a_shrinking_warp_does_not_alias():
    """Stripes one pixel wide turn grey; picking every eighth pixel would keep them black or white."""
    stripes = np.zeros((900, 900, 3), dtype=np.uint8)
    stripes[:, ::2] = 255

    warped = warp_to_layout(Image.fromarray(stripes), ARCFACE_LAYOUT * 7.5, ARCFACE_LAYOUT, 112)

    assert np.abs(warped.astype(int) - 127).max() <= 4


def test_a_warp_is_black_outside_the_photo():
    white = Image.new("RGB", (112, 112), "white")

    warped = warp_to_layout(white, ARCFACE_LAYOUT - (56, 0), ARCFACE_LAYOUT, 112)
    elsewhere = warp_to_layout(white, ARCFACE_LAYOUT + 1000, ARCFACE_LAYOUT, 112)

    assert warped[:, :55].max() == 0
    assert warped[:, 57:].min() == 255
    assert elsewhere.max() == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 200)])
def test_a_photo_smaller_than_the_face_is_warped_all_the_same(size):
    assert warp_to_layout(Image.new("RGB", size), ARCFACE_LAYOUT, ARCFACE_LAYOUT, 112).shape == (112, 112, 3)


BAD_POINTS = [np.zeros((0, 2)), np.zeros(10), ARCFACE_LAYOUT[:4], np.full((5, 2), np.nan), np.full((5, 2), 7.0)]


@pytest.mark.parametrize("points", BAD_POINTS)
def test_points_that_are_none_are_refused_by_name(points):
    image = Image.new("RGB", (200, 200))

    with pytest.raises(ValueError, match="landmarks"):
        warp_to_layout(image, points, ARCFACE_LAYOUT, 112)
    with pytest.raises(ValueError, match="layout"):
        warp_to_layout(image, ARCFACE_LAYOUT, points, 112)


LEVEL = np.array([(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)], dtype=np.float32)


def leaning(points, degrees):
    """Points turned clockwise about their middle."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return (points - points.mean(axis=0)) @ np.array([[cos, sin], [-sin, cos]]) + points.mean(axis=0)


@pytest.mark.parametrize("degrees", [-150, -60, -5, 0, 30, 90])
def test_tilt_is_the_angle_by_which_a_head_leans(degrees):
    assert np.rad2deg(tilt(leaning(LEVEL, degrees))) == pytest.approx(np.rad2deg(tilt(LEVEL)) + degrees, abs=0.01)
    assert abs(np.rad2deg(tilt(LEVEL))) < 3


def test_of_a_head_seen_from_the_side_the_height_of_the_face_tells_the_tilt():
    """Eyes that lie nearly on top of each other, one of them a little lower, say next to nothing."""
    profile = np.array([(50, 40), (53, 43), (38, 60), (48, 80), (50, 79)], dtype=np.float32)

    assert abs(np.rad2deg(tilt(profile))) < 10


def test_landmarks_in_one_place_lean_nowhere(astronaut):
    assert tilt(np.full((5, 2), 7.0)) == 0
    level = crop_for_embedding(astronaut, corners(170, 60, 280, 210))
    assert np.array_equal(crop_for_embedding(astronaut, corners(170, 60, 280, 210), np.full((5, 2), 7.0)), level)


@pytest.mark.parametrize("scale", [1, 4, 12])
@pytest.mark.parametrize("degrees", [-40, 25])
def test_a_leaning_head_is_cut_out_as_if_it_did_not(astronaut, degrees, scale):
    """The photo turned about the face, against the photo as it is, at a size and much enlarged."""
    box = corners(170, 60, 280, 210)
    points = box[:2] + BOX_LAYOUT * (box[2:] - box[:2])
    middle = (float(box[0] + box[2]) / 2, float(box[1] + box[3]) / 2)
    expected = crop_for_embedding(astronaut, box).astype(float)
    photo = astronaut.rotate(-degrees, Image.Resampling.BICUBIC, center=middle)
    photo = photo.crop((100, 0, 350, 270)).resize((250 * scale, 270 * scale), Image.Resampling.BICUBIC)
    around_middle = points - middle
    turned = leaning(np.concatenate([around_middle, -around_middle]), degrees)[:5] + middle
    shift = np.array((100, 0))

    crop = crop_for_embedding(photo, (box - np.tile(shift, 2)) * scale, (turned - shift) * scale)

    level = crop_for_embedding(photo, (box - np.tile(shift, 2)) * scale)
    assert np.abs(crop - expected).mean() < 6
    assert np.abs(level - expected).mean() > 20


def test_a_leaning_head_at_the_edge_is_black_where_the_photo_ends():
    white = Image.new("RGB", (100, 100), "white")
    box = corners(-20, 20, 40, 100)
    points = leaning(box[:2] + BOX_LAYOUT * (box[2:] - box[:2]), 30)

    crop = crop_for_embedding(white, box, points)

    assert crop[150:, :10].max() == 0
    assert crop[40:80, 120].min() == 255
    assert crop_for_embedding(white, box, points + 900).max() == 0


def test_at_the_edge_a_face_looks_as_it_would_in_the_middle(astronaut):
    """The photo cut off through her face, and the box with it: what is left lies where it would, the rest is black."""
    box = corners(170, 60, 260, 180)
    points = box[:2] + BOX_LAYOUT * (box[2:] - box[:2])
    expected = crop_for_embedding(astronaut, box, points).astype(float)
    cut_off = astronaut.crop((190, 0, 512, 512))

    crop = crop_for_embedding(cut_off, corners(0, 60, 70, 180), points - (190, 0)).astype(float)

    stretched = crop_for_embedding(cut_off, corners(0, 60, 70, 180)).astype(float)
    seen = slice(50, None)  # columns of the crop right of the edge
    assert crop[:, :35].max() == 0
    assert np.abs(crop - expected)[:, seen].mean() < 12
    assert np.abs(stretched - expected)[:, seen].mean() > 25


@pytest.mark.parametrize("points", [np.zeros((4, 2)), np.zeros(10), np.full((5, 2), np.nan)])
def test_landmarks_that_are_none_are_refused_by_name(astronaut, points):
    with pytest.raises(ValueError, match="landmarks"):
        crop_for_embedding(astronaut, corners(170, 60, 280, 210), points)
    with pytest.raises(ValueError, match="landmarks"):
        tilt(points)


@pytest.mark.parametrize("cut", [crop_for_embedding, crop_for_display])
def test_boxes_and_pictures_that_are_none_are_refused_by_name(astronaut, cut):
    for bad in (corners(), corners(0, 0, 10), corners(0, 0, np.nan, 10), corners(0, 0, np.inf, 9), np.zeros((1, 4))):
        with pytest.raises(ValueError, match="corners"):
            cut(astronaut, bad)
    for mode in ("L", "RGBA", "F"):
        with pytest.raises(ValueError, match="image"):
            cut(Image.new(mode, (200, 200)), corners(10, 10, 90, 90))


@pytest.mark.parametrize("cut", [crop_for_embedding, crop_for_display])
@pytest.mark.parametrize("box", [(-90, -80, -50, -40), (600, 700, 650, 780), (90, 90, 20, 20)])
def test_a_box_beside_the_picture_gives_a_crop_all_the_same(astronaut, cut, box):
    assert np.asarray(cut(astronaut, corners(*box))).ndim == 3
    assert np.asarray(cut(Image.new("RGB", (1, 1)), corners(*box))).ndim == 3


@pytest.mark.parametrize("mode", ["L", "RGBA", "F"])
def test_only_rgb_is_warped(mode):
    with pytest.raises(ValueError, match="image"):
        warp_to_layout(Image.new(mode, (200, 200)), ARCFACE_LAYOUT, ARCFACE_LAYOUT, 112)


def test_the_side_of_a_warp_is_at_least_one():
    with pytest.raises(ValueError, match="side"):
        warp_to_layout(Image.new("RGB", (200, 200)), ARCFACE_LAYOUT, ARCFACE_LAYOUT, 0)


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
