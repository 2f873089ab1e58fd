"""Varies faces as photos vary: mirrored, moved, turned, scaled, brighter, paler."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

TURN = np.deg2rad(6)
SCALE = 0.08
SHIFT = 0.04  # of the side
BRIGHTNESS = 0.2
CONTRAST = 0.2
SATURATION = 0.3


def augment(pixels: Tensor, random: np.random.Generator) -> Tensor:
    """Vary each face at random; the same generator gives the same pictures on every device, but for rounding.

    Args:
        pixels: shape (n, side, side, 3), RGB from 0 to 255, any type.

    Returns:
        The same shape, float32, from 0 to 255. What comes in from beyond the edge repeats the pixels there.

    Raises:
        ValueError: pixels has another shape.
    """
    if pixels.ndim != 4 or pixels.shape[1] != pixels.shape[2] or pixels.shape[3] != 3:
        raise ValueError(f"pixels must have the shape (n, side, side, 3), not {tuple(pixels.shape)}")
    planes = pixels.permute(0, 3, 1, 2).float()
    moves = torch.from_numpy(_moves(len(pixels), random)).to(planes.device)
    grid = functional.affine_grid(moves, list(planes.shape), align_corners=False)
    moved = functional.grid_sample(planes, grid, padding_mode="border", align_corners=False)
    return _recoloured(moved, random).permute(0, 2, 3, 1)


def _moves(n: int, random: np.random.Generator) -> NDArray[np.float32]:
    """Affine transforms from the result back to the picture, shape (n, 2, 3); the picture reaches from -1 to 1."""
    angles = random.uniform(-TURN, TURN, n)
    scales = 1 + random.uniform(-SCALE, SCALE, n)
    mirrored = np.where(random.random(n) < 0.5, -1.0, 1.0)
    shifts = 2 * random.uniform(-SHIFT, SHIFT, (n, 2))
    moves = np.empty((n, 2, 3), dtype=np.float32)
    moves[:, 0, 0] = mirrored * scales * np.cos(angles)
    moves[:, 0, 1] = -scales * np.sin(angles)
    moves[:, 1, 0] = mirrored * scales * np.sin(angles)
    moves[:, 1, 1] = scales * np.cos(angles)
    moves[:, :, 2] = shifts
    return moves


def _recoloured(planes: Tensor, random: np.random.Generator) -> Tensor:
    def factors(spread: float) -> Tensor:
        drawn = 1 + random.uniform(-spread, spread, (len(planes), 1, 1, 1))
        return torch.from_numpy(drawn.astype(np.float32)).to(planes.device)

    brighter = planes * factors(BRIGHTNESS)
    grey = brighter.mean(dim=1, keepdim=True)
    coloured = grey + (brighter - grey) * factors(SATURATION)
    middle = coloured.mean(dim=(1, 2, 3), keepdim=True)
    return (middle + (coloured - middle) * factors(CONTRAST)).clamp(0, 255)
