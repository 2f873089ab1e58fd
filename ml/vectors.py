"""Machine code for vectors of numbers, where a compiler left to itself goes through an inner loop one by one.

def write_double(builder, numbers, count):
    code = VectorCode(builder, FLOAT, lanes=8)
    with cgutils.for_range_slice(builder, index(0), count, index(8), INDEX) as (place, _):
        vector = code.load(numbers, place)
        code.store(builder.fadd(vector, vector), numbers, place)

double = machine_code(write_double)  # to call in loops of `ml.compiled`, with an array and a whole number
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT, WHOLE = ir.FloatType(), ir.IntType(32)
INDEX = ir.IntType(64)

Value = Any  # of llvmlite, which has no types to check by
Builder = Any


def machine_code(write: Callable[..., None]) -> Callable[..., Any]:
    """A function, for compiled loops only, whose code is what `write` writes when it is compiled.

    Args:
        write: gets the builder and the arguments: of arrays a pointer to their first item, others as they are.
    """

    @intrinsic
    def written(typing: Any, *arguments: Any) -> Any:
        def generate(context: Any, builder: Builder, signature: Any, packed: Any) -> Value:
            values = []
            for number, kind in enumerate(signature.args[0].types):
                value = builder.extract_value(packed[0], number)
                is_array = isinstance(kind, types.Array)
                values.append(context.make_array(kind)(context, builder, value).data if is_array else value)
            write(builder, *values)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple(arguments)), generate

    return cast(Callable[..., Any], written)


def index(number: int) -> Value:
    """A whole number as it counts items of arrays."""
    return ir.Constant(INDEX, number)


def at(builder: Builder, pointer: Value, place: Value | int) -> Value:
    """The pointer so many items on."""
    return builder.gep(pointer, [index(place) if isinstance(place, int) else place])


class VectorCode:
    """Instructions for vectors of `lanes` numbers of one type, anywhere in memory."""

    def __init__(self, builder: Builder, number: ir.Type, lanes: int) -> None:
        self.type = ir.VectorType(number, lanes)
        self.zero = ir.Constant(self.type, [0] * lanes)
        self._builder = builder
        self._alignment = 4  # bytes: of one number

    def variable(self, value: Value) -> Value:
        """Room for a vector that changes; the compiler keeps it in a register."""
        variable = cgutils.alloca_once(self._builder, self.type)
        self._builder.store(value, variable)
        return variable

    def load(self, pointer: Value, index: Value | int) -> Value:
        loaded = self._builder.load(self._place(pointer, index))
        loaded.align = self._alignment
        return loaded

    def store(self, vector: Value, pointer: Value, index: Value | int) -> None:
        self._builder.store(vector, self._place(pointer, index)).align = self._alignment

    def spread(self, number: Value) -> Value:
        """A vector of the same number everywhere."""
        lanes = ir.Constant(ir.VectorType(WHOLE, self.type.count), [0] * self.type.count)
        one = self._builder.insert_element(ir.Constant(self.type, ir.Undefined), number, ir.Constant(WHOLE, 0))
        return self._builder.shuffle_vector(one, one, lanes)

    def multiply_add(self, factor: Value, other: Value, sum_: Value) -> Value:
        """factor * other + sum_, of floats; rounded once where the processor can do that."""
        name = f"llvm.fmuladd.v{self.type.count}f32"
        signature = ir.FunctionType(self.type, [self.type] * 3)
        return self._builder.call(
            cgutils.get_or_insert_function(self._builder.module, signature, name), [factor, other, sum_]
        )

    def sum(self, vector: Value) -> Value:
        """Of the floats of one vector, in any order."""
        name = f"llvm.vector.reduce.fadd.v{self.type.count}f32"
        signature = ir.FunctionType(FLOAT, [FLOAT, self.type])
        function = cgutils.get_or_insert_function(self._builder.module, signature, name)
        return self._builder.call(function, [ir.Constant(FLOAT, 0), vector], fastmath=("reassoc",))

    def _place(self, pointer: Value, index: Value | int) -> Value:
        return self._builder.bitcast(at(self._builder, pointer, index), self.type.as_pointer())
