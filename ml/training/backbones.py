"""The networks that can be trained: pixels in, unit rows out.

All take RGB pixels from 0 to 255 and scale them themselves, as those that recognise do (`ml.networks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from facenet_pytorch import InceptionResnetV1
from torch import Tensor, nn
from torch.nn import functional

from ml.alignment import FACE_SIDE
from ml.arguments import checked_count
from ml.mtcnn import MEAN, SCALE
from ml.projection import EMBEDDING_SIZE
from ml.training.errors import CannotTrain

Backbone = Literal["inception-resnet-v1", "small"]
Part = Literal["all", "last-block"]

INCEPTION: Backbone = "inception-resnet-v1"
SMALL: Backbone = "small"
# Each halved some times gives the 5 x 5 that the small network ends in; and 160 is a multiple of each.
SIDES = (40, 80, 160)
LEAST_SIDE = {INCEPTION: 80, SMALL: 40}
LAST_PIXELS = 5
CHANNELS = (32, 64, 128, 128, 128)  # of the small network's stages
DROPOUT = 0.2  # as davidsandberg/facenet trains it
LAST_BLOCK = ("block8.", "last_linear.", "last_bn.")  # of InceptionResnetV1, by torch's names


class Embedder(nn.Module):
    """A network with its preprocessing: pixels of shape (n, side, side, 3), from 0 to 255, to unit rows (n, dim).

    Pixels of twice or four times the side, such as Kith cuts faces out at, are reduced by averaging. keeps_statistics:
    whether batch norms stay as they are while it is trained, as those of a network must that was trained before.
    """

    def __init__(self, network: nn.Module, *, side: int, dim: int, keeps_statistics: bool) -> None:
        super().__init__()
        self.network, self.side, self.dim, self.keeps_statistics = network, side, dim, keeps_statistics

    def forward(self, pixels: Tensor) -> Tensor:
        planes = pixels.permute(0, 3, 1, 2).float()
        if planes.shape[-1] != self.side:
            planes = functional.avg_pool2d(planes, planes.shape[-1] // self.side)
        rows: Tensor = self.network((planes - MEAN) * SCALE)
        return functional.normalize(rows.float(), dim=1)

    def train(self, mode: bool = True) -> Embedder:
        super().train(mode)
        if self.keeps_statistics:
            for part in self.modules():
                if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                    part.eval()
        return self


class SmallNetwork(nn.Sequential):
    """Convolutions of 3 x 3 that halve the picture until 5 x 5 are left, and a linear layer: trains on a CPU.

    503,000 weights at 40 pixels and 128 dimensions.
    """

    def __init__(self, side: int, dim: int) -> None:
        parts: list[nn.Module] = []
        before, left = 3, side
        for channels in CHANNELS[: (side // LAST_PIXELS).bit_length() - 1]:
            convolution = nn.Conv2d(before, channels, 3, padding=1, bias=False)
            parts += [convolution, nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2)]
            before, left = channels, left // 2
        parts += [nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(before * left * left, dim, bias=False)]
        super().__init__(*parts, nn.BatchNorm1d(dim))


def build_embedder(
    backbone: Backbone, *, dim: int, side: int = FACE_SIDE, pretrained: Mapping[str, Tensor] | None = None
) -> Embedder:
    """Build a network to train; its random weights come from torch's global generator.

    Args:
        backbone: "inception-resnet-v1", or "small" for what a CPU trains in minutes.
        dim: of the embedding, 1 to 512.
        side: of the faces in pixels, one of `SIDES`; "inception-resnet-v1" needs 80.
        pretrained: weights of InceptionResnetV1 with 512 dimensions to start from. With fewer dimensions it starts as
            their projection on the directions that its last layer uses most.

    Raises:
        CannotTrain: the network has no such side or size, or pretrained weights do not fit it.
    """
    if checked_count("dim", dim) > EMBEDDING_SIZE:
        raise CannotTrain(f"An embedding has at most {EMBEDDING_SIZE} dimensions in Kith, not {dim}.")
    if backbone not in LEAST_SIDE:
        raise CannotTrain(f"There is no backbone {backbone}; use {' or '.join(LEAST_SIDE)}.")
    if side not in SIDES or side < LEAST_SIDE[backbone]:
        fitting = [str(one) for one in SIDES if one >= LEAST_SIDE[backbone]]
        raise CannotTrain(f"The network {backbone} takes faces of {' or '.join(fitting)} pixels a side, not {side}.")
    if pretrained is not None:
        if (backbone, side) != (INCEPTION, FACE_SIDE):
            raise CannotTrain(f"Pretrained weights are those of {INCEPTION} for faces of {FACE_SIDE} pixels a side.")
        return Embedder(_pretrained(pretrained, dim), side=side, dim=dim, keeps_statistics=True)
    if backbone == SMALL:
        return Embedder(SmallNetwork(side, dim), side=side, dim=dim, keeps_statistics=False)
    network = InceptionResnetV1(pretrained=None, classify=False, dropout_prob=DROPOUT)
    _replace_head(network, dim)
    return Embedder(network, side=side, dim=dim, keeps_statistics=False)


def choose_trained(embedder: Embedder, part: Part) -> list[nn.Parameter]:
    """Let only one part of a network learn, and return its weights: everything, or Inception's last block.

    The last block is its last residual block with the linear layer and batch norm after it, a twelfth of all weights.

    Raises:
        CannotTrain: the network has no such block.
    """
    chosen = []
    for name, weights in embedder.network.named_parameters():
        weights.requires_grad_(part == "all" or name.startswith(LAST_BLOCK))
        if weights.requires_grad:
            chosen.append(weights)
    if part == "last-block" and not isinstance(embedder.network, InceptionResnetV1):
        raise CannotTrain(f"Only {INCEPTION} has a last block to train; train all of the network.")
    return chosen


def _replace_head(network: InceptionResnetV1, dim: int) -> None:
    network.last_linear = nn.Linear(network.last_linear.in_features, dim, bias=False)
    network.last_bn = nn.BatchNorm1d(dim, eps=network.last_bn.eps)


@torch.no_grad()
def _pretrained(weights: Mapping[str, Tensor], dim: int) -> InceptionResnetV1:
    network = InceptionResnetV1(pretrained=None, classify=False, dropout_prob=0.0)
    network.load_state_dict(dict(weights))
    if dim == EMBEDDING_SIZE:
        return network
    # The last batch norm is a scaling and a shift here: with the linear layer before it, one matrix and one row.
    norm = network.last_bn
    scale = (norm.weight / (norm.running_var + norm.eps).sqrt()).double()
    shift = norm.bias.double() - norm.running_mean.double() * scale
    matrix = scale[:, None] * network.last_linear.weight.double()
    # Its left singular vectors, the greatest last: a twentieth of the time of a singular value decomposition.
    directions = torch.linalg.eigh(matrix @ matrix.T)[1][:, -dim:].T  # shape (dim, 512)
    _replace_head(network, dim)
    network.last_linear.weight.copy_(directions @ matrix)
    network.last_bn.bias.copy_(directions @ shift)
    network.last_bn.running_var.fill_(1 - network.last_bn.eps)
    return network
