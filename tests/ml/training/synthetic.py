"""Faces that are drawn: a person is a faint pattern of colours, under light that differs much more between photos."""

import numpy as np
from PIL import Image

from ml.training.faces import TrainingFaces

GRID = (5, 5, 3)


def drawn_faces(people: int, photos: int, *, side: int = 40, seed: int = 0) -> TrainingFaces:
    random = np.random.default_rng(seed)
    lights = random.normal(0, 1, (4, *GRID))
    pixels, owners = [], []
    for person in range(people):
        pattern = random.normal(0, 25, GRID)
        for _ in range(photos):
            light = np.tensordot(random.normal(0, 30, len(lights)), lights, axes=1)
            drawn = np.clip(127 + pattern + light + random.normal(0, 6, GRID), 0, 255).astype(np.uint8)
            pixels.append(np.asarray(Image.fromarray(drawn).resize((side, side), Image.Resampling.BICUBIC)))
            owners.append(person)
    names = tuple(f"person {number}" for number in range(people))
    files = tuple(f"{owner}/{number}.png" for number, owner in enumerate(owners))
    return TrainingFaces(np.stack(pixels), np.array(owners, dtype=np.int64), names, files)
