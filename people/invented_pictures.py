"""Draws the pictures of an invented library: skies, hills and round heads. Nobody real is in them.

A few dozen are drawn, and every photo and face has a name of its own for one of them (a hard link): so deleting a photo
takes no other photo's picture away, and a hundred thousand of them take no more room than their names.
"""

import colorsys
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from people.invented_faces import MOST_IN_A_PHOTO
from people.invented_rows import Box

SHAPES = ((1200, 900), (900, 1200), (1200, 800), (800, 1200), (1200, 675), (1000, 1000))
SMALL_SIDE = 480
CROP_SIDE = 160
CROPS = 60  # heads that differ
KINDS = ("originals", "large", "small")

Sizes = dict[tuple[int, int], int]  # bytes of originals, by shape and number of heads


@dataclass(frozen=True)
class Pictures:
    """Files of the drawn pictures. photos: by shape and number of heads, one file of each kind. crops: heads."""

    photos: dict[tuple[int, int], dict[str, Path]]
    crops: list[Path]

    def sizes(self) -> Sizes:
        return {key: files["originals"].stat().st_size for key, files in self.photos.items()}


def boxes_of(shape: int, heads: int) -> list[Box]:
    """Where the heads of a picture are, as fractions of it."""
    width, height = SHAPES[shape]
    cell = 1 / max(heads, 1)
    wide = min(0.55 * cell, 0.16)
    tall = wide * width / height * 1.3
    return [((place + 0.5) * cell - wide / 2, 0.3 + 0.06 * (place % 3), wide, tall) for place in range(heads)]


def draw_pictures(folder: Path) -> Pictures:
    """Draw them into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = {
        (shape, heads): _saved(_photo(shape, heads), folder / f"{shape}-{heads}")
        for shape in range(len(SHAPES))
        for heads in range(MOST_IN_A_PHOTO + 1)
    }
    crops = []
    for number in range(CROPS):
        crops.append(folder / f"head-{number}.webp")
        _crop(number).save(crops[-1], quality=80)
    return Pictures(photos, crops)


def link_all(names: Iterable[tuple[Path, Path]]) -> None:
    """Give drawn pictures more names: pairs of a picture and a name. A copy where the disk knows no links."""
    made: set[Path] = set()
    for picture, name in names:
        if name.parent not in made:
            name.parent.mkdir(parents=True, exist_ok=True)
            made.add(name.parent)
        name.unlink(missing_ok=True)
        try:
            os.link(picture, name)
        except OSError:  # no links here, or no more of this file
            shutil.copyfile(picture, name)


def _saved(picture: Image.Image, stem: Path) -> dict[str, Path]:
    files = {kind: stem.with_name(f"{stem.name}-{kind}{'.jpg' if kind == 'originals' else '.webp'}") for kind in KINDS}
    small = picture.copy()
    small.thumbnail((SMALL_SIDE, SMALL_SIDE))
    picture.save(files["originals"], quality=85)
    picture.save(files["large"], quality=75, method=0)
    small.save(files["small"], quality=75, method=0)
    return files


def _photo(shape: int, heads: int) -> Image.Image:
    width, height = SHAPES[shape]
    random = np.random.default_rng([shape, heads])
    hue = random.random()
    picture = _gradient(width, height, _colour(hue, 0.35, 0.95), _colour(hue + 0.12, 0.3, 0.7))
    draw = ImageDraw.Draw(picture)
    for place in range(3):
        middle, reach = random.uniform(0, width), random.uniform(0.5, 1.0) * width
        top = height * (0.55 + 0.12 * place)
        draw.ellipse(
            (middle - reach, top, middle + reach, top + 2 * height), fill=_colour(hue + 0.3, 0.3, 0.7 - 0.12 * place)
        )
    picture = picture.filter(ImageFilter.GaussianBlur(3))
    for place, (left, top, wide, tall) in enumerate(boxes_of(shape, heads)):
        _head(picture, (left * width, top * height, wide * width, tall * height), shape * 11 + place)
    return picture


def _crop(number: int) -> Image.Image:
    picture = _gradient(CROP_SIDE, CROP_SIDE, _colour(number * 0.37, 0.15, 0.95), _colour(number * 0.37, 0.3, 0.75))
    _head(picture, (CROP_SIDE * 0.24, CROP_SIDE * 0.16, CROP_SIDE * 0.52, CROP_SIDE * 0.66), number)
    return picture


def _head(picture: Image.Image, box: Box, number: int) -> None:
    """A head with shoulders, hair, eyes and a mouth; the number says in which colours."""
    left, top, wide, tall = box
    middle, draw = left + wide / 2, ImageDraw.Draw(picture)
    skin = _colour(0.07 + 0.02 * (number % 3), 0.3 + 0.1 * (number % 4), 0.95 - 0.09 * (number % 6))
    hair = _colour(0.06 + 0.07 * (number % 5), 0.5, 0.2 + 0.11 * (number % 5))
    shirt = _colour(number * 0.618, 0.5, 0.7)
    draw.ellipse((middle - wide, top + 0.95 * tall, middle + wide, top + 2.6 * tall), fill=shirt)
    rise = 0.1 + 0.05 * (number % 3)
    draw.ellipse((left - 0.06 * wide, top - rise * tall, left + 1.06 * wide, top + 0.8 * tall), fill=hair)
    draw.ellipse((left, top, left + wide, top + tall), fill=skin)
    for side in (-1, 1):
        x, y, r = middle + side * 0.2 * wide, top + 0.42 * tall, 0.055 * wide
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(40, 35, 40))
    draw.arc(
        (middle - 0.22 * wide, top + 0.55 * tall, middle + 0.22 * wide, top + 0.8 * tall),
        20,
        160,
        fill=(120, 50, 50),
        width=max(1, round(0.04 * wide)),
    )


def _gradient(width: int, height: int, above: tuple[int, ...], below: tuple[int, ...]) -> Image.Image:
    down = np.linspace(0, 1, height)[:, None, None]
    column = np.array(above) * (1 - down) + np.array(below) * down
    return Image.fromarray(np.broadcast_to(column, (height, width, 3)).astype(np.uint8))


def _colour(hue: float, saturation: float, value: float) -> tuple[int, ...]:
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(hue % 1, saturation, value))
