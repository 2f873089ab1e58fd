"""Which model faces are embedded with: the one in the environment, else the one somebody chose.

The choice is a file in Kith's home, which web and workers read whenever they need it: so all of them agree, also after
a restart, and a running worker notices a change.
"""

from django.conf import settings

from ml.checked_files import WeightsUnavailable
from ml.identification import thresholds_for
from ml.models import DEFAULT_MODEL, FaceModel, find_model
from photos.storage import write_whole


def wanted_face_model() -> str:
    """The model as it was asked for: a name, or the path of an ONNX file."""
    if settings.KITH_FACE_MODEL:
        return str(settings.KITH_FACE_MODEL)
    try:
        return settings.KITH_FACE_MODEL_FILE.read_text().strip() or DEFAULT_MODEL
    except FileNotFoundError:
        return DEFAULT_MODEL


def current_face_model() -> FaceModel:
    """The model to embed faces with. Raises ml.weights.WeightsUnavailable when it is unknown."""
    return find_model(settings.KITH_MODELS, wanted_face_model())


def choose_face_model(name: str) -> None:
    """Have faces embedded with this model from now on."""
    write_whole(settings.KITH_FACE_MODEL_FILE, f"{name}\n")


def suggestion_distance(model: str) -> float:
    """How far a suggestion goes with a model, which may be one of before, whose files are gone."""
    try:
        return find_model(settings.KITH_MODELS, model).limits().suggestion
    except WeightsUnavailable:
        return thresholds_for(DEFAULT_MODEL).suggestion
