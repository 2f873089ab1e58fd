import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.networks import build_network
from ml.pnet import TILE, PNetFeatures
from ml.weights import load_arrays, load_weights

MODEL = "facenet-casia"


@pytest.fixture(scope="module")
def features(models_dir):
    return PNetFeatures(load_arrays(models_dir, "pnet_features", MODEL))


@pytest.fixture(scope="module")
def reference(models_dir):
    return build_network("pnet_features", load_weights(models_dir, "pnet_features", MODEL))


@given(st.integers(12, 40), st.one_of(st.integers(12, 40), st.integers(2 * TILE - 10, 2 * TILE + 30)))
@settings(max_examples=60, deadline=None)
def test_features_of_any_size_are_those_of_the_torch_network(features, reference, height, width):
    pixels = np.random.default_rng(height * 1000 + width).uniform(0, 255, (1, height, width, 3)).astype(np.float32)

    found = features(pixels)

    expected = reference(torch.from_numpy(pixels)).numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("shape", [(1, 11, 20, 3), (1, 20, 11, 3), (2, 20, 20, 3), (1, 20, 20, 4), (20, 20, 3), (0,)])
def test_pixels_of_another_shape_are_refused(features, shape):
    with pytest.raises(ValueError, match="pixels"):
        features(np.zeros(shape, dtype=np.float32))
