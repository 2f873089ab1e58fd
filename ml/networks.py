"""The four networks as torch modules with one common contract: pixels in, raw outputs out.

All four were trained on (x - 127.5) / 128, so the scaling lives in the module and no caller can forget it. This module,
`ml.export`, and `ml.device` for a GPU are the only parts of the pipeline that import torch: a CPU worker that runs
OpenVINO never loads it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from facenet_pytorch import InceptionResnetV1, ONet, PNet, RNet
from torch import Tensor, nn

MEAN, SCALE = 127.5, 1 / 128


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


def build_network(name: str, weights: Mapping[str, Tensor]) -> PixelNetwork:
    """Build one network in evaluation mode.

    Args:
        name: "pnet", "rnet", "onet" or "facenet".
        weights: its tensors by torch name; for MTCNN the three networks' tensors prefixed "pnet." and so on.

    Returns:
        Outputs by name: pnet (n,4,h,w) box offsets, (n,2,h,w) probabilities; rnet (n,4), (n,2); onet (n,4), (n,10)
        landmarks as fractions (five x, then five y), (n,2); facenet (n,512) unit rows.

    Source: Zhang et al., Joint face detection and alignment using MTCNN, 2016; Schroff et al., FaceNet, 2015.
    """
    if name == "facenet":
        network: nn.Module = InceptionResnetV1(pretrained=None, classify=False)
        network.load_state_dict(dict(weights))
    else:
        builders = {"pnet": PNet, "rnet": RNet, "onet": ONet}
        network = builders[name](pretrained=False)
        prefix = f"{name}."
        network.load_state_dict({key.removeprefix(prefix): w for key, w in weights.items() if key.startswith(prefix)})
        assert isinstance(network.conv1, nn.Conv2d)
        _fold_scaling(network.conv1)
    wrapped = PixelNetwork(network, scales_itself=name != "facenet").eval()
    wrapped.requires_grad_(False)
    return wrapped


@torch.no_grad()
def _fold_scaling(convolution: nn.Conv2d) -> None:
    """Build the scaling of pixels into the first convolution, which saves a seventh of P-Net's time.

    Exact only because MTCNN's convolutions do not pad: padding would have to be black before, grey after.
    """
    assert convolution.bias is not None
    convolution.bias -= MEAN * SCALE * convolution.weight.sum(dim=(1, 2, 3))
    convolution.weight *= SCALE
