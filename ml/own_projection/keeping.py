"""Keeps a projection that was learnt as bytes, and reads them again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import numpy as np

from ml.calibration import Calibration
from ml.own_projection.comparing import Measured
from ml.own_projection.learning import OwnProjection
from ml.projection import Projection

DAMAGED = "The learnt projection cannot be read: it is damaged or of another version. Learn it again."
PLAIN = ("gain", "gain_low", "faces", "people", "seconds", "is_better")


class DamagedProjection(ValueError):
    """What was kept is no longer what was written. The message is a sentence for the owner."""


def figures_of(own: OwnProjection) -> dict[str, Any]:
    """Everything but the projection, for JSON."""
    written: dict[str, Any] = {name: getattr(own, name) for name in PLAIN}
    return written | {
        "base": asdict(own.base),
        "own": asdict(own.own),
        "calibration": own.calibration.as_json(),
        "base_calibration": own.base_calibration.as_json(),
    }


def save_own(own: OwnProjection) -> bytes:
    """As safetensors: two arrays, and the figures as JSON with a SHA-256 of the arrays."""
    from safetensors.numpy import save

    arrays = {"centre": own.projection.centre, "basis": own.projection.basis}
    text = json.dumps(figures_of(own) | {"sha256": _hash(own.projection)})
    return save(arrays | {"figures": np.frombuffer(text.encode(), dtype=np.uint8)})


def load_own(written: bytes) -> OwnProjection:
    """Read what `save_own` wrote.

    Raises:
        DamagedProjection: it is something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(bytes(written))
        figures = json.loads(arrays["figures"].tobytes())
        projection = Projection(arrays["centre"], arrays["basis"])
        calibration, other = (Calibration.from_json(figures[name]) for name in ("calibration", "base_calibration"))
        if figures["sha256"] != _hash(projection) or calibration is None or other is None:
            raise DamagedProjection(DAMAGED)
        return OwnProjection(
            projection,
            calibration,
            other,
            Measured(**figures["base"]),
            Measured(**figures["own"]),
            is_better=bool(figures["is_better"]),
            gain=float(figures["gain"]),
            gain_low=float(figures["gain_low"]),
            seconds=float(figures["seconds"]),
            faces=int(figures["faces"]),
            people=int(figures["people"]),
        )
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedProjection(DAMAGED) from error


def _hash(projection: Projection) -> str:
    return hashlib.sha256(projection.centre.tobytes() + projection.basis.tobytes()).hexdigest()
