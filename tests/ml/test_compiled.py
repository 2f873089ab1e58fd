import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml.compiled import WRITERS, compiled

ROOT = Path(__file__).resolve().parents[2]


def test_a_loop_that_cannot_be_kept_is_compiled_all_the_same():
    namespace = {}
    exec("def twice(number):\n    return 2 * number", namespace)  # of no file, beside which it could be kept

    assert compiled("int64(int64)")(namespace["twice"])(21) == 42


def test_what_cannot_be_compiled_is_said():
    def wrong(number):
        return number.colour

    with pytest.raises(Exception, match="colour"):
        compiled("int64(int64)")(wrong)


def test_code_kept_is_loaded_again_and_damaged_code_is_replaced(tmp_path):
    shutil.copytree(ROOT / "ml", tmp_path / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    script = """
from ml.suppression import suppress_overlaps
import numpy as np
from ml import suppression
assert suppress_overlaps(np.array([[0, 0, 9, 9], [0, 0, 9, 8]], np.float32), np.array([.5, .6], np.float32), .5) == [1]
print(sum(suppression._suppress.stats.cache_hits.values()))
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}

    def hits():
        command = [sys.executable, "-c", script]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True).stdout

    assert hits().strip() == "0"
    assert hits().strip() == "1"
    for file in (tmp_path / "kept").rglob("*.nb*"):
        file.write_bytes(b"")
    assert hits().strip() == "0"
    assert hits().strip() == "1"


def test_code_kept_is_not_used_when_the_way_of_writing_it_has_changed(tmp_path):
    """numba only watches the file of the function itself."""
    shutil.copytree(ROOT / "ml", tmp_path / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    script = """
import numpy as np
from ml.convolution import convolve_rows, pack_layer
ones = np.ones((1, 1, 1, 3), np.float32)
print(convolve_rows(ones[0, 0], pack_layer(ones.reshape(1, 3, 1, 1), np.zeros(1, np.float32))).item())
"""

    def answer():
        command = [sys.executable, "-c", script]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    assert answer() == answer() == "3.0"
    written = tmp_path / "ml" / "vectors.py"
    written.write_text(written.read_text().replace("[factor, other, sum_]", "[sum_, sum_, sum_]"))
    assert answer() == "0.0"


def test_every_module_whose_machine_code_others_take_in_is_watched():
    """What one module writes into the loops of another, numba does not know of."""
    modules = {path.name: path.read_text() for path in (ROOT / "ml").glob("*.py")}
    taken = {
        f"{source}.py"
        for text in modules.values()
        for source, names in re.findall(r"^from ml\.(\w+) import (.*)$", text, re.MULTILINE)
        if source == "vectors" or ("write_" in names and "from ml.vectors import" in modules[f"{source}.py"])
    }

    assert taken == set(WRITERS)


def test_where_nothing_can_be_kept_loops_are_compiled_at_each_start(tmp_path):
    shutil.copytree(ROOT / "ml", tmp_path / "ml", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "ml" / "__pycache__").write_text("in the way")
    (tmp_path / "cache").write_text("in the way, too")
    script = """
from ml.suppression import suppress_overlaps
import numpy as np
print(suppress_overlaps(np.array([[0, 0, 9, 9]], np.float32), np.array([.5], np.float32), .5))
"""
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "HOME": str(tmp_path / "cache")}

    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )

    assert done.stdout.strip() == "[0]"
    assert "compiled at each start" in done.stderr
