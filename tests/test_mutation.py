"""The tool that says how strong tests are."""

import ast
import sys
from subprocess import run

import pytest

from tests.services import ROOT
from tools.mutation.mutants import mutants_of


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("return a == b", ["return None", "a != b"]),
        ("a = b < 3", ["b <= 3", "4"]),
        ("a = b and not c", ["b or not c", "not not c"]),
        ("if a:\n        b = True", ["not a", "False"]),
        ("forget(a)", ["None"]),
        ("return rows.filter(owner=a, pk=b)", ["return None", "rows.filter(pk=b)", "rows.filter(owner=a)"]),
        ("a = Q(x=b) | Q(y=c)", ["Q(x=b) & Q(y=c)"]),
        ("logger.info('%s', a)\n    fault('step')", []),
        ("return None", []),
        ("return False", ["True"]),
        ("a: int | None = b", []),
    ],
)
def test_one_thing_is_changed_at_a_time(before, after):
    found = list(mutants_of(f"def act(a, b, c):\n    {before}\n"))

    assert [mutant.what.split(" -> ")[1] for mutant in found] == after
    assert all(
        ast.unparse(mutant.tree) != ast.unparse(ast.parse(f"def act(a, b, c):\n    {before}")) for mutant in found
    )


def test_methods_are_changed_but_not_what_is_outside_of_functions():
    source = "LIMIT = 3\nclass Box:\n    size = 1\n    def is_full(self, n=2):\n        return n > self.size\n"

    found = list(mutants_of(source))

    assert {mutant.function for mutant in found} == {"Box.is_full"}
    assert [mutant.line for mutant in found] == [5, 5]


def test_each_mutant_is_of_one_half_wherever_its_line_is():
    source = "def act(a, b):\n    c = a < 1 and b < 1\n    return c == 2 or a == 3 or b in (4, 5)\n"

    halves = [[mutant.half("a.py") for mutant in mutants_of(lines)] for lines in (source, f"import os\n\n\n{source}")]

    assert halves[0] == halves[1]
    assert set(halves[0]) == {"mend", "measure"}


def test_weak_tests_are_found_out(tmp_path):
    (tmp_path / "weighing.py").write_text(
        "def is_heavy(kilos):\n    return kilos > 5\n\n\ndef unused():\n    return 1\n"
    )
    test = tmp_path / "test_weighing.py"
    test.write_text("from weighing import is_heavy\n\ndef test_it():\n    assert is_heavy(9) and not is_heavy(1)\n")
    command = [sys.executable, "-m", "tools.mutation", str(tmp_path / "weighing.py"), "--tests", str(test)]

    said = run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)

    fates = {line.split(" -> ")[1] for line in said.stderr.splitlines() if " -> " in line}
    assert {
        "return None: killed",
        "kilos >= 5: survived",
        "6: survived",
        "return None: not covered",
        "2: not covered",
    } == fates
