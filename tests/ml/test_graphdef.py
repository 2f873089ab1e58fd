import numpy as np
import pytest

from ml.conversion import facenet_from_graph
from ml.graphdef import GraphError, float_constants


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def constant(name: str, shape: tuple[int, ...], content: bytes, *, kind: int = 1, op: str = "Const") -> bytes:
    """A GraphDef with one node; messages joined end to end are one longer list of nodes."""
    sizes = b"".join(block(2, number(1, size)) for size in shape)
    tensor = number(1, kind) + block(2, sizes) + content
    value = block(1, b"value") + block(2, block(8, tensor))
    kind_entry = block(1, b"dtype") + block(2, number(6, 1))
    return block(1, block(1, name.encode()) + block(2, op.encode()) + block(5, kind_entry) + block(5, value))


def test_constants_are_read_with_their_names_and_shapes():
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    graph = constant("a/weights", (2, 3), block(4, values.tobytes())) + constant("b", (), block(4, b"\0\0\x80\x3f"))

    constants = float_constants(graph)

    assert constants["a/weights"].tolist() == values.tolist()
    assert constants["b"] == 1.0
    assert constants["b"].shape == ()


def test_a_constant_of_equal_values_is_written_once():
    one = np.array([2.5], dtype="<f4").tobytes()

    assert float_constants(constant("x", (2, 2), block(5, one)))["x"].tolist() == [[2.5, 2.5], [2.5, 2.5]]


def test_a_single_float_may_be_written_unpacked():
    one = varint(5 << 3 | 5) + np.array([0.25], dtype="<f4").tobytes()

    assert float_constants(constant("x", (3,), one))["x"].tolist() == [0.25] * 3


def test_other_nodes_and_other_types_are_passed_over():
    graph = constant("add", (1,), block(4, b"\0" * 4), op="Add") + constant("shape", (1,), block(4, b"\0" * 4), kind=3)

    assert float_constants(graph) == {}


def test_an_empty_graph_has_no_constants():
    assert float_constants(b"") == {}


@pytest.mark.parametrize("end", [1, 5, 20, -1])
def test_a_graph_cut_short_is_refused(end):
    graph = constant("weights", (4,), block(4, b"\0" * 16))

    with pytest.raises(GraphError):
        float_constants(graph[:end])


def test_a_constant_that_does_not_fill_its_shape_is_refused():
    with pytest.raises(GraphError, match=r"shape \(3,\) holds 2"):
        float_constants(constant("x", (3,), block(4, b"\0" * 8)))


def test_bytes_that_are_no_protobuf_are_refused():
    with pytest.raises(GraphError):
        float_constants(b"\xff" * 64)


def test_another_network_cannot_be_converted():
    with pytest.raises(ValueError, match="constants"):
        facenet_from_graph({"MobileNet/weights": np.zeros(1, dtype=np.float32)})
