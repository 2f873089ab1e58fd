"""The networks that can be trained."""

import numpy as np
import pytest
import torch
from torch import nn

from ml.networks import build_network
from ml.training.backbones import build_embedder, choose_trained
from ml.training.errors import CannotTrain
from ml.weights import load_weights

CASIA = "facenet-casia"


@pytest.fixture(scope="module")
def casia(models_dir):
    return load_weights(models_dir, "facenet", CASIA)


@pytest.mark.parametrize(
    ("backbone", "side", "dim"), [("small", 40, 32), ("small", 160, 128), ("inception-resnet-v1", 80, 64)]
)
def test_rows_are_of_unit_length_and_of_the_size_asked_for(backbone, side, dim):
    embedder = build_embedder(backbone, dim=dim, side=side).eval()
    pixels = torch.randint(0, 256, (3, side, side, 3))

    with torch.no_grad():
        rows = embedder(pixels)

    assert rows.shape == (3, dim)
    assert torch.allclose(rows.norm(dim=1), torch.ones(3), atol=1e-5)


def test_larger_faces_are_reduced_as_they_were_for_training():
    embedder = build_embedder("small", dim=16, side=40).eval()
    large = torch.randint(0, 256, (2, 160, 160, 3)).float()
    small = large.reshape(2, 40, 4, 40, 4, 3).mean(dim=(2, 4))

    with torch.no_grad():
        assert torch.allclose(embedder(large), embedder(small), atol=1e-5)


def test_a_pretrained_network_starts_as_it_recognises_and_as_its_own_projection_with_fewer_dimensions(casia, faces):
    """128 of 512 directions keep what tells faces apart: distances stay nearly as they are."""
    pixels = torch.from_numpy(faces)

    with torch.no_grad():
        expected = build_network("facenet", casia)(pixels)
        wide, narrow = (
            build_embedder("inception-resnet-v1", dim=dim, pretrained=casia).eval()(pixels) for dim in (512, 128)
        )

    assert torch.allclose(wide, expected, atol=1e-5)
    above = np.triu_indices(len(faces), k=1)
    assert np.corrcoef((wide @ wide.T).numpy()[above], (narrow @ narrow.T).numpy()[above])[0, 1] > 0.99


def test_only_the_last_block_learns_and_no_statistic_moves(casia):
    embedder = build_embedder("inception-resnet-v1", dim=128, pretrained=casia)
    before = {name: tensor.clone() for name, tensor in embedder.network.state_dict().items()}
    optimiser = torch.optim.SGD(choose_trained(embedder, "last-block"), lr=0.1)
    embedder.train()

    embedder(torch.randint(0, 256, (2, 160, 160, 3)))[:, 0].sum().backward()
    optimiser.step()

    moved = {name for name, tensor in embedder.network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert moved
    assert {name.split(".")[0] for name in moved} == {"block8", "last_linear", "last_bn"}
    assert not any("running" in name for name in moved)


def test_all_of_a_small_network_learns():
    embedder = build_embedder("small", dim=8, side=40)

    assert len(choose_trained(embedder, "all")) == len(list(embedder.parameters()))
    assert any(part.training for part in embedder.train().modules() if isinstance(part, nn.BatchNorm2d))
    with pytest.raises(CannotTrain, match="Only inception-resnet-v1 has a last block"):
        choose_trained(embedder, "last-block")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dim": 600}, "An embedding has at most 512 dimensions"),
        ({"backbone": "vgg"}, "There is no backbone vgg; use inception-resnet-v1 or small"),
        ({"side": 40}, "takes faces of 80 or 160 pixels a side, not 40"),
        ({"side": 100}, "takes faces of 80 or 160 pixels a side, not 100"),
        ({"backbone": "small", "pretrained": {}}, "Pretrained weights are those of inception-resnet-v1"),
    ],
)
def test_what_cannot_be_built_is_said(options, words):
    with pytest.raises(CannotTrain, match=words):
        build_embedder(**{"backbone": "inception-resnet-v1", "dim": 128, **options})
