"""Reads the constants of a frozen TensorFlow graph, without TensorFlow.

A frozen graph is one protobuf message, `GraphDef`, in which each weight is a node of kind `Const`. Of the wire format
we need three things only: variable-length integers, fixed-width numbers and length-prefixed bytes.

Source: https://protobuf.dev/programming-guides/encoding/ and tensorflow/core/framework/{graph,node_def,attr_value,
tensor,tensor_shape}.proto (the field numbers below).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

GRAPH_NODE = 1
NODE_NAME, NODE_OP, NODE_ATTRIBUTE = 1, 2, 5
ENTRY_KEY, ENTRY_VALUE = 1, 2
ATTRIBUTE_TENSOR = 8
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT, TENSOR_FLOATS = 1, 2, 4, 5
SHAPE_DIMENSION, DIMENSION_SIZE = 2, 1
TYPE_FLOAT = 1


class GraphError(ValueError):
    """The bytes are not a frozen graph we can read."""


def float_constants(graph: bytes) -> dict[str, NDArray[np.float32]]:
    """Return every float32 constant of a frozen graph by the name of its node.

    Args:
        graph: a serialised `GraphDef`.

    Returns:
        Node name -> array in TensorFlow's layout (convolutions HWIO, matrices in x out).

    Raises:
        GraphError: the bytes end early, are no protobuf, or a constant does not fill its shape.
    """
    constants = {}
    for field, node in _fields(memoryview(graph)):
        if field != GRAPH_NODE or not isinstance(node, memoryview):
            continue
        constant = _constant(node)
        if constant is not None:
            constants[constant[0]] = constant[1]
    return constants


def _constant(node: memoryview) -> tuple[str, NDArray[np.float32]] | None:
    """Name and value of a `Const` node of floats; None for any other node."""
    name, op, tensor = "", "", None
    for field, value in _fields(node):
        if not isinstance(value, memoryview):
            continue
        if field == NODE_NAME:
            name = str(value, "utf-8")
        elif field == NODE_OP:
            op = str(value, "utf-8")
        elif field == NODE_ATTRIBUTE:
            entry = dict(_fields(value))
            key = entry.get(ENTRY_KEY)
            if isinstance(key, memoryview) and bytes(key) == b"value":
                tensor = _tensor_of(entry.get(ENTRY_VALUE))
    return (name, tensor) if op == "Const" and tensor is not None else None


def _tensor_of(attribute: int | memoryview | None) -> NDArray[np.float32] | None:
    """The float tensor inside an `AttrValue`, or None if it holds anything else."""
    if not isinstance(attribute, memoryview):
        return None
    for field, value in _fields(attribute):
        if field == ATTRIBUTE_TENSOR and isinstance(value, memoryview):
            return _float_tensor(value)
    return None


def _float_tensor(tensor: memoryview) -> NDArray[np.float32] | None:
    shape: tuple[int, ...] = ()
    kind, content = 0, b""
    for field, value in _fields(tensor):
        if field == TENSOR_TYPE and isinstance(value, int):
            kind = value
        elif field == TENSOR_SHAPE and isinstance(value, memoryview):
            shape = _shape(value)
        elif field in (TENSOR_CONTENT, TENSOR_FLOATS) and isinstance(value, memoryview):
            content += bytes(value)
    if kind != TYPE_FLOAT:
        return None
    if len(content) % 4:
        raise GraphError("A tensor holds a number of bytes that is not a multiple of four.")
    numbers = np.frombuffer(content, dtype="<f4").astype(np.float32)
    size = int(np.prod(shape))
    if numbers.size == 1:  # TensorFlow writes a constant of equal values once
        return np.full(shape, numbers[0], dtype=np.float32)
    if numbers.size != size:
        raise GraphError(f"A tensor of shape {shape} holds {numbers.size} numbers.")
    return numbers.reshape(shape)


def _shape(message: memoryview) -> tuple[int, ...]:
    sizes = []
    for field, dimension in _fields(message):
        if field == SHAPE_DIMENSION and isinstance(dimension, memoryview):
            size = dict(_fields(dimension)).get(DIMENSION_SIZE, 0)
            sizes.append(size if isinstance(size, int) else 0)
    return tuple(sizes)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Walk one protobuf message: (field number, integer or bytes), in file order.

    Single floats that are not packed come as their four bytes, so that `float_val` reads alike in both spellings.
    """
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        field, wire = key >> 3, key & 7
        if wire == VARINT:
            number, position = _varint(message, position)
            yield field, number
            continue
        if wire == BYTES:
            length, position = _varint(message, position)
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
        else:
            raise GraphError(f"Wire type {wire} does not occur in a frozen graph.")
        if position + length > len(message):
            raise GraphError("The graph ends in the middle of a field.")
        yield field, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    """Decode the integer at a position; returns it and the position after it."""
    number = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
    raise GraphError("The graph ends in the middle of a number.")
