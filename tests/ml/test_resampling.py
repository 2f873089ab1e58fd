import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.resampling import AreaSampler


def noise(width: int, height: int) -> Image.Image:
    greys = np.random.default_rng(width * 1000 + height).integers(0, 256, size=(height, width, 3), dtype=np.uint8)
    return Image.fromarray(greys)


def torch_average(image: Image.Image, width: int, height: int) -> np.ndarray:
    planes = torch.from_numpy(np.array(image, dtype=np.float32)).permute(2, 0, 1)[None]
    return torch.nn.functional.adaptive_avg_pool2d(planes, (height, width))[0].permute(1, 2, 0).numpy()


sides = st.integers(1, 70)


@given(sides, sides, sides, sides)
@settings(max_examples=60, deadline=None)
def test_any_size_is_averaged_as_by_torch(width, height, new_width, new_height):
    image = noise(width, height)

    averages = AreaSampler(image).resized(new_width, new_height)

    assert averages.dtype == np.float32
    assert np.abs(averages - torch_average(image, new_width, new_height)).max() < 1e-4


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 39), st.integers(1, 60), st.integers(1, 40)), max_size=6))
@settings(max_examples=60, deadline=None)
def test_boxes_are_averaged_as_by_torch(places):
    image = noise(60, 40)
    corners = [(x, y, min(x + width, 60), min(y + height, 40)) for x, y, width, height in places]

    crops = AreaSampler(image).crops(np.array(corners, dtype=np.int64).reshape(-1, 4), 24)

    assert crops.shape == (len(places), 24, 24, 3)
    for box, crop in zip(corners, crops, strict=True):
        assert np.abs(crop - torch_average(image.crop(box), 24, 24)).max() < 1e-4


def test_a_picture_of_many_megapixels_is_averaged_without_overflow():
    sampler = AreaSampler(Image.new("RGB", (9000, 6000), "white"))

    assert (sampler.resized(2, 2) == 255).all()
    with pytest.raises(ValueError, match="width"):
        sampler.resized(1, 1)
    with pytest.raises(ValueError, match="corners"):
        sampler.crops(np.array([[0, 0, 9000, 6000]]), 1)


def test_some_rows_are_those_of_the_whole():
    sampler = AreaSampler(noise(61, 83))

    assert np.array_equal(sampler.resized(33, 47, rows=(10, 31)), sampler.resized(33, 47)[10:31])


@pytest.mark.parametrize("rows", [(-1, 3), (3, 3), (5, 2), (0, 48)])
def test_rows_beyond_the_height_are_refused(rows):
    with pytest.raises(ValueError, match="rows"):
        AreaSampler(noise(61, 83)).resized(33, 47, rows=rows)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0), (-1, 5), (2.5, 5)])
def test_a_size_of_nothing_is_refused(width, height):
    with pytest.raises(ValueError, match=r"width|height"):
        AreaSampler(noise(9, 9)).resized(width, height)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(ValueError, match="image"):
        AreaSampler(Image.new("RGB", (0, 9))).resized(2, 2)


@pytest.mark.parametrize("image", [np.zeros((9, 9, 3), dtype=np.uint8), None])
def test_what_is_not_an_image_is_refused(image):
    with pytest.raises(ValueError, match="image"):
        AreaSampler(image)


@pytest.mark.parametrize(
    "corners",
    [
        np.array([[0, 0, 10, 9]]), np.array([[-1, 0, 5, 5]]), np.array([[0, 0, 5, 10]]), np.array([[5, 0, 5, 5]]),
        np.array([[0, 6, 5, 2]]), np.array([[0.0, 0, 5, 5]]), np.array([[0, 0, 5]]), np.array([0, 0, 5, 5]),
    ],
)  # fmt: skip
def test_senseless_corners_are_refused(corners):
    with pytest.raises(ValueError, match="corners"):
        AreaSampler(noise(9, 9)).crops(corners, 24)


def test_crops_without_a_side_are_refused():
    with pytest.raises(ValueError, match="side"):
        AreaSampler(noise(9, 9)).crops(np.array([[0, 0, 5, 5]]), 0)
