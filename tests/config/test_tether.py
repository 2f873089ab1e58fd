"""The tether: a program ends with the process that started it."""

import shutil
import subprocess
import sys
import time

import psutil
import pytest

from config.embedded import tether

pytestmark = pytest.mark.timeout(60)

# Starts `sleep` on a tether and waits to be killed.
STARTER = """
import os, subprocess, sys
sleeper = subprocess.Popen([sys.executable, "-c", {tethered!r}, str(os.getpid())])
print(sleeper.pid, flush=True)
input()
"""
TETHERED = """
import runpy, sys
sys.platform = {platform!r}
sys.argv = ["tether", "--parent", sys.argv[1], "--signal", "15", "--", {program!r}, "60"]
runpy.run_path({tether!r}, run_name="__main__")
"""


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_program_on_a_tether_ends_with_its_starter(platform):
    if platform == "linux" and sys.platform != "linux":
        pytest.skip("only Linux has the signal")
    tethered = TETHERED.format(platform=platform, program=shutil.which("sleep"), tether=tether.__file__)
    command = [sys.executable, "-c", STARTER.format(tethered=tethered)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        sleeper = psutil.Process(int(starter.stdout.readline()))
        while sleeper.name() != "sleep":
            time.sleep(0.05)

        starter.kill()
        starter.wait()

        sleeper.wait(10)


def test_a_program_whose_starter_is_gone_already_does_not_start():
    nobody = 2**22 + 1  # above the largest number of a process

    ended = subprocess.run([sys.executable, tether.__file__, f"--parent={nobody}", "--signal=15", "--", "/bin/true"])

    assert ended.returncode == 1
