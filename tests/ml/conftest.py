"""Fixtures for recognition."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from ml.engine import Engine, OpenVinoEngine, TorchEngine
from ml.faces import FaceFinder, load_face_finder


@pytest.fixture(scope="session")
def finder(models_dir: Path) -> FaceFinder:
    return load_face_finder(models_dir, device="cpu")


@pytest.fixture(scope="session", params=["OpenVINO", "torch"])
def engine(request: pytest.FixtureRequest, models_dir: Path) -> Engine:
    if request.param == "OpenVINO":
        return OpenVinoEngine(models_dir, "facenet-casia")
    return TorchEngine(models_dir, "facenet-casia", "cpu")


@pytest.fixture(scope="session")
def astronaut() -> Image.Image:
    """A 512 x 512 portrait of Eileen Collins, in the public domain: one face."""
    return Image.fromarray(skimage.data.astronaut())


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20260101)
