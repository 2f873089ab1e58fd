"""Measures what it costs to keep 128 of a model's 512 dimensions without knowing which matter (docs/decisions/0014).

python tools/projection_loss.py FOLDER [--models DIR]     one folder of photos for each person, such as LFW
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ml.faces import open_face_finder, open_upright
from ml.projection import load_projection, unit_rows
from ml.weights import projection_path

MODEL = "facenet-casia"
MOST_PHOTOS, PHOTOS_EACH, FEWEST_EACH = 900, 4, 3
RATES = (1e-2, 1e-3, 1e-4)
SEEDS = range(5)

Rows = NDArray[np.float32]
People = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("KITH_MODELS", "var/models")))
    options = parser.parse_args()
    rows, people = embed(options.folder, options.models)
    subspace = load_projection(projection_path(options.models, MODEL)).basis.T
    print(f"{len(rows)} faces of {len(set(people.tolist()))} people")
    show("all 512 dimensions", rows, people)
    show("128, subspace from the last layer", rows @ subspace, people)
    show("128, first coordinates", rows[:, :128], people)
    shares = [acceptance(rows @ random_basis(seed), people) for seed in SEEDS]
    print(f"{'128, random orthonormal, mean of ' + str(len(SEEDS)):50}", np.round(np.mean(shares, axis=0), 3))
    half = np.isin(people, np.random.default_rng(1).permutation(np.unique(people))[: len(np.unique(people)) // 2])
    show("the other half of the people, all 512", rows[~half], people[~half])
    for faces in (50, 150, 300):
        fitted = np.linalg.svd(centred(rows[half][:faces]), full_matrices=False)[2][:128].T
        show(f"the other half, principal components of {faces} faces", rows[~half] @ fitted, people[~half])


def embed(folder: Path, models_dir: Path) -> tuple[Rows, People]:
    """The largest face of the first photos of each person."""
    finder = open_face_finder(models_dir, MODEL, "cpu")
    photos = [
        (photo, number)
        for number, person in enumerate(sorted(path for path in folder.iterdir() if path.is_dir()))
        if len(theirs := sorted(person.iterdir())) >= FEWEST_EACH
        for photo in theirs[:PHOTOS_EACH]
    ][:MOST_PHOTOS]
    rows, people = [], []
    for start in range(0, len(photos), 30):
        batch = photos[start : start + 30]
        for (_, number), faces in zip(batch, finder.find_faces([open_upright(p) for p, _ in batch]), strict=True):
            if faces:
                rows.append(max(faces, key=lambda face: face.box.width * face.box.height).embedding)
                people.append(number)
    return np.array(rows), np.array(people)


def centred(rows: Rows) -> Rows:
    moved: Rows = rows - rows.mean(axis=0)
    return moved


def random_basis(seed: int) -> Rows:
    basis: Rows = np.linalg.qr(np.random.default_rng(seed).standard_normal((512, 128)))[0].astype(np.float32)
    return basis


def acceptance(rows: Rows, people: People) -> list[float]:
    """Share of pairs of one person within the distance that lets in each of `RATES` of the pairs of two."""
    first, second = np.triu_indices(len(people), k=1)
    unit = unit_rows(rows)
    likeness, same = (unit @ unit.T)[first, second], people[first] == people[second]
    strangers = np.sort(likeness[~same])[::-1]
    return [float((likeness[same] > strangers[int(rate * len(strangers))]).mean()) for rate in RATES]


def show(label: str, rows: Rows, people: People) -> None:
    print(f"{label:50}", np.round(acceptance(rows, people), 3))


if __name__ == "__main__":
    main()
