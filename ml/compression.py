"""FaceNet with less to compute: what can be folded is folded, and the residual blocks' last convolutions factorised.

Needs nothing but the weights.
"""

from __future__ import annotations

import torch
from facenet_pytorch import InceptionResnetV1
from facenet_pytorch.models.inception_resnet_v1 import BasicConv2d
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

# Training left these 256 -> 896 convolutions (147 of the network's 1,417 million multiplications) nearly of this rank:
# the embeddings keep a cosine above 0.9999 to the uncut network's (docs/decisions/0010). No other layer is like that.
BLOCKS, RANK = "repeat_2", 48


@torch.no_grad()
def compress(network: InceptionResnetV1) -> None:
    """Fold batch norms and residual scales into the convolutions, and factorise those of `BLOCKS`; in place.

    Args:
        network: in evaluation mode.

    Raises:
        ValueError: it is not.

    Source: Denton et al., Exploiting linear structure within convolutional networks, NIPS 2014.
    """
    if network.training:
        raise ValueError("network must be in evaluation mode")
    for module in network.modules():
        if isinstance(module, BasicConv2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.bn)
            module.bn = nn.Identity()
        elif hasattr(module, "scale"):
            module.conv2d.weight *= module.scale
            module.conv2d.bias *= module.scale
            module.scale = 1.0
    for block in getattr(network, BLOCKS):
        block.conv2d = factorised(block.conv2d, RANK)


@torch.no_grad()
def factorised(convolution: nn.Conv2d, rank: int) -> nn.Sequential:
    """Two 1x1 convolutions with `rank` channels between them that come nearest to this one.

    Raises:
        ValueError: the convolution is not 1x1, or has no such rank.
    """
    outputs, inputs, *kernel = convolution.weight.shape
    if kernel != [1, 1]:
        raise ValueError(f"convolution must be 1x1, not {kernel[0]}x{kernel[1]}")
    if not 1 <= rank <= min(inputs, outputs):
        raise ValueError(f"rank must be from 1 to {min(inputs, outputs)}, not {rank}")
    left, values, right = torch.linalg.svd(convolution.weight[:, :, 0, 0].double(), full_matrices=False)
    roots = values[:rank].sqrt()
    down = nn.Conv2d(inputs, rank, 1, bias=False)
    down.weight.copy_((roots[:, None] * right[:rank])[:, :, None, None])
    up = nn.Conv2d(rank, outputs, 1)
    assert up.bias is not None
    up.weight.copy_((left[:, :rank] * roots)[:, :, None, None])
    up.bias.copy_(convolution.bias if convolution.bias is not None else torch.zeros(outputs))
    return nn.Sequential(down, up)
