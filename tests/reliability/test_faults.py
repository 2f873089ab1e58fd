"""Kith is killed, ended, poisoned and hurt at random; the long forms are `make crash-points recovery soak`."""

import subprocess
import sys

import pytest

from tests.services import ROOT


@pytest.mark.timeout(1200)
def test_kith_comes_back_by_itself_and_loses_and_doubles_nothing(models_dir):
    run = subprocess.run(
        [sys.executable, "-m", "tools.faults"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    print(run.stdout)
    assert run.returncode == 0
