"""A training that kills itself, with SIGKILL, in the middle of an epoch: run by test_trainer.

python -m tests.ml.training.killed FOLDER STEP
"""

import os
import signal
import sys
from pathlib import Path

import torch

from ml.training.trainer import Progress, TrainingHistory
from tests.ml.training.training import train_drawn


def train_until(folder: Path, step: int) -> TrainingHistory:
    def report(progress: Progress) -> None:
        if progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    return train_drawn(folder, report=report)[1]


if __name__ == "__main__":
    torch.set_num_threads(1)
    train_until(Path(sys.argv[1]), int(sys.argv[2]))
    print("not killed")
