"""The networks as torch modules with one common contract: pixels in, raw outputs out.

All were trained on (x - 127.5) / 128, so the scaling lives in the module and no caller can forget it. This module,
`ml.export`, and `ml.device` for a GPU are the only parts of the pipeline that import torch: a CPU worker that runs
OpenVINO never loads it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from facenet_pytorch import InceptionResnetV1, ONet, PNet, RNet
from torch import Tensor, nn
from torch.nn import functional

from ml.mtcnn import MEAN, SCALE


class PixelNetwork(nn.Module):
    """A face network that takes RGB pixels from 0 to 255, shape (n, height, width, 3)."""

    def __init__(self, network: nn.Module, *, scales_itself: bool) -> None:
        super().__init__()
        self.network = network
        self.scales_itself = scales_itself

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, ...]:
        planes = pixels.permute(0, 3, 1, 2)
        if not self.scales_itself:
            planes = (planes - MEAN) * SCALE
        outputs: Tensor | tuple[Tensor, ...] = self.network(planes)
        return outputs


class PNetFeatures(nn.Module):
    """P-Net up to its second convolution."""

    def __init__(self, network: PNet) -> None:
        super().__init__()
        self.layers = nn.Sequential(network.conv1, network.prelu1, network.pool1, network.conv2, network.prelu2)

    def forward(self, planes: Tensor) -> Tensor:
        features: Tensor = self.layers(planes)
        return features.permute(0, 2, 3, 1)


class PNetCoarse(nn.Module):
    """The rest of P-Net at every other window in both directions.

    The third convolution takes two thirds of P-Net's time, and most windows are far from being a face, as are those
    between them: `ml.detection` has it worked out (by `PNetWindow`) only where a neighbour is not so far.
    """

    def __init__(self, network: PNet) -> None:
        super().__init__()
        self.convolution, self.prelu, self.head = network.conv3, network.prelu3, PNetHead(network)

    def forward(self, features: Tensor) -> Tensor:
        planes = functional.conv2d(features, self.convolution.weight, self.convolution.bias, stride=2)
        answers: Tensor = self.head(self.prelu(planes))
        return answers.permute(0, 2, 3, 1)


class PNetWindow(nn.Module):
    """The rest of P-Net at single windows: from the 3 x 3 features around each."""

    def __init__(self, network: PNet) -> None:
        super().__init__()
        self.head = PNetHead(network)
        self.prelu = network.prelu3
        # As matrix products, for a convolution of one place is nothing else.
        weight = network.conv3.weight.detach().permute(0, 2, 3, 1).reshape(32, 144)
        self.weight, self.bias = nn.Parameter(weight), network.conv3.bias

    def forward(self, features: Tensor) -> Tensor:
        rows = functional.linear(features.permute(0, 2, 3, 1).reshape(-1, 144), self.weight, self.bias)
        return functional.linear(self.prelu(rows), self.head.weight.flatten(1), self.head.bias)


class PNetHead(nn.Module):
    """Both answers of P-Net in one: log-odds of a face (softmax of two is a sigmoid of their difference), offsets."""

    def __init__(self, network: PNet) -> None:
        super().__init__()
        weights, biases = network.conv4_1.weight.detach(), network.conv4_1.bias.detach()
        self.weight = nn.Parameter(torch.cat([weights[1:] - weights[:1], network.conv4_2.weight.detach()]))
        self.bias = nn.Parameter(torch.cat([biases[1:] - biases[:1], network.conv4_2.bias.detach()]))

    def forward(self, planes: Tensor) -> Tensor:
        answers: Tensor = functional.conv2d(planes, self.weight, self.bias)
        return answers


PNET_PARTS = {"pnet_features": PNetFeatures, "pnet_coarse": PNetCoarse, "pnet_window": PNetWindow}


def build_network(name: str, weights: Mapping[str, Tensor]) -> PixelNetwork:
    """Build one network in evaluation mode.

    Args:
        name: "pnet_features", "pnet_coarse", "pnet_window", "rnet", "onet" or "facenet".
        weights: its tensors by torch name; for MTCNN the three networks' tensors prefixed "pnet." and so on.

    Returns:
        Outputs by name: pnet_features (n,h,w,16); from these pnet_coarse, (n,h/2,w/2,5) log-odds and box offsets at
        every other place, and pnet_window, (n,5), the same from (n,3,3,16); rnet (n,4) offsets, (n,2) probabilities;
        onet (n,4), (n,10) landmarks as fractions (five x, then five y), (n,2); facenet (n,512) unit rows.

    Source: Zhang et al., Joint face detection and alignment using MTCNN, 2016; Schroff et al., FaceNet, 2015.
    """
    if name == "facenet":
        network: nn.Module = InceptionResnetV1(pretrained=None, classify=False)
        network.load_state_dict(dict(weights))
    else:
        stage = name.partition("_")[0]
        builders = {"pnet": PNet, "rnet": RNet, "onet": ONet}
        network = builders[stage](pretrained=False)
        prefix = f"{stage}."
        network.load_state_dict({key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)})
        assert isinstance(network.conv1, nn.Conv2d)
        _fold_scaling(network.conv1)
        if stage == "pnet":
            network = PNET_PARTS[name](network)
    wrapped = PixelNetwork(network, scales_itself=name != "facenet").eval()
    wrapped.requires_grad_(False)
    return wrapped


@torch.no_grad()
def _fold_scaling(convolution: nn.Conv2d) -> None:
    """Build the scaling of pixels into the first convolution, as `ml.mtcnn` does.

    Exact only because MTCNN's convolutions do not pad: padding would have to be black before, grey after.
    """
    assert convolution.bias is not None
    convolution.bias -= MEAN * SCALE * convolution.weight.sum(dim=(1, 2, 3))
    convolution.weight *= SCALE
