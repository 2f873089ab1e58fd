"""The embedding models: what each needs to see of a face, and how near is near enough.

Two are built in; any ONNX file of the ArcFace kind can be plugged in by its path (`ml.plugging`). Embeddings of two
models do not compare, so each carries the name of its own. See docs/models.md.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from ml.arguments import checked_count
from ml.checked_files import WeightsUnavailable, replacing
from ml.identification import ARCFACE, Thresholds, thresholds_for
from ml.onnx_files import is_onnx_path, model_name, onnx_path

# "box": the detector's box with air around it, stretched. "landmarks": turned and scaled so that eyes, nose and mouth
# lie where ArcFace wants them.
Crop = Literal["box", "landmarks"]

CASIA = "facenet-casia"
VGGFACE2 = "facenet-vggface2"
DEFAULT_MODEL = CASIA

MOST_DIMENSIONS = 512  # that are stored of an embedding

DESCRIBED = ("description", "crop", "side", "dimensions", "faces_at_once")
DISTANCES = ("grouping", "linkage", "suggestion")


@dataclass(frozen=True)
class FaceModel:
    """An embedding network.

    name: what is stored with each embedding. crop, side: what it takes, a square of so many pixels. dimensions: of its
    output, at most 512. faces_at_once: in one call. is_measured: whether its thresholds are its own, or borrowed.
    sha256: of the finished safetensors; None where we have never seen the file (its source is pinned all the same) or
    where there is none.
    """

    name: str
    description: str
    crop: Crop
    side: int
    thresholds: Thresholds
    recentred_thresholds: Thresholds
    is_measured: bool
    dimensions: int = 512
    faces_at_once: int = 8
    is_plugged_in: bool = False
    sha256: str | None = None

    def limits(self, *, recentred: bool = False) -> Thresholds:
        """The thresholds; `recentred` where the library's own centre has been taken away."""
        return self.recentred_thresholds if recentred else self.thresholds


def _facenet(name: str, description: str, *, is_measured: bool, sha256: str | None) -> FaceModel:
    limits, recentred = thresholds_for(name), thresholds_for(name, recentred=True)
    return FaceModel(name, description, "box", 160, limits, recentred, is_measured, sha256=sha256)


MODELS = {
    CASIA: _facenet(
        CASIA,
        "FaceNet 20180408-102900, trained on CASIA-WebFace",
        is_measured=True,
        sha256="12436d1ffcf5258cb59ee85b547391626ea8e5d56773a1d5a35968e97a555aed",
    ),
    VGGFACE2: _facenet(VGGFACE2, "FaceNet 20180402-114759, trained on VGGFace2", is_measured=False, sha256=None),
}


def find_model(models_dir: Path, wanted: str) -> FaceModel:
    """Look a model up.

    Args:
        models_dir: the folder that `ml.weights.fetch` fills.
        wanted: a key of `MODELS`, the path of an ONNX file that was plugged in (also as "onnx:/path"), or the name
            that file got.

    Raises:
        WeightsUnavailable: there is no such model, or the file has not been plugged in.
    """
    name = model_name(onnx_path(wanted)) if is_onnx_path(wanted) else wanted
    model = MODELS.get(name) or _plugged_in(models_dir, name, wanted)
    path = thresholds_path(models_dir, name)
    try:
        return with_thresholds(model, json.loads(path.read_text()))
    except FileNotFoundError:
        return model
    except (ValueError, OSError) as error:
        raise WeightsUnavailable(f"{path} cannot be used: {error}.") from error


def _plugged_in(models_dir: Path, name: str, wanted: str) -> FaceModel:
    try:
        described = json.loads(description_path(models_dir, name).read_text())
        return make_plugged_in(name, **{key: described[key] for key in DESCRIBED})
    except FileNotFoundError:
        raise WeightsUnavailable(_unknown(models_dir, wanted)) from None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise WeightsUnavailable(
            f"The description of {name} in {models_dir} cannot be read ({error!r}); delete it and give manage.py "
            "change_model its ONNX file again."
        ) from error


def make_plugged_in(
    name: str, *, description: str, crop: Crop, side: int, dimensions: int, faces_at_once: int
) -> FaceModel:
    """A model from an ONNX file, with the thresholds of its kind.

    Raises:
        ValueError: crop is no `Crop`, side or faces_at_once not at least 1, or dimensions not from 1 to 512.
    """
    if crop not in get_args(Crop):
        raise ValueError(f"crop must be one of {', '.join(get_args(Crop))}, not {crop!r}")
    checked_count("side", side)
    checked_count("faces_at_once", faces_at_once)
    if checked_count("dimensions", dimensions) > MOST_DIMENSIONS:
        raise ValueError(f"dimensions must be at most {MOST_DIMENSIONS}, not {dimensions}")
    return FaceModel(
        name, description, crop, side, thresholds_for(ARCFACE), thresholds_for(ARCFACE, recentred=True),
        is_measured=False, dimensions=dimensions, faces_at_once=faces_at_once, is_plugged_in=True,
    )  # fmt: skip


def describe(models_dir: Path, model: FaceModel) -> None:
    """Write down what we know of a model that was plugged in."""
    with replacing(description_path(models_dir, model.name)) as temporary:
        temporary.write_text(json.dumps({key: asdict(model)[key] for key in DESCRIBED}, indent=1))


def plugged_in_names(models_dir: Path) -> list[str]:
    return sorted(path.name.removesuffix(".model.json") for path in models_dir.glob("*.model.json"))


def _unknown(models_dir: Path, wanted: str) -> str:
    if is_onnx_path(wanted):
        return f"{onnx_path(wanted)} is not in {models_dir} yet; run manage.py fetch_models."
    names = ", ".join([*MODELS, *plugged_in_names(models_dir)])
    return f"There is no face model called {wanted}; use one of {names}, or the path of an ONNX file."


def with_thresholds(model: FaceModel, distances: object) -> FaceModel:
    """The model with other distances. Recentred ones lie as far beyond them as they did before.

    Args:
        distances: a number for each of `DISTANCES`, by name.

    Raises:
        ValueError: something else.
    """
    if not isinstance(distances, dict) or set(distances) != set(DISTANCES):
        raise ValueError(f"thresholds must be an object of {', '.join(DISTANCES)}")
    numbers = {key: float(value) for key, value in distances.items() if isinstance(value, int | float)}
    if len(numbers) < len(DISTANCES) or not all(0 < value < 2 for value in numbers.values()):
        raise ValueError("thresholds must be cosine distances between 0 and 2")
    before, after = asdict(model.thresholds), asdict(model.recentred_thresholds)
    moved = {key: value + after[key] - before[key] for key, value in numbers.items()}
    return replace(
        model,
        thresholds=replace(model.thresholds, **numbers),
        recentred_thresholds=replace(model.recentred_thresholds, **moved),
        is_measured=True,
    )


def write_thresholds(models_dir: Path, model: FaceModel, distances: object) -> Path:
    """Write down distances that suit a model better than its own; `find_model` uses them from then on.

    Args:
        distances: as for `with_thresholds`.

    Returns:
        The file.

    Raises:
        ValueError: as for `with_thresholds`.
    """
    with_thresholds(model, distances)
    path = thresholds_path(models_dir, model.name)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(distances, indent=1))
    return path


# Files of the models folder


def description_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.model.json"


def projection_path(models_dir: Path, model: str) -> Path:
    return models_dir / f"{model}.projection.safetensors"


def thresholds_path(models_dir: Path, model: str) -> Path:
    """Where thresholds measured on one's own photos go: JSON with a number for each of `DISTANCES`."""
    return models_dir / f"{model}.thresholds.json"
