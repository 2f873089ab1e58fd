"""Which models there are, and how an ONNX file becomes one."""

import json

import numpy as np
import onnx
import pytest
from PIL import Image

from ml import faces
from ml.alignment import ARCFACE_LAYOUT, warp_to_layout
from ml.checked_files import WeightsUnavailable
from ml.device import DeviceUnavailable
from ml.faces import KnownFace, load_face_finder
from ml.models import MODELS, find_model, with_thresholds, write_thresholds
from ml.onnx_files import model_name
from ml.plugging import plug_in
from ml.projection import plain_projection, unit_rows
from ml.weights import fetch, missing, verify
from tests.onnx_files import BLOCK, write_onnx

CASIA = "facenet-casia"


@pytest.fixture
def small(tmp_path):
    return write_onnx(tmp_path / "small.onnx")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "plugged"
    made.mkdir()
    return made


def as_written(path, pixels: np.ndarray) -> np.ndarray:
    """What the network in a file of `write_onnx` does, by numpy: blocks' means, mixed."""
    weights = onnx.numpy_helper.to_array(onnx.load(path).graph.initializer[0])
    scaled = (pixels.astype(np.float64) - 127.5) / 127.5
    n, side = len(pixels), 112 // BLOCK
    means = scaled.reshape(n, side, BLOCK, side, BLOCK, 3).mean(axis=(2, 4))
    return means.transpose(0, 3, 1, 2).reshape(n, -1) @ weights


def run(folder, name: str, pixels: np.ndarray) -> np.ndarray:
    """Embed through the engine's own file, without MTCNN's networks."""
    from ml.quiet_openvino import openvino

    compiled = openvino.Core().compile_model(folder / f"{name}.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return compiled.create_infer_request().infer([pixels.astype(np.float32)])[0]


def some_pixels(n: int = 3) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (n, 112, 112, 3)).astype(np.uint8)


def test_the_built_in_models_are_facenets():
    assert {name: (model.crop, model.side) for name, model in MODELS.items()} == {
        "facenet-casia": ("box", 160),
        "facenet-vggface2": ("box", 160),
    }
    assert MODELS[CASIA].is_measured
    assert not MODELS["facenet-vggface2"].is_measured


@pytest.mark.parametrize("options", [{}, {"layout": "NHWC"}, {"batch": 1}, {"batch": 1, "flatten_to_batch": 1}])
def test_a_plugged_in_file_gives_what_its_network_gives(tmp_path, folder, options):
    path = write_onnx(tmp_path / "small.onnx", **options)
    pixels = some_pixels()

    model = plug_in(folder, str(path))

    expected = as_written(path, pixels)
    together = run(folder, model.name, pixels)
    assert np.abs(together - expected).max() < 1e-3 * np.abs(expected).max()
    assert (model.dimensions, model.crop, model.side) == (64, "landmarks", 112)


def test_other_scaling_and_channels_stand_beside_the_file(tmp_path, folder):
    path = write_onnx(tmp_path / "odd.onnx")
    path.with_suffix(".json").write_text(json.dumps({"mean": 10, "scale": 2, "channels": "BGR"}))
    pixels = some_pixels()

    model = plug_in(folder, str(path))

    as_it_wants = (pixels[..., ::-1].astype(np.float64) - 10) / 2
    expected = as_written(path, as_it_wants * 127.5 + 127.5)
    assert np.abs(run(folder, model.name, pixels) - expected).max() < 1e-3 * np.abs(expected).max()


def test_a_network_for_one_face_at_a_time_gets_one_at_a_time(tmp_path, folder):
    path = write_onnx(tmp_path / "alone.onnx", mixes_faces=True)

    assert plug_in(folder, str(path)).faces_at_once == 1


def test_the_same_name_with_other_weights_or_preprocessing_is_another_model(tmp_path):
    path = write_onnx(tmp_path / "My Model.v2.onnx", seed=1)
    first = model_name(path)
    write_onnx(path, seed=2)
    second = model_name(path)
    path.with_suffix(".json").write_text('{"scale": 128}')
    third = model_name(path)
    path.with_suffix(".json").write_text('{"scale": 128, "thresholds": {}}')

    assert first.startswith("my-model-v2-")
    assert len({first, second, third}) == 3
    assert model_name(path) == third
    assert len(model_name(path)) <= 50


def test_a_plugged_in_model_is_found_by_its_name_when_the_file_is_gone(small, folder):
    name = plug_in(folder, f"onnx:{small}").name
    assert find_model(folder, str(small)).name == name
    small.unlink()

    assert find_model(folder, name).is_plugged_in
    with pytest.raises(WeightsUnavailable, match=r"small\.onnx cannot be read \(No such file"):
        find_model(folder, str(small))


def test_a_file_not_yet_plugged_in_is_said_to_be(small, folder):
    with pytest.raises(WeightsUnavailable, match=r"run manage\.py fetch_models"):
        find_model(folder, str(small))


def test_an_unknown_name_lists_what_there_is(small, folder):
    name = plug_in(folder, str(small)).name

    with pytest.raises(WeightsUnavailable, match=f"facenet-casia, facenet-vggface2, {name}"):
        find_model(folder, "arcface")


def refuses(path, folder, *words: str) -> None:
    with pytest.raises(WeightsUnavailable) as refusal:
        plug_in(folder, str(path))
    said = str(refusal.value)
    assert all(word in said for word in words), said
    assert len(said.splitlines()) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dimensions": 513}, "513 numbers a face"),
        ({"dimensions": 1}, "1 numbers a face"),
        ({"side": 56}, "not 3 x 112 x 112"),
        ({"two_outputs": True}, "the outputs embedding, other"),
    ],
)
def test_a_network_of_another_shape_is_refused_in_a_sentence(tmp_path, folder, options, words):
    refuses(write_onnx(tmp_path / "odd.onnx", **options), folder, "odd.onnx is not a face model Kith can use", words)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x80\x04\x95pickle"])
def test_a_file_that_is_no_onnx_is_refused_in_a_sentence(tmp_path, folder, content):
    path = tmp_path / "junk.onnx"
    path.write_bytes(content)

    refuses(path, folder, "junk.onnx")


def test_a_file_cut_short_is_refused(small, folder):
    small.write_bytes(small.read_bytes()[:-1000])

    refuses(small, folder, "small.onnx cannot be read as an ONNX model")


def test_weights_in_a_second_file_are_refused(small, folder, tmp_path):
    """The hash in the name would not tell them from others."""
    path = tmp_path / "split.onnx"
    onnx.save(onnx.load(small), path, save_as_external_data=True, location="split.data", size_threshold=0)

    refuses(path, folder, "cannot be read as an ONNX model that holds its own weights")


def test_a_network_that_gives_no_numbers_is_refused(tmp_path, folder):
    path = write_onnx(tmp_path / "empty.onnx")
    model = onnx.load(path)
    zeros = np.full_like(onnx.numpy_helper.to_array(model.graph.initializer[0]), np.nan)
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(zeros, "weights"))
    onnx.save(model, path)

    refuses(path, folder, "it gives no usable numbers")


def test_one_of_several_outputs_can_be_chosen(tmp_path, folder):
    path = write_onnx(tmp_path / "two.onnx", two_outputs=True)
    path.with_suffix(".json").write_text('{"output": "other"}')

    name = plug_in(folder, str(path)).name

    assert np.allclose(run(folder, name, some_pixels()), -as_written(path, some_pixels()), atol=1e-3)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be used"),
        ("[1]", "a JSON object"),
        ('{"scale": 0}', "scale must not be 0"),
        ('{"mean": "grey"}', "mean must be a number"),
        ('{"mean": NaN}', "mean must be a number"),
        ('{"channels": "CMYK"}', "channels must be RGB or BGR"),
        ('{"side": 160}', "there is no side"),
        ('{"output": "embeddings"}', "it has no output embeddings"),
        ('{"thresholds": {"grouping": 0.5}}', "thresholds must be an object of grouping, linkage, suggestion"),
        ('{"thresholds": {"grouping": 0.5, "linkage": 3, "suggestion": 0.5}}', "between 0 and 2"),
    ],
)
def test_nonsense_beside_the_file_is_refused_in_a_sentence(small, folder, content, words):
    small.with_suffix(".json").write_text(content)

    with pytest.raises(WeightsUnavailable, match=words):
        plug_in(folder, str(small))


def test_thresholds_beside_the_file_are_the_models_own(small, folder):
    distances = {"grouping": 0.6, "linkage": 0.7, "suggestion": 0.55}
    small.with_suffix(".json").write_text(json.dumps({"thresholds": distances}))

    model = plug_in(folder, str(small))

    limits, recentred = model.limits(), model.limits(recentred=True)
    assert (limits.grouping, limits.linkage, limits.suggestion) == (0.6, 0.7, 0.55)
    assert recentred.linkage > 0.7
    assert limits.poor_quality == MODELS[CASIA].limits().poor_quality
    assert model.is_measured


def test_measured_thresholds_replace_those_of_a_built_in_model(folder):
    write_thresholds(folder, MODELS[CASIA], {"grouping": 0.3, "linkage": 0.3, "suggestion": 0.3})

    assert find_model(folder, CASIA).limits().suggestion == 0.3


@pytest.mark.parametrize(
    "distances", [None, [], {}, {"grouping": True}, {"grouping": 1, "linkage": 1, "suggestion": "x"}]
)
def test_what_is_no_set_of_thresholds_is_refused(distances):
    with pytest.raises(ValueError, match="thresholds must be"):
        with_thresholds(MODELS[CASIA], distances)


def test_thresholds_that_are_refused_leave_those_before_them(folder):
    kept = {"grouping": 0.3, "linkage": 0.3, "suggestion": 0.3}
    path = write_thresholds(folder, MODELS[CASIA], kept)

    with pytest.raises(ValueError, match="thresholds must be"):
        write_thresholds(folder, MODELS[CASIA], kept | {"linkage": 3})

    assert json.loads(path.read_text()) == kept
    assert [file.name for file in folder.iterdir() if "thresholds" in file.name] == [path.name]


@pytest.mark.parametrize("dimensions", [1, 64, 128, 129, 512])
def test_the_plain_projection_keeps_all_distances(dimensions, random):
    embeddings = np.zeros((20, 512), dtype=np.float32)
    embeddings[:, :dimensions] = unit_rows(random.standard_normal((20, dimensions)))

    projected = plain_projection(dimensions).apply(embeddings)

    assert projected.shape == (20, max(dimensions, 128))
    assert np.allclose(projected @ projected.T, embeddings @ embeddings.T, atol=1e-5)


@pytest.mark.parametrize("dimensions", [0, 513])
def test_there_is_no_projection_for_other_dimensions(dimensions):
    with pytest.raises(ValueError, match="dimensions"):
        plain_projection(dimensions)


def test_fetching_a_path_makes_a_complete_checked_model(small, own_models):
    said = []
    fetch(own_models, str(small), report=said.append)
    name = find_model(own_models, str(small)).name

    assert missing(own_models, str(small)) is None
    verify(own_models, name)
    assert said == ["Converting small.onnx.", f"The weights of {name} are already there."]
    (own_models / f"{name}.bin").unlink()
    assert "give manage.py change_model its ONNX file again" in missing(own_models, name)


def test_a_damaged_plugged_in_model_is_made_again(small, own_models):
    fetch(own_models, str(small))
    name = find_model(own_models, str(small)).name
    (own_models / f"{name}.bin").write_bytes(b"")

    fetch(own_models, str(small))

    verify(own_models, name)


def test_faces_are_aligned_embedded_and_padded(small, own_models, astronaut):
    fetch(own_models, str(small))
    finder = load_face_finder(own_models, str(small), device="cpu")

    [[face]] = finder.find_faces([astronaut])

    pixels = warp_to_layout(astronaut, face.landmarks * np.float32(astronaut.width), ARCFACE_LAYOUT, 112)
    expected = unit_rows(as_written(small, pixels[None]))[0]
    assert finder.model_name == find_model(own_models, str(small)).name
    assert face.embedding.shape == (512,)
    assert face.embedding[:64] @ expected > 0.9999
    assert not face.embedding[64:].any()
    assert face.projection.shape == (128,)


def test_quality_does_not_depend_on_the_model(small, own_models, astronaut, finder):
    fetch(own_models, str(small))
    other = load_face_finder(own_models, str(small), device="cpu")

    assert other.find_faces([astronaut])[0][0].quality == finder.find_faces([astronaut])[0][0].quality


@pytest.mark.parametrize("wanted", ["casia", "small"])
def test_a_face_embedded_again_gets_the_same_embedding(wanted, small, own_models, astronaut, finder):
    if wanted == "small":
        fetch(own_models, str(small))
        finder = load_face_finder(own_models, str(small), device="cpu")
    images = [astronaut, Image.new("RGB", (50, 50)), astronaut.resize((300, 300))]
    found = finder.find_faces(images)

    again = finder.embed_again(images, [[KnownFace(f.box, f.landmarks) for f in theirs] for theirs in found])

    assert [len(theirs) for theirs in again] == [1, 0, 1]
    for theirs, before in zip(again, found, strict=True):
        for face, old in zip(theirs, before, strict=True):
            assert face.embedding @ old.embedding > 0.9999
            assert face.projection @ old.projection > 0.9999


def test_a_face_with_impossible_landmarks_is_still_embedded(small, own_models, astronaut):
    fetch(own_models, str(small))
    finder = load_face_finder(own_models, str(small), device="cpu")
    box = finder.find_faces([astronaut])[0][0].box
    heap = np.full((5, 2), 0.4, dtype=np.float32)

    [[face]] = finder.embed_again([astronaut], [[KnownFace(box, heap)]])

    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-4)


def test_faces_for_other_images_are_refused(finder, astronaut):
    with pytest.raises(ValueError, match="faces must"):
        finder.embed_again([astronaut], [])


def test_plugged_in_models_run_on_the_cpu_only(small, own_models):
    fetch(own_models, str(small))

    with pytest.raises(DeviceUnavailable, match="runs on the CPU only"):
        load_face_finder(own_models, str(small), device="cuda")
    assert "CPU" in load_face_finder(own_models, str(small), device="auto").device


def test_a_process_holds_the_networks_of_one_model(small, own_models):
    fetch(own_models, str(small))
    load_face_finder(own_models, str(small), device="cpu")
    load_face_finder(own_models, CASIA, device="cpu")

    assert faces.load_face_finder.cache_info().currsize == 1
