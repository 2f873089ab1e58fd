"""What is changed: one comparison, condition, number, argument of a query, return or call at a time."""

import ast
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

Half = Literal["mend", "measure"]
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}  # fmt: skip
QUERIES = {"filter", "exclude", "get", "update", "select_for_update"}
# Without these nothing that a test could see changes: words for people, and crash points that are off.
LONGEST = 200  # letters that say what was changed
UNSEEN = {"fault", "success", "debug", "info", "warning", "exception", "log"}


@dataclass(frozen=True)
class Mutant:
    """function: the qualified name of what is changed, without what is nested in it. what: before -> after.

    twin: how many changes of the function before it read the same.
    """

    function: str
    line: int
    last_line: int
    what: str
    twin: int
    tree: ast.Module

    def place(self, file: str) -> int:
        """A number that says nothing about the mutant, and stays when other lines of the file change."""
        return crc32(f"{file} {self.function} {self.what} {self.twin}".encode())

    def half(self, file: str) -> Half:
        """Tests are written by those of the one half; how strong tests are is measured by the other half."""
        return "measure" if self.place(file) % 2 else "mend"


def mutants_of(source: str) -> Iterator[Mutant]:
    """Every change of the functions and methods of a module, in order of line; decorators and defaults stay."""
    tree = ast.parse(source)
    for function, node in _functions(tree.body, ""):
        seen: Counter[str] = Counter()
        # The body's nodes in the order of a walk, which is the same in a copy.
        for number, inner in enumerate(_nodes(node.body)):
            for variant in range(_variants(inner)):
                copy = deepcopy(tree)
                [body] = [other.body for name, other in _functions(copy.body, "") if name == function]
                changed = _nodes(body)[number]
                before = _said(changed)
                after = _change(changed, variant)
                what = " ".join(f"{before} -> {after}".split())[:LONGEST]
                lines = getattr(inner, "lineno", node.lineno), getattr(inner, "end_lineno", node.lineno)
                yield Mutant(function, *lines, what, seen[what], copy)
                seen[what] += 1


def _nodes(body: list[ast.stmt]) -> list[ast.AST]:
    nodes = list(ast.walk(ast.Module(body, [])))
    # Python never looks at what kind of thing a variable of a function is said to be.
    said = {id(inner) for node in nodes if isinstance(node, ast.AnnAssign) for inner in ast.walk(node.annotation)}
    return [node for node in nodes if id(node) not in said]


def _functions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    seen: set[str] = set()
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef) and node.name not in seen:
            seen.add(node.name)
            yield f"{prefix}{node.name}", node


def _variants(node: ast.AST) -> int:
    """In how many ways a node can be changed."""
    match node:
        case ast.Compare(ops=[op]):
            return int(type(op) in COMPARISONS)
        case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return 1
        case ast.BinOp():
            return int(type(node.op) in SUMS)
        case ast.Constant(value=bool() | int()):
            return 1
        case ast.If(test=ast.Name() | ast.Attribute() | ast.Call()):
            return 1
        case ast.Return(value=ast.expr() as value):
            # None in place of False says the same to whoever asks whether it is so.
            return int(not (isinstance(value, ast.Constant) and (value.value is None or value.value is False)))
        case ast.Expr(value=ast.Call() as call):
            return int(_called(call) not in UNSEEN)
        case ast.Call() if _called(node) in QUERIES:
            return len(node.keywords)
    return 0


def _change(node: Any, variant: int) -> str:
    """Change a node in place, and say what it is now."""
    match node:
        case ast.Compare():
            node.ops = [COMPARISONS[type(node.ops[0])]()]
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
        case ast.BinOp():
            node.op = SUMS[type(node.op)]()
        case ast.Constant():
            node.value = not node.value if isinstance(node.value, bool) else node.value + 1
        case ast.If():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Return():
            node.value = ast.Constant(None)
        case ast.Expr():
            node.value = ast.Constant(None)
        case ast.Call():
            del node.keywords[variant]
    return _said(node)


def _said(node: Any) -> str:
    return ast.unparse(node.test if isinstance(node, ast.If) else node)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
