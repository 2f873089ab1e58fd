"""What P-Net misses when it looks at single windows only near promising ones (docs/decisions/0009).

python tools/lattice_margin.py DATA [--models DIR]     DATA holds the labelled photos: album/groups and detection

For each margin: how many of the windows off the lattice are looked at, how many of the windows above the threshold are
missed, and how many faces of the whole cascade change if small levels keep their own margin; all against looking
everywhere.
"""

import argparse
import math
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ml import detection
from ml.engine import Engine, open_engine
from ml.geometry import pairwise_overlap
from ml.images import open_upright
from ml.resampling import AreaSampler

MARGINS = (1.4, 2.4, 2.9, 3.4, 4.4, 5.4)  # log-odds below a face's
EVERYWHERE, IF_SMALL = 1000.0, detection.UNSURE_MARGIN_IF_SMALL
SIDE, SMALLEST_FACE, EVERY = 1920, 20, 2
FACE = math.log(detection.THRESHOLDS[0] / (1 - detection.THRESHOLDS[0]))
SAME = 0.95  # overlap of a face that has not changed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("KITH_MODELS", "var/models")))
    options = parser.parse_args()
    photos = sorted([*(options.data / "album" / "groups").iterdir(), *(options.data / "detection").iterdir()])[::EVERY]
    engine = open_engine(options.models, "facenet-casia", "cpu")
    images = [scaled(open_upright(photo)) for photo in photos]
    everywhere = {number: faces(image, engine, EVERYWHERE, EVERYWHERE) for number, image in enumerate(images)}
    print(f"{len(images)} photos, {sum(map(len, everywhere.values()))} faces")
    print("margin  windows looked at  missed  faces that change")
    for margin in MARGINS:
        counts: Counter[str] = Counter()
        for number, image in enumerate(images):
            counts += count_windows(image, engine, margin)
            counts["changed"] += changed(everywhere[number], faces(image, engine, margin, IF_SMALL))
        looked, missed = counts["looked"] / counts["windows"], 1 - counts["found"] / counts["above"]
        print(f"{margin:6} {looked:18.1%} {missed:7.2%} {counts['changed']:18}")


def scaled(image: Image.Image) -> Image.Image:
    factor = SIDE / max(image.size)
    return image.resize((round(image.width * factor), round(image.height * factor)))


def count_windows(image: Image.Image, engine: Engine, margin: float) -> Counter[str]:
    sampler, counts = AreaSampler(image), Counter[str]()
    for level in detection._pyramid(sampler.width, sampler.height, SMALLEST_FACE):
        pixels = sampler.resized(level.width, level.height)
        [features] = engine.run("pnet_features", pixels[None])
        [coarse] = engine.run("pnet_coarse", features)
        rows, columns = features.shape[1] - 2, features.shape[2] - 2
        _, unsure = detection._surround(coarse[0], rows, columns, np.float32(FACE), np.float32(FACE - margin))
        counts["windows"] += rows * columns - coarse.shape[1] * coarse.shape[2]
        counts["looked"] += len(unsure)
        counts["above"] += len(detection._face_windows(pixels, engine, FACE, -1000)[0])
        counts["found"] += len(detection._face_windows(pixels, engine, FACE, FACE - margin)[0])
    return counts


def faces(image: Image.Image, engine: Engine, margin: float, if_small: float) -> detection.Detections:
    detection.UNSURE_MARGIN, detection.UNSURE_MARGIN_IF_SMALL = margin, if_small
    return detection.detect_faces(image, engine, smallest_face=SMALLEST_FACE)


def changed(before: detection.Detections, after: detection.Detections) -> int:
    """How many faces of either have no like in the other."""
    overlaps = pairwise_overlap(before.boxes, after.boxes)
    return int((overlaps.max(axis=1, initial=0) < SAME).sum() + (overlaps.max(axis=0, initial=0) < SAME).sum())


if __name__ == "__main__":
    main()
