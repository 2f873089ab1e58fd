"""Three users whose acts are killed; the long form is `make three-users`."""

import json
import subprocess
import sys

from tests.services import ROOT

STEPS = 25


def test_acts_that_are_killed_change_no_other_library_and_leave_nothing_half_done(tmp_path):
    written = tmp_path / "result.json"
    command = [sys.executable, "-m", "tools.three_users", "--steps", str(STEPS), "--seed", "5", "--json", str(written)]

    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)

    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(written.read_text())
    assert (result["steps"], result["problems"]) == (STEPS, [])
    assert result["killed"] > 0
