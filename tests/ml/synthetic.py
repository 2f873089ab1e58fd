"""Embeddings of invented people: one axis each, and noise."""

import numpy as np

from ml.evaluation.labelled_faces import LabelledFaces


def make_embeddings(
    random: np.random.Generator, faces_each: list[int], *, noise: float = 0.02, dimensions: int = 64
) -> tuple[np.ndarray, np.ndarray]:
    """Unit rows and whose each is. Cosine distance is about dimensions * noise**2 within a person, 1 between two."""
    people = np.repeat(np.arange(len(faces_each)), faces_each)
    rows = np.eye(dimensions)[people] + random.normal(scale=noise, size=(len(people), dimensions))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), people


def on_circle(*degrees: float) -> np.ndarray:
    """Unit rows in the plane, by angle: cosine distances one can work out by hand."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def make_labelled_faces(rows: np.ndarray, people: np.ndarray, qualities: np.ndarray | None = None) -> LabelledFaces:
    """A face a photo, with the same row as embedding and projection; person 7 is called "person 007"."""
    count = len(rows)
    return LabelledFaces(
        files=np.array([f"{number}.jpg" for number in range(count)], dtype=np.str_),
        persons=np.array([f"person {number:03}" for number in people], dtype=np.str_),
        embeddings=rows,
        projections=rows,
        qualities=np.ones(count, np.float32) if qualities is None else np.asarray(qualities, np.float32),
        sides=np.full(count, 100, np.float32),
    )
