import numpy as np
import pytest

from ml.engine import OpenVinoEngine
from ml.export import export_openvino
from ml.projection import load_projection
from ml.quantisation import quantise
from ml.quiet_openvino import openvino
from ml.typical_faces import typical_faces
from ml.weights import load_weights, projection_path

MODEL = "facenet-casia"
ops = openvino.opset13


def small_network(random, *, relu: bool):
    """Three convolutions, the last of which reads what `relu` may have cut off at zero."""
    pixels = flow = ops.parameter([-1, 8, 8, 3], np.float32)
    flow = ops.transpose(flow, ops.constant(np.array([0, 3, 1, 2])))
    for _ in range(3):
        weights = random.normal(size=(3, 3, 3, 3)).astype(np.float32) / 5
        flow = ops.convolution(flow, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
        if relu:
            flow = ops.relu(flow)
    return openvino.Model([flow], [pixels])


def run(model, pixels):
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(model, "CPU", settings).create_infer_request()
    return np.array(request.infer([pixels])[0])


def rounded_inputs(model):
    return sum(node.get_type_name() == "FakeQuantize" for node in model.get_ops())


def test_a_network_in_whole_numbers_answers_nearly_the_same(random):
    pixels = random.uniform(0, 255, size=(4, 8, 8, 3)).astype(np.float32)
    model = small_network(random, relu=True)
    before = run(model, pixels)

    quantise(model, pixels)

    after = run(model, pixels)
    assert rounded_inputs(model) == 1
    assert 0 < np.abs(after - before).max() < 0.02 * before.max()


def test_what_may_be_negative_stays_in_full_precision(random):
    pixels = random.uniform(0, 255, size=(4, 8, 8, 3)).astype(np.float32)
    model = small_network(random, relu=False)

    quantise(model, pixels)

    assert rounded_inputs(model) == 0


def test_without_pictures_nothing_can_be_learnt(random):
    with pytest.raises(ValueError, match="pictures"):
        quantise(small_network(random, relu=True), np.zeros((0, 8, 8, 3), dtype=np.float32))


def test_typical_faces_are_faces_of_the_right_size_in_many_lights():
    faces = typical_faces()

    assert faces.shape[1:] == (160, 160, 3)
    assert faces.min() >= 0
    assert 200 < faces.max() <= 255
    assert len(np.unique(faces.mean(axis=(1, 2, 3)).round(1))) > 4


def test_faces_never_seen_embed_as_the_reference_does(models_dir, faces):
    reference = OpenVinoEngine(models_dir, MODEL, "f32").run("facenet", faces)[0]
    fast = OpenVinoEngine(models_dir, MODEL, "int8").run("facenet", faces)[0]

    assert (reference * fast).sum(axis=1).min() > 0.999
    projection = load_projection(projection_path(models_dir, MODEL))
    assert (projection.apply(reference) * projection.apply(fast)).sum(axis=1).min() > 0.998


def test_an_embedding_does_not_depend_on_its_batch(models_dir, faces):
    engine = OpenVinoEngine(models_dir, MODEL, "int8")

    together = engine.run("facenet", faces)[0]
    alone = np.concatenate([engine.run("facenet", face[None])[0] for face in faces])

    assert np.abs(together - alone).max() < 1e-5


def test_the_same_weights_give_the_same_network(models_dir, tmp_path, faces):
    export_openvino("facenet_int8", load_weights(models_dir, "facenet", MODEL), tmp_path / "again.xml")

    again = run(tmp_path / "again.xml", faces)

    assert np.abs(again - OpenVinoEngine(models_dir, MODEL, "int8").run("facenet", faces)[0]).max() < 1e-5
