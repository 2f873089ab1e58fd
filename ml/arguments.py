"""Checks arguments, once a call: what is wrong is a ValueError that names the argument."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

NUMBERS, WHOLE_NUMBERS, FLAGS = "fiu", "iu", "b"  # numpy's letters for kinds of types


def checked_image(name: str, image: Image.Image) -> Image.Image:
    """A picture in RGB, of a pixel or more."""
    if not isinstance(image, Image.Image):
        raise ValueError(f"{name} must be a PIL image, not {type(image).__name__}")
    if image.mode != "RGB":
        raise ValueError(f"{name} must be RGB, not {image.mode}")
    if min(image.size) < 1:
        raise ValueError(f"{name} must have a pixel at least, not {image.width} x {image.height}")
    return image


def checked_numbers(name: str, values: ArrayLike, *shape: int | None) -> NDArray[Any]:
    """Finite numbers of a shape, in which None stands for any length."""
    array = _array(name, values, shape, NUMBERS, "numbers")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers")
    return array


def checked_whole(name: str, values: ArrayLike, *shape: int | None) -> NDArray[Any]:
    """Whole numbers of a shape, such as whose each face is."""
    return _array(name, values, shape, WHOLE_NUMBERS, "whole numbers")


def checked_places(name: str, values: ArrayLike, *shape: int | None) -> NDArray[np.int64]:
    """Whole numbers of at least 0, of a shape: where things are among others."""
    array = checked_whole(name, values, *shape)
    if array.size and array.min() < 0:
        raise ValueError(f"{name} must be at least 0, not {array.min()}")
    return array.astype(np.int64, copy=False)


def checked_flags(name: str, values: ArrayLike, *shape: int | None) -> NDArray[np.bool_]:
    """Yes or no, of a shape."""
    return _array(name, values, shape, FLAGS, "booleans").astype(bool, copy=False)


def checked_number(name: str, value: float, *, least: float = -math.inf, most: float = math.inf) -> float:
    """A finite number in a range, ends included."""
    if isinstance(value, str | bytes | bool) or not _is_finite(value) or not least <= value <= most:
        ends = f" from {least:g} to {most:g}" if math.isfinite(least) or math.isfinite(most) else ""
        raise ValueError(f"{name} must be a finite number{ends}, not {value!r}")
    return value


def checked_count(name: str, value: int, *, least: int = 1) -> int:
    """A whole number, of at least so many."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    return int(value)


def _array(name: str, values: ArrayLike, shape: tuple[int | None, ...], kinds: str, what: str) -> NDArray[Any]:
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} must have the shape {_written(shape)}: {error}") from error
    fits = array.shape == shape or (
        array.ndim == len(shape)
        and all(wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True))
    )
    if not fits:
        raise ValueError(f"{name} must have the shape {_written(shape)}, not {array.shape}")
    # An empty list has no type of its own.
    if array.size and array.dtype.kind not in kinds:
        raise ValueError(f"{name} must be {what}, not {array.dtype}")
    return array


def _written(shape: tuple[int | None, ...]) -> str:
    """As docstrings have it: (n, 4) where the first length may be any."""
    letters = iter("nmkl")
    lengths = [next(letters) if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)}{',' if len(shape) == 1 else ''})"


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, ValueError, OverflowError):
        return False
