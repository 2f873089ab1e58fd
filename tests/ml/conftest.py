"""Fixtures for recognition."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ml.alignment import crop_for_embedding
from ml.detection import detect_faces
from ml.engine import Engine, OpenVinoEngine, TorchEngine
from ml.faces import FaceFinder, load_face_finder, open_upright
from tests.pictures import portraits


@pytest.fixture(scope="session")
def finder(models_dir: Path) -> FaceFinder:
    return load_face_finder(models_dir, device="cpu")


@pytest.fixture(scope="session", params=["OpenVINO", "torch"])
def engine(request: pytest.FixtureRequest, models_dir: Path) -> Engine:
    if request.param == "OpenVINO":
        return OpenVinoEngine(models_dir, "facenet-casia", "f32")
    return TorchEngine(models_dir, "facenet-casia", "cpu")


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A 512 x 512 portrait of Eileen Collins, in the public domain: one face."""
    return Image.fromarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def faces(models_dir: Path) -> np.ndarray:
    """Faces of two men cut from six photos, as the network takes them: shape (n, 160, 160, 3), float32."""
    engine = OpenVinoEngine(models_dir, "facenet-casia")
    images = [open_upright(path) for path in sorted(portraits().glob("*.jpg"))]
    found = [(image, detect_faces(image, engine)) for image in images]
    cut = [
        crop_for_embedding(image, box, landmarks)
        for image, faces in found
        for box, landmarks in zip(faces.boxes, faces.landmarks, strict=True)
    ]
    return np.stack(cut).astype(np.float32)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20260101)
