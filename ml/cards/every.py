"""All cards: of what Kith ships or fetches, of any installation, and of this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.cards import fitted, made, networks
from ml.cards.card import ModelCard
from ml.checked_files import WeightsUnavailable
from ml.models import find_model, plugged_in_names, thresholds_path


def built_in() -> tuple[ModelCard, ...]:
    """Of what every Kith has."""
    return (
        networks.detector(),
        networks.casia(),
        networks.vggface2(),
        fitted.quality(),
        fitted.calibration(),
        fitted.projection(),
    )


def of_any() -> tuple[ModelCard, ...]:
    """What can be said of models that come with an installation, before there is one."""
    return (made.plugged_in(), made.trained(), made.own_projection())


def of_files(models_dir: Path) -> Iterator[ModelCard]:
    """Of the models that were plugged into this installation; those trained here have their figures beside them."""
    for name in plugged_in_names(models_dir):
        try:
            model = find_model(models_dir, name)
        except WeightsUnavailable:
            continue  # the status page says so
        figures = figures_of(models_dir, name)
        if figures is None:
            yield made.plugged_in(model, is_measured=thresholds_path(models_dir, name).exists())
        else:
            yield made.trained(figures, model=model)


def figures_path(models_dir: Path, name: str) -> Path:
    """Where the figures of a model that was trained lie."""
    return models_dir / f"{name}.training.json"


def figures_of(models_dir: Path, name: str) -> Any:
    """What training said of a model; None if it was not trained here, or that cannot be read."""
    try:
        figures = json.loads(figures_path(models_dir, name).read_text())
    except (OSError, ValueError):
        return None
    return figures if isinstance(figures, dict) else None
