"""What `make check` checks: a run of the tests finds a slip in style, types, templates or migrations, too."""

import subprocess

from tests.services import ROOT


def test_the_checks_pass():
    checked = subprocess.run(["make", "check"], cwd=ROOT, capture_output=True, text=True)

    assert checked.returncode == 0, checked.stdout + checked.stderr
