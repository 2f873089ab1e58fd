"""Embeddings of invented people: one axis each, and noise."""

import numpy as np


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
