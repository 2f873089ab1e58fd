"""Chooses where the networks run, and says so in words."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import Literal

Device = Literal["cuda", "mps", "cpu"]
DEVICES: tuple[Device, ...] = ("cuda", "mps", "cpu")


class DeviceUnavailable(ValueError):
    """The device asked for is unknown or not on this machine. The message is a sentence for the user."""


def choose_device(wanted: str = "auto") -> Device:
    """Return the device to use.

    Args:
        wanted: "auto" takes the first of cuda, mps and cpu that works; or one of these by name.

    Raises:
        DeviceUnavailable: the name is unknown, or the machine has no such device.
    """
    if wanted == "auto":
        return next(device for device in DEVICES if is_available(device))
    device = _check_known(wanted)
    if not is_available(device):
        raise DeviceUnavailable(f"This machine has no {wanted} device; set the face device to auto or cpu.")
    return device


@functools.cache
def is_available(device: Device) -> bool:
    """Whether this machine has the device. Asking for a GPU loads torch.

    Raises:
        DeviceUnavailable: there is no such kind of device.
    """
    _check_known(device)
    if device == "cpu":
        return True
    if device == "cuda" and not _may_have_nvidia_gpu():
        return False
    if device == "mps" and sys.platform != "darwin":
        return False
    import torch  # a CPU worker need not load torch, which takes 480 MB and a second or more

    return torch.cuda.is_available() if device == "cuda" else torch.backends.mps.is_available()


def _check_known(device: str) -> Device:
    for known in DEVICES:
        if known == device:
            return known
    raise DeviceUnavailable(f"There is no face device called {device}; use auto, {', '.join(DEVICES)}.")


def _may_have_nvidia_gpu() -> bool:
    """False where the driver is surely absent, which spares loading torch to find out."""
    return os.name == "nt" or Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()


def describe_device(device: Device) -> str:
    """Say in words what the device is, for a status page, such as "CPU, 8 cores".

    Raises:
        DeviceUnavailable: there is no such kind of device.
    """
    _check_known(device)
    if device == "cuda":
        import torch

        return f"GPU, {torch.cuda.get_device_name()}"
    if device == "mps":
        return "GPU, Apple Metal"
    cores = cores_available()
    return f"CPU, {cores} core{'s' if cores != 1 else ''}"


def cores_available() -> int:
    """How many cores this process may use (containers often may use fewer than there are)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
