import numpy as np
import pytest
import torch
from torch import nn

from ml.compression import compress, factorised
from ml.networks import build_network
from ml.weights import load_weights


@pytest.fixture(scope="module")
def weights(models_dir):
    return load_weights(models_dir, "facenet", "facenet-casia")


def test_the_compressed_network_embeds_as_the_whole_one_does(weights, faces):
    whole, compressed = build_network("facenet", weights), build_network("facenet", weights)
    compress(compressed.network)

    pixels = torch.from_numpy(faces)

    assert (whole(pixels) * compressed(pixels)).sum(dim=1).min() > 0.9999


def test_compression_takes_weights_away(weights):
    network = build_network("facenet", weights).network
    before = sum(parameter.numel() for parameter in network.parameters())

    compress(network)

    assert sum(parameter.numel() for parameter in network.parameters()) < before - 1_700_000


def test_a_convolution_of_low_rank_is_factorised_exactly(random):
    convolution = nn.Conv2d(40, 30, 1).requires_grad_(False)
    matrix = random.normal(size=(30, 5)) @ random.normal(size=(5, 40))
    convolution.weight.copy_(torch.from_numpy(matrix.astype(np.float32))[:, :, None, None])
    pixels = torch.from_numpy(random.normal(size=(2, 40, 3, 4)).astype(np.float32))

    assert torch.allclose(factorised(convolution, 5)(pixels), convolution(pixels), atol=1e-3)
    assert not torch.allclose(factorised(convolution, 4)(pixels), convolution(pixels), atol=1e-1)


def test_a_convolution_without_bias_is_factorised_without_one():
    convolution = nn.Conv2d(6, 4, 1, bias=False).requires_grad_(False)

    assert torch.allclose(factorised(convolution, 4)(torch.zeros(1, 6, 1, 1)), torch.zeros(1, 4, 1, 1))


@pytest.mark.parametrize("rank", [0, 5])
def test_a_rank_that_cannot_be_is_refused(rank):
    with pytest.raises(ValueError, match="rank must be from 1 to 4"):
        factorised(nn.Conv2d(6, 4, 1), rank)


def test_only_one_by_one_convolutions_are_factorised():
    with pytest.raises(ValueError, match="convolution must be 1x1, not 3x3"):
        factorised(nn.Conv2d(6, 4, 3), 2)
