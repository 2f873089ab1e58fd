"""Weights are data: nothing that Kith reads from a file may run as a program."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ml", "photos", "people", "accounts", "config")
UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_loaded_that_could_run_code(package):
    found = [
        f"{path.relative_to(ROOT)}: {what}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for what in unsafe_loads(ast.parse(path.read_text()))
    ]

    assert found == []


@pytest.mark.parametrize(
    ("source", "is_safe"),
    [
        ("torch.load(path, weights_only=True)", True),
        ("torch.load(path)", False),
        ("torch.load(path, weights_only=False)", False),
        ("torch.load(path, weights_only=wanted)", False),
        ("from torch import load", False),
        ("import pickle", False),
        ("from joblib import load", False),
        ("np.load(path)", True),
        ("np.load(path, allow_pickle=True)", False),
        ("json.load(file)", True),
    ],
)
def test_the_rule_knows_safe_from_unsafe(source, is_safe):
    assert (list(unsafe_loads(ast.parse(source))) == []) == is_safe


def test_networks_and_torch_are_not_loaded_before_there_is_work():
    """A web process, which imports all tasks, holds neither."""
    script = (
        "import django; django.setup(); import config.celery, people.tasks, config.urls, sys;"
        "print([name for name in ('torch', 'openvino', 'numba', 'sklearn', 'facenet_pytorch') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)

    assert loaded.stdout.strip() == "[]"


def test_networks_are_loaded_once_per_process(models_dir):
    from ml.faces import load_face_finder

    assert load_face_finder(models_dir, device="cpu") is load_face_finder(models_dir, device="cpu")


def unsafe_loads(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in UNSAFE_MODULES)
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").split(".")[0]
            if module in UNSAFE_MODULES or (module == "torch" and any(alias.name == "load" for alias in node.names)):
                yield f"from {node.module} import ..."
        elif isinstance(node, ast.Call):
            yield from unsafe_call(node)


def unsafe_call(call: ast.Call) -> Iterator[str]:
    called = ast.unparse(call.func)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if called == "torch.load" and not is_true(given.get("weights_only")):
        yield f"{called} on line {call.lineno} without weights_only=True"
    if "allow_pickle" in given and (not isinstance(given["allow_pickle"], ast.Constant) or given["allow_pickle"].value):
        yield f"{called} on line {call.lineno} allows pickles"


def is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True
