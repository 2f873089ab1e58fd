"""Faces that are drawn: a person is a smooth pattern of colours, and each photo of them varies it."""

import numpy as np
from PIL import Image

from ml.training.faces import TrainingFaces


def drawn_faces(people: int, photos: int, *, side: int = 40, seed: int = 0, noise: float = 40.0) -> TrainingFaces:
    random = np.random.default_rng(seed)
    pixels, owners = [], []
    for person in range(people):
        pattern = random.uniform(0, 255, (5, 5, 3))
        for _ in range(photos):
            varied = np.clip(pattern + random.normal(0, noise, pattern.shape) + random.uniform(-30, 30), 0, 255)
            picture = Image.fromarray(varied.astype(np.uint8)).resize((side, side), Image.Resampling.BICUBIC)
            pixels.append(np.asarray(picture))
            owners.append(person)
    names = tuple(f"person {number}" for number in range(people))
    files = tuple(f"{owner}/{number}.png" for number, owner in enumerate(owners))
    return TrainingFaces(np.stack(pixels), np.array(owners, dtype=np.int64), names, files)
