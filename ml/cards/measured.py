"""The figures of the cards, as `python -m ml.studies.model_cards` wrote them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.evaluation.share import Share

MEASURED = Path(__file__).with_name("measured.json")


@functools.cache
def measured() -> Any:
    return json.loads(MEASURED.read_text())


def share(written: Mapping[str, int]) -> Share:
    return Share(**written)
