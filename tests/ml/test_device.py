import pytest

from ml import device
from ml.device import DeviceUnavailable, choose_device, describe_device
from ml.engine import OpenVinoEngine, TorchEngine, open_engine


@pytest.mark.parametrize(
    ("present", "expected"),
    [(["cpu"], "cpu"), (["mps", "cpu"], "mps"), (["cuda", "cpu"], "cuda"), (["cuda", "mps", "cpu"], "cuda")],
)
def test_auto_takes_the_fastest_device_there_is(monkeypatch, present, expected):
    monkeypatch.setattr(device, "is_available", lambda name: name in present)

    assert choose_device() == expected
    assert choose_device("auto") == expected


def test_the_cpu_can_be_asked_for_and_is_always_there():
    assert choose_device("cpu") == "cpu"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch, wanted):
    monkeypatch.setattr(device, "is_available", lambda name: name == "cpu")

    with pytest.raises(DeviceUnavailable, match=f"no {wanted} device"):
        choose_device(wanted)


def test_an_unknown_device_is_refused():
    with pytest.raises(DeviceUnavailable, match="no face device called tpu"):
        choose_device("tpu")


@pytest.mark.parametrize(("cores", "words"), [(1, "CPU, 1 core"), (8, "CPU, 8 cores")])
def test_the_cpu_is_described_in_words(monkeypatch, cores, words):
    monkeypatch.setattr(device, "cores_available", lambda: cores)

    assert describe_device("cpu") == words
    assert describe_device("mps") == "GPU, Apple Metal"


def test_a_cpu_runs_openvino(models_dir):
    assert isinstance(open_engine(models_dir, "facenet-casia", "cpu"), OpenVinoEngine)


def test_torch_takes_over_where_openvino_is_not_installed(models_dir, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    assert isinstance(open_engine(models_dir, "facenet-casia", "cpu"), TorchEngine)
