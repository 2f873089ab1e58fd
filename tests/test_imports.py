"""Imports point one way: config -> people -> photos -> accounts, and anyone may import ml."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "config": {"people", "photos", "accounts", "ml"},
    "people": {"photos", "accounts", "ml"},
    "photos": {"accounts", "ml"},
    "accounts": {"ml"},
    "ml": set(),
}
FRAMEWORKS = {"django", "celery", "redis", "psycopg", "pgvector", "environ"}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package):
    forbidden = MAY_IMPORT.keys() - MAY_IMPORT[package] - {package}
    wrong = [f"{path}: {name}" for path, name in imports_of(package) if name in forbidden]

    assert wrong == []


def test_ml_runs_without_any_framework():
    wrong = [f"{path}: {name}" for path, name in imports_of("ml") if name in FRAMEWORKS]

    assert wrong == []


def test_the_rule_sees_imports_inside_functions():
    tree = ast.parse("def f():\n    from people.models import Face\n    import photos.urls\n")

    assert set(top_level_names(tree)) == {"people", "photos"}


def imports_of(package: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for name in top_level_names(ast.parse(path.read_text())):
            yield path.relative_to(ROOT), name


def top_level_names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
