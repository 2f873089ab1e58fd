"""The hash of what a picture shows."""

import pytest
from PIL import Image, ImageEnhance

from photos.decoding.perceptual import perceptual_hash
from tests.pictures import drawing


@pytest.mark.parametrize(("seed", "bits"), [(0, "f80cd08bd1543fab"), (1, "8ce3d8b83acbc534")])
def test_the_bits_are_those_of_imagehash(seed, bits):
    # What imagehash 4.3.2 says: libraries hold hashes made by it.
    assert f"{int(perceptual_hash(drawing(seed=seed)), 2):016x}" == bits


def test_the_same_picture_at_another_size_and_brightness_is_alike():
    picture = drawing(1200, 900)
    other = ImageEnhance.Brightness(picture.resize((400, 300))).enhance(0.8)

    assert differing_bits(picture, other) <= 4
    assert differing_bits(picture, drawing(seed=1)) > 16


def test_a_picture_of_one_colour_has_a_hash():
    assert len(perceptual_hash(Image.new("RGB", (1, 1), "red"))) == 64


def differing_bits(one: Image.Image, other: Image.Image) -> int:
    return sum(a != b for a, b in zip(perceptual_hash(one), perceptual_hash(other), strict=True))
