"""Chooses the numbers that a network is trained in: smaller ones where a GPU is faster with them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ml.device import Device


@dataclass(frozen=True)
class MixedPrecision:
    """dtype: of what may be computed with fewer bits; None: everything in single precision.

    is_scaled: whether the loss has to be scaled up, for float16 holds no small gradients.
    """

    dtype: torch.dtype | None
    is_scaled: bool


def choose_mixed_precision(device: Device, *, has_bfloat16: bool) -> MixedPrecision:
    """bfloat16 on a CUDA GPU that has it, else float16 with a scaled loss; single precision on the CPU and on Metal.

    Args:
        device: where training runs.
        has_bfloat16: whether that GPU computes in bfloat16.

    Source: Micikevicius et al., Mixed precision training, ICLR 2018.
    """
    if device != "cuda":
        return MixedPrecision(None, is_scaled=False)
    if has_bfloat16:
        return MixedPrecision(torch.bfloat16, is_scaled=False)
    return MixedPrecision(torch.float16, is_scaled=True)


def mixed_precision_of(device: Device) -> MixedPrecision:
    """As `choose_mixed_precision`, for this machine."""
    return choose_mixed_precision(device, has_bfloat16=device == "cuda" and torch.cuda.is_bf16_supported())
