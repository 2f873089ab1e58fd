"""Nothing is reported to anybody."""

import os
import subprocess
import sys
from pathlib import Path

CONVERT = """
import torch
from ml.quiet_openvino import openvino
openvino.convert_model(torch.nn.Linear(2, 2), example_input=torch.zeros(1, 2))
"""


def test_converting_a_network_leaves_no_trace_of_telemetry(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "CI"} | {"HOME": str(tmp_path)}

    subprocess.run([sys.executable, "-c", CONVERT], env=environment, check=True, cwd=Path(__file__).parents[2])

    assert not (tmp_path / "intel").exists()
