"""The training loop on drawn faces: it learns, it can be killed, and it says what goes wrong."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.training import trainer
from ml.training.backbones import build_embedder
from ml.training.curves import draw_curves
from ml.training.errors import CannotTrain
from ml.training.faces import TrainingFaces
from ml.training.measuring import embed_rows, svm_accuracy
from ml.training.mixed_precision import MixedPrecision
from ml.training.splitting import split_faces
from ml.training.trainer import CHECKPOINT, LOG, read_log
from tests.ml.training.synthetic import drawn_faces
from tests.ml.training.training import QUICK, train_drawn, weights_of

ROOT = Path(__file__).resolve().parents[3]


def same_weights(first, second) -> bool:
    mine, theirs = weights_of(first), weights_of(second)
    return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)


def test_the_loss_falls_and_an_svm_names_more_photos_right_than_before(tmp_path):
    faces = drawn_faces(16, 10)
    split = split_faces(faces.people, seed=0)

    def accuracy(embedder) -> float:
        rows = [embed_rows(embedder, faces.pixels, part) for part in (split.train, split.test)]
        return svm_accuracy(rows[0], faces.people[split.train], rows[1], faces.people[split.test])

    torch.manual_seed(0)
    before = accuracy(build_embedder("small", dim=QUICK["dim"], side=QUICK["side"]))
    embedder, history = train_drawn(tmp_path, faces=faces, epochs=10)

    assert history.rows[-1].loss_of_all < 0.6 * history.rows[0].loss_of_all
    assert history.rows[-1].positive < 0.8 * history.rows[0].positive
    assert accuracy(embedder) > before + 0.2
    assert history.faces_per_second > 0


def test_killed_in_the_middle_it_comes_to_the_same_weights_and_log(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    expected, history = train_drawn(whole)
    per_epoch = history.rows[0].steps
    assert per_epoch > 1

    ended = subprocess.run(
        [sys.executable, "-m", "tests.ml.training.killed", str(killed), str(2 * per_epoch + 1)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(read_log(killed / LOG)) == 2  # the third epoch was cut short
    steps: list[int] = []
    resumed, again = train_drawn(killed, report=lambda progress: steps.append(progress.step))

    assert steps[0] == 2 * per_epoch + 1
    assert same_weights(resumed, expected)
    assert again.rows == history.rows
    assert (killed / LOG).read_bytes() == (whole / LOG).read_bytes()

    # What is finished is not trained again.
    steps.clear()
    finished, same = train_drawn(killed, report=lambda progress: steps.append(progress.step))
    assert steps == []
    assert same == again
    assert same_weights(finished, expected)


def test_interrupted_it_keeps_what_it_learned_and_leaves_nothing_half(tmp_path):
    def interrupt(progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt):
        train_drawn(folder, report=interrupt)

    assert {path.name for path in folder.iterdir()} == {CHECKPOINT, LOG}
    assert [row.epoch for row in read_log(folder / LOG)] == [1]


def test_it_ends_early_with_the_best_weights_when_validation_stands_still(tmp_path):
    # A rate too low to change anything: no epoch after the first is better than it by more than chance.
    _, history = train_drawn(tmp_path, epochs=30, patience=2, learning_rate=1e-12)

    assert len(history.rows) < 30
    assert history.ended == f"Ended after epoch {len(history.rows)}: no better validation for 2 epochs."
    validations = [row.validation for row in history.rows]
    assert validations[history.best_epoch - 1] == max(validations)
    assert history.best_epoch == len(history.rows) - 2


def test_with_few_people_it_runs_to_the_end_without_validation(tmp_path):
    _, history = train_drawn(tmp_path, faces=drawn_faces(4, 5), epochs=2)

    assert [row.validation for row in history.rows] == [None, None]
    assert history.ended == "All 2 epochs are done."
    assert history.best_epoch == 2


@pytest.mark.parametrize("mining", ["semi-hard", "batch-hard"])
def test_a_loss_that_is_no_number_ends_it_in_a_sentence(tmp_path, mining):
    with pytest.raises(CannotTrain, match=r"The loss is no longer a number, in epoch \d+.* learning rate below 1e\+30"):
        train_drawn(tmp_path, learning_rate=1e30, mining=mining)


def test_faces_that_all_come_out_alike_end_it_in_a_sentence(tmp_path):
    """Pictures without anything on them: any network gives the same for all."""
    grey = TrainingFaces(
        np.full((12, 40, 40, 3), 127, np.uint8), np.repeat(np.arange(3), 4), ("a", "b", "c"), ("x",) * 12
    )

    with pytest.raises(CannotTrain, match="All faces come out alike after epoch 1, so there is nothing left"):
        train_drawn(tmp_path, faces=grey, mining="semi-hard", augments=False, dropout=0.0)


@pytest.mark.parametrize(
    "precision", [MixedPrecision(torch.bfloat16, is_scaled=False), MixedPrecision(torch.float16, is_scaled=True)]
)
def test_it_learns_in_mixed_precision_and_goes_on_from_a_checkpoint(tmp_path, precision, monkeypatch):
    """As on a GPU; this CPU can do the same, if slowly."""
    monkeypatch.setattr(trainer, "mixed_precision_of", lambda device: precision)

    def interrupt(progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    few = drawn_faces(4, 6)
    with pytest.raises(KeyboardInterrupt):
        train_drawn(tmp_path, faces=few, report=interrupt)
    _, history = train_drawn(tmp_path, faces=few)

    assert [row.epoch for row in history.rows] == [1, 2, 3, 4]
    assert all(np.isfinite(row.loss) and row.gradient > 0 for row in history.rows)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    train_drawn(tmp_path, epochs=1)

    with pytest.raises(CannotTrain, match=r"a training with other settings or other photos.*--output.*--restart"):
        train_drawn(tmp_path, epochs=2)


@pytest.mark.parametrize("damage", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"not a checkpoint" * 9])
def test_a_damaged_checkpoint_is_said_to_be(tmp_path, damage):
    (tmp_path / CHECKPOINT).write_bytes(damage)

    with pytest.raises(CannotTrain, match=r"cannot be read .*start again with --restart"):
        train_drawn(tmp_path)


def test_the_log_can_be_read_and_drawn(tmp_path):
    _, history = train_drawn(tmp_path, epochs=2)

    rows = read_log(tmp_path / LOG)
    assert rows == list(history.rows)
    drawn = draw_curves(rows, title="A training")
    assert drawn.startswith("<svg") and drawn.count("<polyline") == 4
    (tmp_path / LOG).write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is not the log of a training"):
        read_log(tmp_path / LOG)
