"""Answers of invented owners: embeddings of 512 dimensions, of which the first 128 say something."""

from dataclasses import dataclass

import numpy as np

from ml.own_projection import Answered
from ml.projection import Projection, unit_rows

EMBEDDING_SIZE, DIMENSIONS = 512, 128
SPREAD = 0.045  # of a face around its person, in each of the 128 dimensions
MOODS = 6  # directions in which everybody's faces differ much: light, pose, age
MOOD = 0.3  # how much
BASE = Projection(np.zeros(EMBEDDING_SIZE, np.float32), np.eye(DIMENSIONS, EMBEDDING_SIZE, dtype=np.float32))
NO_NOES = np.zeros((0, 2), dtype=np.int64)


@dataclass
class World:
    """People, and how their faces differ from photo to photo."""

    random: np.random.Generator
    identities: np.ndarray  # (people, 512), unit rows
    moods: np.ndarray  # (moods, 512)
    mood: float

    def faces(self, people: np.ndarray) -> np.ndarray:
        """Unit rows of new faces of these people, by number."""
        rows = self.identities[people]
        rows = rows + self.random.normal(scale=self.mood, size=(len(people), len(self.moods))) @ self.moods
        rows[:, :DIMENSIONS] += self.random.normal(scale=SPREAD, size=(len(people), DIMENSIONS))
        return unit_rows(rows)


def make_world(random: np.random.Generator, people: int, *, alike: int = 0, likeness: float = 0.4, mood=MOOD) -> World:
    """People of whom the first `alike` are pairs that look alike: each made by interpolating between two identities."""
    directions = np.zeros((people, EMBEDDING_SIZE))
    directions[:, :DIMENSIONS] = random.normal(size=(people, DIMENSIONS))
    identities = unit_rows(directions)
    one, other = identities[0:alike:2].copy(), identities[1:alike:2].copy()
    identities[0:alike:2] = unit_rows((1 - likeness) * one + likeness * other)
    identities[1:alike:2] = unit_rows(likeness * one + (1 - likeness) * other)
    moods = np.zeros((MOODS, EMBEDDING_SIZE))
    moods[:, :DIMENSIONS] = np.linalg.qr(random.normal(size=(DIMENSIONS, MOODS)))[0].T
    return World(random, identities, moods, mood)


def make_answers(world: World, faces_each: int, *, people: int | None = None) -> Answered:
    """A face a photo, of the first so many people."""
    who = np.repeat(np.arange(people or len(world.identities)), faces_each)
    return answers_of(world.faces(who), who)


def answers_of(rows: np.ndarray, people: np.ndarray, photos: np.ndarray | None = None, noes=NO_NOES) -> Answered:
    count = len(rows)
    photos = np.arange(count) if photos is None else photos
    return Answered(rows, people, photos, np.full(count, 0.6), np.array(noes, dtype=np.int64).reshape(-1, 2))
