"""Compares FaceNet in whole numbers with full precision and with stock torch (docs/decisions/0010).

python tools/embedding_precision.py time [--models DIR]
python tools/embedding_precision.py accuracy --data DATA [--models DIR]    DATA holds LFW's lfw_pairs.csv
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ml.alignment import crop_for_embedding
from ml.detection import detect_faces
from ml.embedding import embed_faces
from ml.engine import OpenVinoEngine
from ml.evaluation.verification import pair_accuracy, true_accept_rate
from ml.faces import open_upright
from ml.projection import load_projection
from ml.weights import load_weights, projection_path

MODEL = "facenet-casia"
FORMS = ("f32", "int8")
ROUNDS = 7

Numbers = NDArray[np.int64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("time", "accuracy"))
    parser.add_argument("--data", type=Path)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("KITH_MODELS", "var/models")))
    options = parser.parse_args()
    if options.what == "time":
        show_times(options.models)
    elif options.data is None:
        parser.error("accuracy needs --data")
    else:
        show_accuracy(options.data, options.models)


def show_times(models: Path) -> None:
    """Wall and processor time a face on all cores, alternating; on one (taskset), the arithmetic alone."""
    import torch
    from facenet_pytorch import InceptionResnetV1

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    stock = InceptionResnetV1().eval()
    stock.load_state_dict(load_weights(models, "facenet", MODEL))
    engines = {form: OpenVinoEngine(models, MODEL, form) for form in FORMS}
    threads = ThreadPoolExecutor(engines["f32"].lanes)
    for count in (1, 8, 16, 32):
        pixels = np.random.default_rng(0).integers(0, 256, (count, 160, 160, 3), dtype=np.uint8)
        planes = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127.5) / 128
        with torch.no_grad():
            ways: dict[str, Callable[[], object]] = {"stock": lambda planes=planes: stock(planes)}
            for form, engine in engines.items():
                ways[form] = lambda engine=engine, pixels=pixels: embed_faces(list(pixels), engine, threads)
            seconds = {name: np.array([timed(way) for _ in range(ROUNDS)]) for name, way in warmed(ways).items()}
        for name, (wall, processor) in ((name, np.median(taken, axis=0)) for name, taken in seconds.items()):
            print(
                f"{count} faces, {name}: {wall / count * 1e3:.1f} ms a face, {processor / count * 1e3:.1f} of processor"
            )


def warmed(ways: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
    for way in ways.values():
        way()
    return ways


def timed(way: Callable[[], object]) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - wall, time.process_time() - processor


def show_accuracy(data: Path, models: Path) -> None:
    """Cosine between the forms; centred, accuracy on LFW's pairs, and true accepts at FAR 0.1 % over all pairs."""
    with (data / "lfw_pairs.csv").open(newline="") as lines:
        files = sorted({row[side] for row in csv.DictReader(lines) for side in ("file1", "file2")})
    engines = {form: OpenVinoEngine(models, MODEL, form) for form in FORMS}
    faces, found = cut_faces(data, files, engines["f32"])
    people = np.array([Path(file).parent.name for file in found])
    first, second, same = pairs_of(data, found)
    every = np.triu_indices(len(faces), 1)
    kin = people[every[0]] == people[every[1]]
    with ThreadPoolExecutor(engines["f32"].lanes) as threads:
        rows = {form: embed_faces(faces, engine, threads) for form, engine in engines.items()}
    cosines = (rows["f32"] * rows["int8"]).sum(axis=1)
    low, usual = np.quantile(cosines, [0.01, 0.5])
    print(f"{len(faces)} faces; cosine: least {cosines.min():.5f}, 1st percentile {low:.5f}, median {usual:.5f}")
    projection = load_projection(projection_path(models, MODEL))
    centred = {form: projection.apply(embeddings) for form, embeddings in rows.items()}
    for one, other in (("f32", "f32"), ("int8", "int8"), ("f32", "int8")):
        distances = 1 - (centred[one][first] * centred[other][second]).sum(axis=1)
        accepted = true_accept_rate((1 - centred[one] @ centred[other].T)[every], kin, 1e-3)
        print(f"{one} against {other}: accuracy {pair_accuracy(distances, same):.4f}, TAR {accepted:.4f}")


def cut_faces(data: Path, files: list[str], engine: OpenVinoEngine) -> tuple[list[NDArray[np.uint8]], list[str]]:
    """The face nearest to the middle of each photo, and the photos that have one."""
    faces, photos = [], []
    for file in files:
        image = open_upright(data / file)
        found = detect_faces(image, engine)
        if len(found):
            middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - np.array(image.size) / 2
            nearest = int(np.argmin((middles**2).sum(axis=1)))
            faces.append(crop_for_embedding(image, found.boxes[nearest], found.landmarks[nearest]))
            photos.append(file)
    return faces, photos


def pairs_of(data: Path, faces: list[str]) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """LFW's official pairs as rows of the faces, and whether each shows one person."""
    rows = {file: row for row, file in enumerate(faces)}
    with (data / "lfw_pairs.csv").open(newline="") as lines:
        pairs = [row for row in csv.DictReader(lines) if row["file1"] in rows and row["file2"] in rows]
    first, second = (np.array([rows[pair[side]] for pair in pairs]) for side in ("file1", "file2"))
    return first, second, np.array([Path(pair["file1"]).parent == Path(pair["file2"]).parent for pair in pairs])


if __name__ == "__main__":
    main()
