"""Puts the measurements of `manage.py bench` together."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from config.embedded import EmbeddedServices
from ml.bench import contestants, inputs
from ml.bench.machine import describe_machine
from ml.bench.racing import Maker, Measurement, in_own_process, race
from ml.bench.report import BASELINE, OURS, compared
from people.benchmark import stored_path

BATCHES = (8, 32)  # faces at a time

Tick = Callable[[], object]


class NothingToMeasure(ValueError):
    """The photos are no use for measuring. The message is a sentence."""


def runs_of(rounds: int) -> int:
    """How often `measure` calls `tick`."""
    per_round = 2 * (1 + len(BATCHES)) + len(_whole_loops([], Path(), ""))
    return per_round * (1 + rounds)


def measure(
    photos: Sequence[Path], models_dir: Path, model: str, *, rounds: int, tick: Tick = lambda: None
) -> dict[str, Any]:
    """Measure detector, embedder and whole loop, and return the figures ready for JSON.

    Raises NothingToMeasure.
    """
    faces = in_own_process(inputs.cut_faces, photos, models_dir, model)
    if not len(faces):
        raise NothingToMeasure("There are no faces in these photos to measure with.")
    figures: dict[str, Any] = {"machine": describe_machine(), "rounds": rounds}
    with tempfile.TemporaryDirectory() as folder:
        full_hd = inputs.write_full_hd(photos, Path(folder))
        detectors: dict[str, Maker] = {
            BASELINE: partial(contestants.stock_detector, full_hd),
            OURS: partial(contestants.our_detector, full_hd, models_dir, model),
        }
        figures["detect"] = {"photos": len(full_hd)} | compared(_race(detectors, rounds, tick), len(full_hd))
    figures["embed"] = {"faces": len(faces), "cosine": _cosines(faces, models_dir, model)}
    for batch in BATCHES:
        embedders: dict[str, Maker] = {
            BASELINE: partial(contestants.stock_embedder, faces, batch, models_dir, model),
            OURS: partial(contestants.our_embedder, faces, batch, models_dir, model),
        }
        figures["embed"][f"batch_{batch}"] = compared(_race(embedders, rounds, tick), len(faces))
    with _home_of_its_own(models_dir, model):
        loops = _race(_whole_loops(photos, models_dir, model), rounds, tick)
    figures["pipeline"] = {"photos": len(photos), "megapixels": _megapixels(photos)} | compared(loops, len(photos))
    figures["ratio"] = {
        "detect": figures["detect"]["ratio"],
        "embed": min(figures["embed"][f"batch_{batch}"]["ratio"] for batch in BATCHES),
        "pipeline": figures["pipeline"]["ratio"],
    }
    return figures


def _whole_loops(photos: Sequence[Path], models_dir: Path, model: str) -> dict[str, Maker]:
    loops: dict[str, Maker] = {
        BASELINE: partial(contestants.plain_loop, photos, models_dir, model),
        OURS: partial(stored_path, photos),
    }
    if contestants.has_face_recognition():
        loops["face_recognition"] = partial(contestants.face_recognition_loop, photos)
    return loops


def _race(makers: Mapping[str, Maker], rounds: int, tick: Tick) -> dict[str, Measurement]:
    return dict(zip(makers, race(list(makers.values()), rounds=rounds, tick=tick), strict=True))


def _cosines(faces: inputs.Faces, models_dir: Path, model: str) -> dict[str, float]:
    cosines = in_own_process(contestants.cosines_to_stock, faces, models_dir, model)
    return {"min": float(cosines.min()), "median": float(np.median(cosines))}


def _megapixels(photos: Sequence[Path]) -> float:
    """Mean, of one photo."""
    sizes = []
    for photo in photos:
        with Image.open(photo) as image:
            sizes.append(image.width * image.height / 1e6)
    return round(float(np.mean(sizes)), 2)


@contextmanager
def _home_of_its_own(models_dir: Path, model: str) -> Iterator[None]:
    """PostgreSQL and Valkey in a folder that is removed again: no library of the user's is touched.

    Processes started inside use it.
    """
    home = Path(tempfile.mkdtemp(prefix="kith-bench-", dir="/var/tmp" if Path("/var/tmp").is_dir() else None))  # noqa: S108
    home.chmod(0o711)  # the system user PostgreSQL runs as must be able to pass through
    changed = {
        "KITH_HOME": str(home), "KITH_MODELS": str(models_dir), "KITH_FACE_MODEL": model, "KITH_DEVICE": "cpu",
        "KITH_LOG_LEVEL": "ERROR", "DATABASE_URL": None, "REDIS_URL": None,
    }  # fmt: skip
    services = EmbeddedServices(home)
    try:
        with _environment(changed):
            services.start()
            in_own_process(_migrate)
            yield
    finally:
        services.stop()
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _environment(changed: Mapping[str, str | None]) -> Iterator[None]:
    """Set variables, or remove those that are None, and put everything back at the end."""
    before = {name: os.environ.get(name) for name in changed}
    _set_environment(changed)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
