"""Adding a photo to a library of real faces changes the group of no face the photo does not touch.

The photos may not be copied into the project: without them beside it, this test skips. The long form, which takes four
minutes, is KITH_STABLE_FACES=3500.
"""

import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.clustering import group_faces
from ml.dbscan import NOISE
from ml.evaluation.labelled_faces import LabelledFaces, find_labelled
from ml.evaluation.labels import read_folder
from ml.faces import load_face_finder
from ml.identification import thresholds_for
from ml.models import CASIA
from ml.regrouping import regroup

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
LIBRARY = int(os.environ.get("KITH_STABLE_FACES", "1500"))
ADDED = 60

pytestmark = pytest.mark.skipif(not (DATA / "labels.csv").exists(), reason="the labelled photos are not there")


def some_faces(models_dir: Path) -> LabelledFaces:
    """Of photos chosen at random: a little more than needed, for in some the face is not found."""
    folder = read_folder(DATA)
    photos = random.Random(1).sample(folder.photos, min(len(folder.photos), int(1.1 * (LIBRARY + ADDED))))
    findings = find_labelled(replace(folder, photos=tuple(photos)), load_face_finder(models_dir))
    return findings.faces.only(findings.found)


def test_adding_one_photo_changes_no_face_it_does_not_touch(models_dir):
    faces = some_faces(models_dir)
    assert len(faces.files) >= LIBRARY + ADDED
    order = np.random.default_rng(1).permutation(len(faces.files))
    limits = thresholds_for(CASIA)
    rows, photos = faces.projections[order], np.unique(faces.files, return_inverse=True)[1][order]
    good = faces.qualities[order] >= limits.poor_quality
    cuts = {"proposal_threshold": limits.grouping, "linkage_threshold": limits.linkage}
    labels = group_faces(rows[:LIBRARY], may_seed=good[:LIBRARY], photos=photos[:LIBRARY], **cuts)

    for count in range(LIBRARY + 1, LIBRARY + 1 + ADDED):
        before = np.append(labels, NOISE)
        after = regroup(
            rows[:count], before, np.arange(count) == count - 1, may_seed=good[:count], photos=photos[:count], **cuts
        )
        near = 1 - rows[:count] @ rows[count - 1] <= limits.grouping + 1e-5
        touched = near | np.isin(before, before[near & (before != NOISE)])
        assert (after == before)[~touched].all()
        labels = after
