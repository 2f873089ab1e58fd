"""Small real ONNX models of faces: 112 x 112 pixels in, an embedding out."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BLOCK = 14  # pixels; the network sees the mean of each block, 8 x 8 of them


def write_onnx(
    path: Path,
    *,
    dimensions: int = 64,
    batch: int | str = "n",
    layout: str = "NCHW",
    side: int = 112,
    seed: int = 0,
    flatten_to_batch: int = 0,
    two_outputs: bool = False,
    mixes_faces: bool = False,
) -> Path:
    """Write a network that averages blocks of pixels and mixes the means: linear, so one can follow what it did.

    flatten_to_batch: where not 0, the number of faces is fixed inside the network, as some exporters do it.
    mixes_faces: what comes out for a face depends on the others of its batch: it is only good for one at a time.
    """
    random = np.random.default_rng(seed)
    blocks = 3 * (side // BLOCK) ** 2
    weights = random.standard_normal((blocks, dimensions)).astype(np.float32)
    shape = [batch, 3, side, side] if layout == "NCHW" else [batch, side, side, 3]
    nodes = [] if layout == "NCHW" else [helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2])]
    planes = "pixels" if layout == "NCHW" else "planes"
    nodes += [
        helper.make_node("AveragePool", [planes], ["means"], kernel_shape=[BLOCK] * 2, strides=[BLOCK] * 2),
        helper.make_node("Reshape", ["means", "flat"], ["row"]),
        helper.make_node("MatMul", ["row", "weights"], ["embedding"]),
    ]
    if mixes_faces:
        nodes[-1] = helper.make_node("MatMul", ["row", "weights"], ["own"])
        nodes.append(helper.make_node("ReduceMean", ["own"], ["mean"], axes=[0], keepdims=1))
        nodes.append(helper.make_node("Add", ["own", "mean"], ["embedding"]))
    constants = [
        numpy_helper.from_array(weights, "weights"),
        numpy_helper.from_array(np.array([flatten_to_batch or -1, blocks], dtype=np.int64), "flat"),
    ]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, dimensions])]
    if two_outputs:
        nodes.append(helper.make_node("Neg", ["embedding"], ["other"]))
        outputs.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [batch, dimensions]))
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "face", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
