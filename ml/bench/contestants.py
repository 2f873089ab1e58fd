"""The ways to do it that are compared: facenet-pytorch as its README shows it, face_recognition, and ours.

facenet-pytorch runs in evaluation mode without gradients and with as many threads as torch takes by itself. A photo
that cannot be opened ends the race: what is given here was chosen by `ml.bench.inputs`.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.arguments import checked_count, checked_whole
from ml.bench.inputs import Faces
from ml.bench.racing import RaceFailed, Ready, in_own_process

SMALLEST_FACE = 20  # pixels; facenet-pytorch's default, and ours for photos up to 1920 pixels
DBSCAN_DISTANCE = 0.3  # cosine; about where DBSCAN alone groups best (docs/decisions/0001)


def stock_detector(photos: Sequence[Path]) -> Ready:
    """`MTCNN(keep_all=True).detect`, photo by photo."""
    import torch
    from facenet_pytorch import MTCNN

    mtcnn = MTCNN(keep_all=True, min_face_size=SMALLEST_FACE)
    images = [Image.open(photo).convert("RGB") for photo in photos]

    def run() -> int:
        with torch.inference_mode():
            boxes = [mtcnn.detect(image)[0] for image in images]
        return sum(len(found) for found in boxes if found is not None)

    return Ready(run, f"{torch.get_num_threads()} in torch")


def our_detector(photos: Sequence[Path], models_dir: Path, model: str) -> Ready:
    """`detect_faces`, a photo per lane as the worker does."""
    from ml.detection import detect_faces
    from ml.engine import open_engine

    engine = open_engine(models_dir, model, "cpu")
    images = [Image.open(photo).convert("RGB") for photo in photos]
    threads = ThreadPoolExecutor(engine.lanes)

    def run() -> int:
        found = threads.map(lambda image: detect_faces(image, engine, smallest_face=SMALLEST_FACE), images)
        return sum(len(faces) for faces in found)

    return Ready(run, f"{engine.lanes} lanes")


def stock_embedder(faces: Faces, batch: int, models_dir: Path, model: str) -> Ready:
    """`InceptionResnetV1` in single precision, `batch` faces at a time.

    Raises:
        ValueError: there are no faces, they are not of the shape and type of `Faces`, or batch is not at least 1.
    """
    import torch

    _check(faces, batch)
    embed = _stock_embedding(models_dir, model)

    def run() -> int:
        for start in range(0, len(faces), batch):
            embed(faces[start : start + batch])
        return len(faces)

    return Ready(run, f"{torch.get_num_threads()} in torch")


def our_embedder(faces: Faces, batch: int, models_dir: Path, model: str) -> Ready:
    """`embed_faces`, `batch` faces at a time.

    Raises:
        ValueError: as for `stock_embedder`.
    """
    from ml.embedding import embed_faces
    from ml.engine import open_engine

    _check(faces, batch)
    engine = open_engine(models_dir, model, "cpu")
    threads = ThreadPoolExecutor(engine.lanes)

    def run() -> int:
        for start in range(0, len(faces), batch):
            embed_faces(list(faces[start : start + batch]), engine, threads)
        return len(faces)

    return Ready(run, f"{engine.lanes} lanes")


def cosines_to_stock(faces: Faces, models_dir: Path, model: str) -> NDArray[np.float32]:
    """Cosine between our embedding and stock torch's in single precision, for each face: shape (n,).

    Raises:
        ValueError: there are no faces, or they are not of the shape and type of `Faces`.
    """
    from ml.embedding import embed_faces
    from ml.engine import open_engine

    _check(faces)
    engine = open_engine(models_dir, model, "cpu")
    with ThreadPoolExecutor(engine.lanes) as threads:
        ours = embed_faces(list(faces), engine, threads)
    cosines: NDArray[np.float32] = (ours * _stock_embedding(models_dir, model)(faces)).sum(axis=1)
    return cosines


def plain_loop(photos: Sequence[Path], models_dir: Path, model: str) -> Ready:
    """facenet-pytorch's README from file to groups: Pillow, MTCNN, InceptionResnetV1, scikit-learn's DBSCAN."""
    import torch
    from facenet_pytorch import MTCNN, InceptionResnetV1
    from sklearn.cluster import DBSCAN

    from ml.images import readable_formats
    from ml.weights import load_weights

    readable_formats()  # lets Pillow open HEIC
    mtcnn = MTCNN(keep_all=True)
    resnet = InceptionResnetV1().eval()
    resnet.load_state_dict(load_weights(models_dir, "facenet", model))

    def run() -> int:
        embeddings = []
        with torch.inference_mode():
            for photo in photos:
                crops = mtcnn(Image.open(photo).convert("RGB"))
                if crops is not None:
                    embeddings.append(resnet(crops).numpy())
        if embeddings:
            DBSCAN(eps=DBSCAN_DISTANCE, min_samples=2, metric="cosine").fit(np.concatenate(embeddings))
        return sum(len(found) for found in embeddings)

    return Ready(run, f"{torch.get_num_threads()} in torch")


@functools.cache
def has_face_recognition() -> bool:
    """Whether `face_recognition` and dlib can be used; Kith itself needs neither."""
    if any(importlib.util.find_spec(name) is None for name in ("face_recognition", "dlib")):
        return False
    try:
        in_own_process(_import_face_recognition)  # it ends the process when its models are missing
    except RaceFailed:
        return False
    return True


def _import_face_recognition() -> None:
    import face_recognition  # noqa: F401


def face_recognition_loop(photos: Sequence[Path]) -> Ready:
    """`face_recognition`'s README: load, `face_locations` (HOG), `face_encodings`."""
    import face_recognition

    def run() -> int:
        faces = 0
        for photo in photos:
            image = face_recognition.load_image_file(photo)
            faces += len(face_recognition.face_encodings(image, face_recognition.face_locations(image)))
        return faces

    return Ready(run, "1")


def _check(faces: Faces, batch: int = 1) -> None:
    checked_count("batch", batch)
    if not len(checked_whole("faces", faces, None, 160, 160, 3)) or faces.dtype != np.uint8:
        raise ValueError(f"faces must be uint8, and at least one, not {len(faces)} of {faces.dtype}")


def _stock_embedding(models_dir: Path, model: str) -> Callable[[Faces], NDArray[np.float32]]:
    import torch
    from facenet_pytorch import InceptionResnetV1, fixed_image_standardization

    from ml.weights import load_weights

    resnet = InceptionResnetV1().eval()
    resnet.load_state_dict(load_weights(models_dir, "facenet", model))

    def embed(faces: Faces) -> NDArray[np.float32]:
        with torch.inference_mode():
            planes = torch.from_numpy(faces).permute(0, 3, 1, 2).float().contiguous()
            embeddings: NDArray[np.float32] = resnet(fixed_image_standardization(planes)).numpy()
        return embeddings

    return embed
