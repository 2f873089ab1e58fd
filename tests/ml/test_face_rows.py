"""Faces in rows: kept in a file, and never of different lengths."""

from dataclasses import fields, replace

import numpy as np
import pytest

from ml.evaluation.labelled_faces import LabelledFaces
from tests.ml.synthetic import make_embeddings, make_labelled_faces


@pytest.fixture
def faces(random) -> LabelledFaces:
    return make_labelled_faces(*make_embeddings(random, [2, 1]))


def test_faces_are_kept(faces, tmp_path):
    faces.save(tmp_path / "faces.npz")
    loaded = LabelledFaces.load(tmp_path / "faces.npz")

    assert len(loaded) == 3
    for field in fields(LabelledFaces):
        assert np.array_equal(getattr(loaded, field.name), getattr(faces, field.name))


def test_fields_of_another_length_are_refused(faces):
    with pytest.raises(ValueError, match="qualities must have 3 rows, as files has, not the shape"):
        replace(faces, qualities=faces.qualities[:2])


@pytest.mark.parametrize("content", [b"", b"no rows", b"PK\x03\x04 cut short"])
def test_another_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "faces.npz"
    path.write_bytes(content)

    with pytest.raises(ValueError, match="does not hold LabelledFaces"):
        LabelledFaces.load(path)


def test_a_file_without_some_field_is_refused(faces, tmp_path):
    np.savez(tmp_path / "faces.npz", files=faces.files)

    with pytest.raises(ValueError, match="persons"):
        LabelledFaces.load(tmp_path / "faces.npz")
