"""Spoils photos the way cameras, couriers and hands before faces do, by a random strength each."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter
from scipy.ndimage import convolve

from ml.arguments import checked_image, checked_numbers

Random = np.random.Generator
# Takes a photo and the face in it, (left, top, right, bottom) in pixels; the middle of the face stays where it is, as
# a share of the photo.
Spoiler = Callable[[Image.Image, NDArray[np.float32], Random], Image.Image]


def checked(spoiler: Spoiler) -> Spoiler:
    """The same, but ValueError unless the image is RGB and the face four finite numbers with sides above 0."""

    @functools.wraps(spoiler)
    def spoil(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
        checked_image("image", image)
        corners = checked_numbers("face", face, 4)
        if min(corners[2:] - corners[:2]) <= 0:
            raise ValueError(f"face must have sides above 0, not {corners}")
        return spoiler(image, corners, random)

    return spoil


@checked
def shrink(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Leave the face 18 to 80 pixels."""
    wanted = np.exp(random.uniform(np.log(18), np.log(80)))
    factor = min(wanted / float(min(face[2:] - face[:2])), 1.0)
    size = max(round(image.width * factor), 12), max(round(image.height * factor), 12)
    return image.resize(size, Image.Resampling.LANCZOS)


@checked
def enlarge(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Shrink, and enlarge again to the old size: many pixels, little in them."""
    return shrink(image, face, random).resize(image.size, Image.Resampling.BICUBIC)


@checked
def blur(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Out of focus: by 1 to 8 % of the face's side."""
    radius = float(_side(face) * np.exp(random.uniform(np.log(0.01), np.log(0.08))))
    return image.filter(ImageFilter.GaussianBlur(radius))


@checked
def shake(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Moved while exposed: a straight line of 3 to 30 % of the face's side."""
    length = max(_side(face) * np.exp(random.uniform(np.log(0.03), np.log(0.3))), 2.0)
    half = int(np.ceil(length / 2))
    angle = random.uniform(0, np.pi)
    kernel = Image.new("L", (2 * half + 1, 2 * half + 1))
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ImageDraw.Draw(kernel).line([tuple(half - reach), tuple(half + reach)], fill=255)
    weights = np.asarray(kernel, dtype=np.float32)
    weights = weights / weights.sum()
    planes = np.asarray(image, dtype=np.float32)
    moved = np.stack([convolve(planes[..., channel], weights, mode="nearest") for channel in range(3)], axis=2)
    return _from_floats(moved)


@checked
def add_noise(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Grain of 5 to 70 grey levels."""
    grain = np.exp(random.uniform(np.log(5), np.log(70)))
    pixels = np.asarray(image, dtype=np.float32)
    return _from_floats(pixels + random.normal(scale=grain, size=pixels.shape))


@checked
def compress(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """JPEG of quality 2 to 30."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(random.integers(2, 31)))
    return Image.open(buffer).convert("RGB")


@checked
def darken(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """3 to 40 % of the light, and a sensor's grain of two grey levels."""
    light = np.exp(random.uniform(np.log(0.03), np.log(0.4)))
    pixels = np.asarray(image, dtype=np.float32) * light
    return _from_floats(pixels + random.normal(scale=2, size=pixels.shape))


@checked
def overexpose(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """1.5 to 6 times the light."""
    return _from_floats(np.asarray(image, dtype=np.float32) * random.uniform(1.5, 6))


@checked
def fade(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """5 to 50 % of the contrast: fog, flare, old prints."""
    return ImageEnhance.Contrast(image).enhance(float(np.exp(random.uniform(np.log(0.05), np.log(0.5)))))


@checked
def tilt(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Turn by 10 to 70 degrees about the middle of the face."""
    degrees = random.uniform(10, 70) * random.choice([-1, 1])
    middle = (face[:2] + face[2:]) / 2
    return image.rotate(float(degrees), Image.Resampling.BICUBIC, center=(float(middle[0]), float(middle[1])))


@checked
def cover(image: Image.Image, face: NDArray[np.float32], random: Random) -> Image.Image:
    """Cover 15 to 70 % of the face from one of its sides, or the eyes, by something plain, striped or grainy."""
    left, top, right, bottom = face
    width, height = right - left, bottom - top
    share = random.uniform(0.15, 0.7)
    boxes = [
        (left, bottom - share * height, right, bottom),
        (left, top - height * 0.2, right, top + share * height),
        (left, top, left + share * width, bottom),
        (right - share * width, top, right, bottom),
        (left, top + height * 0.25, right, top + height * (0.25 + 0.35 * share)),
    ]
    box = np.round(boxes[random.integers(len(boxes))]).astype(int)
    size = max(int(box[2] - box[0]), 1), max(int(box[3] - box[1]), 1)
    stuff = random.integers(0, 256, 3) + random.choice([0, 8, 40]) * random.normal(size=(size[1], size[0], 1))
    if random.random() < 0.3:
        stuff = stuff + 60 * (np.arange(size[1]) // max(size[1] // 6, 1) % 2)[:, None, None]
    covered = image.copy()
    covered.paste(_from_floats(stuff), (int(box[0]), int(box[1])))
    return covered


SPOILERS: dict[str, Spoiler] = {
    "shrunk": shrink,
    "enlarged": enlarge,
    "blurred": blur,
    "shaken": shake,
    "grainy": add_noise,
    "compressed": compress,
    "dark": darken,
    "overexposed": overexpose,
    "faded": fade,
    "tilted": tilt,
    "covered": cover,
}


def _side(face: NDArray[np.float32]) -> float:
    return float(min(face[2:] - face[:2]))


def _from_floats(pixels: NDArray[np.floating]) -> Image.Image:
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
