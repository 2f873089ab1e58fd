"""The learning rate of each step."""

from __future__ import annotations

import math

from ml.arguments import checked_count, checked_number

WARM_UP_SHARE = 0.05  # of all steps


def cosine_rate(step: int, steps: int, highest: float) -> float:
    """Up in a straight line over the first 5 % of the steps, then down half a cosine to nearly 0.

    Args:
        step: from 0 to steps - 1.
        steps: of the whole training.
        highest: learning rate at the top.

    Raises:
        ValueError: steps is not at least 1, step is not among them, or highest is not a finite number above 0.

    Source: Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017, without restarts.
    """
    checked_count("steps", steps)
    checked_number("highest", highest, least=1e-12)
    if not 0 <= checked_count("step", step, least=0) < steps:
        raise ValueError(f"step must be below {steps}, not {step}")
    warm_up = math.ceil(steps * WARM_UP_SHARE)
    if step < warm_up:
        return highest * (step + 1) / warm_up
    return highest * (1 + math.cos(math.pi * (step - warm_up + 1) / (steps - warm_up + 1))) / 2
