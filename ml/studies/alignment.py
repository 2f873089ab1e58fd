"""Which cut of a face the network recognises best: on level heads, on tilted ones, and in photos from the web.

Every cut is measured as it comes and with the mean embedding of other people taken away, a few also averaged with
their mirror image. Embeddings are kept in the output folder, so that a run that was broken off goes on where it was.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console

from ml.alignment import tilt
from ml.arguments import checked_flags, checked_numbers, checked_whole
from ml.detection import detect_faces
from ml.embedding import embed_faces
from ml.engine import Engine, open_engine
from ml.evaluation.labels import LabelledFace, LabelledPhoto, read_labelled_photos
from ml.evaluation.verification import all_pairs, pair_accuracy, true_accept_rate
from ml.images import open_upright
from ml.projection import unit_rows
from ml.studies.cuts import CUTS, SHIPPED, Cut
from ml.studies.tables import write_table

LEVEL_PEOPLE, TILTED_PEOPLE = 350, 200
DEGREES = (15, 30, 45)
REFERENCE = "box, margin 32"
MIRRORED = (REFERENCE,)
FOR_TILTED = (REFERENCE, "five points, stretched, margin 32", "turned upright beyond 10 degrees")
RESAMPLES = 2000

LFW = "people/"  # where the labelled set keeps it


@dataclass(frozen=True, eq=False)
class LocatedFace:
    """A labelled face and where the detector sees it: corners, shape (4,), and landmarks, shape (5, 2), in pixels."""

    file: str
    person: str
    image: Image.Image
    corners: NDArray[np.float32]
    landmarks: NDArray[np.float32]


@dataclass(frozen=True)
class Verification:
    """accuracy: of as many pairs of strangers as of one person. tar_1, tar_01: share of pairs of one person that are
    accepted when 1 % and 0.1 % of all pairs of strangers are. accepted: shape (n,), by pair, for the latter."""

    accuracy: float
    tar_1: float
    tar_01: float
    accepted: NDArray[np.bool_]


def run(data: Path, models_dir: Path, output: Path) -> None:
    """Measure all cuts and write tables (CSV) into `output`; half an hour on two cores."""
    output.mkdir(parents=True, exist_ok=True)
    study = _Study(open_engine(models_dir, "facenet-casia", "cpu"), output)
    level = study.locate(data, two_each(photos_of_pairs(data)))
    study.level_table(level)
    study.tilted_table(level)
    web = [photo for photo in read_labelled_photos(data) if not photo.file.startswith(LFW)]
    study.web_table(study.locate(data, web), level)


def two_each(photos: Sequence[LabelledPhoto]) -> list[LabelledPhoto]:
    """Two photos each of some of the people who have so many, always the same ones."""
    by_person = defaultdict(list)
    for photo in photos:
        by_person[str(photo.faces[0].person)].append(photo)
    random = np.random.default_rng(0)
    two = {
        person: {by_person[person][number].file for number in random.permutation(len(by_person[person]))[:2]}
        for person in sorted(by_person)
        if len(by_person[person]) >= 2
    }
    chosen = set().union(*(two[person] for person in random.permutation(sorted(two))[:LEVEL_PEOPLE].tolist()))
    return [photo for photo in photos if photo.file in chosen]


def photos_of_pairs(data: Path) -> list[LabelledPhoto]:
    """The photos of the pairs in lfw_pairs.csv."""
    with (data / "lfw_pairs.csv").open(newline="") as lines:
        files = {row[end] for row in csv.DictReader(lines) for end in ("file1", "file2")}
    return [photo for photo in read_labelled_photos(data) if photo.file in files]


class _Study:
    """The networks, and the folder where results are kept."""

    def __init__(self, engine: Engine, output: Path) -> None:
        self._engine = engine
        self._output = output

    # Faces and embeddings

    def locate(self, data: Path, photos: Sequence[LabelledPhoto]) -> list[LocatedFace]:
        """Find the named faces; those the detector misses are left out."""

        def find(photo: LabelledPhoto) -> list[LocatedFace]:
            image = open_upright(data / photo.file)
            named = [face for face in photo.faces if face.person is not None]
            places = self._find(image, named)
            return [
                LocatedFace(photo.file, str(face.person), image, *place)
                for face, place in zip(named, places, strict=True)
                if place is not None
            ]

        with ThreadPoolExecutor(self._engine.lanes) as threads:
            return [face for faces in threads.map(find, photos) for face in faces]

    def _find(
        self, image: Image.Image, faces: Sequence[LabelledFace]
    ) -> list[tuple[NDArray[np.float32], NDArray[np.float32]] | None]:
        """Corners and landmarks of each labelled face: of the detected ones with their middle in the box that whose
        middle is nearest to the box's, or the largest where nobody drew a box."""
        found = detect_faces(image, self._engine)
        middles = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        places: list[tuple[NDArray[np.float32], NDArray[np.float32]] | None] = []
        for face in faces:
            if face.box is None:
                preference = np.prod(found.boxes[:, 2:] - found.boxes[:, :2], axis=1)
            else:
                half = np.array(face.box[2:]) / 2
                away = middles - (np.array(face.box[:2]) + half)
                preference = np.where((np.abs(away) <= half).all(axis=1), -np.linalg.norm(away, axis=1), -np.inf)
            best = int(np.argmax(preference)) if len(found) else -1
            sees = best >= 0 and np.isfinite(preference[best])
            places.append((found.boxes[best], found.landmarks[best]) if sees else None)
        return places

    def embed(
        self, name: str, faces: Sequence[LocatedFace], cut: Cut, *, mirrored: bool = False
    ) -> NDArray[np.float32]:
        """Embeddings, shape (n, 512), kept under this name."""

        def pixels(face: LocatedFace) -> NDArray[np.uint8]:
            crop = cut(face.image, face.corners, face.landmarks)
            return crop[:, ::-1] if mirrored else crop

        def embed_all() -> NDArray[np.float32]:
            with ThreadPoolExecutor(self._engine.lanes) as threads:
                return embed_faces(list(threads.map(pixels, faces)), self._engine, threads)

        return self._kept(f"{name}{' mirrored' if mirrored else ''}", embed_all)

    def _kept(self, name: str, make: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        path = self._output / f"{name}.npy"
        if not path.exists():
            np.save(path, make())
        kept: NDArray[np.float32] = np.load(path)
        return kept

    # The tables

    def level_table(self, faces: Sequence[LocatedFace]) -> None:
        """LFW: two photos each of some people."""
        people = _numbers(faces)
        embeddings = {name: self.embed(f"level, {name}", faces, cut) for name, cut in CUTS.items()}
        for name in MIRRORED:
            mirrored = self.embed(f"level, {name}", faces, CUTS[name], mirrored=True)
            embeddings[f"{name}, with its mirror image"] = unit_rows(embeddings[name] + mirrored)
        reference = verify(embeddings[REFERENCE], people, centred=True)
        rows = []
        for name, rows_of_cut in embeddings.items():
            plain, centred = (verify(rows_of_cut, people, centred=centred) for centred in (False, True))
            low, high = gain_interval(reference.accepted, centred.accepted)
            scores = [getattr(score, what) for score in (plain, centred) for what in ("accuracy", "tar_1", "tar_01")]
            rows.append([name, *scores, f"{low:+.3f} to {high:+.3f}"])
        header = ["cut", "accuracy", "TAR 1 %", "TAR 0.1 %", "centred: accuracy", "TAR 1 %", "TAR 0.1 %"]
        header += ["gain in the last, 95 %"]
        write_table(f"{len(faces)} photos of LFW", header, rows, self._output / "alignment-level.csv")

    def tilted_table(self, faces: Sequence[LocatedFace]) -> None:
        """LFW: one photo as it is, the other turned about the face. A face not found counts as not recognised."""
        firsts = [n for n in range(len(faces) - 1) if faces[n].person == faces[n + 1].person][:TILTED_PEOPLE]
        others = np.arange(firsts[-1] + 2, len(faces))
        rows = []
        for degrees in DEGREES:
            turned = [
                self._turned(faces[first + 1], degrees if number % 2 else -degrees)
                for number, first in enumerate(firsts)
            ]
            found = np.array([face is not None for face in turned])
            probes = [face for face in turned if face is not None]
            accepted: dict[str, NDArray[np.bool_]] = {}
            for name in FOR_TILTED:
                level = self.embed(f"level, {name}", faces, CUTS[name])
                known, centre = level[firsts], level[others].mean(axis=0)
                probed = np.zeros_like(known)
                probed[found] = self.embed(f"turned {degrees}, {name}", probes, CUTS[name])
                row: list[object] = [degrees, float(found.mean()), name]
                same = np.eye(len(firsts), dtype=bool)
                for middle in (np.zeros_like(centre), centre):
                    distances = 1 - unit_rows(known - middle) @ unit_rows(probed - middle).T
                    distances[:, ~found] = 2.0
                    row += [true_accept_rate(distances.ravel(), same.ravel(), rate) for rate in (0.01, 0.001)]
                accepted[name] = distances[same] < np.quantile(distances[~same], 0.001, method="lower")
                low, high = gain_interval(accepted[REFERENCE], accepted[name])
                rows.append([*row, f"{low:+.3f} to {high:+.3f}"])
        header = ["degrees", "found", "cut", "TAR 1 %", "TAR 0.1 %", "centred: TAR 1 %", "TAR 0.1 %"]
        header += ["gain in the last, 95 %"]
        write_table(f"{len(firsts)} heads turned", header, rows, self._output / "alignment-tilted.csv")

    def _turned(self, face: LocatedFace, degrees: int) -> LocatedFace | None:
        """The face as detected in its photo turned about it."""
        left, top, right, bottom = (float(value) for value in face.corners)
        middle = ((left + right) / 2, (top + bottom) / 2)
        image = face.image.rotate(degrees, Image.Resampling.BICUBIC, center=middle)
        place = self._find(image, [LabelledFace(face.person, (left, top, right - left, bottom - top))])[0]
        return LocatedFace(face.file, face.person, image, *place) if place is not None else None

    def web_table(self, faces: Sequence[LocatedFace], level: Sequence[LocatedFace]) -> None:
        """Photos that are not LFW's: all pairs; the mean is LFW's."""
        people = _numbers(faces)
        leaning = np.abs(np.rad2deg([tilt(face.landmarks) for face in faces]))
        rows = []
        for name in (*FOR_TILTED, SHIPPED):
            embeddings = self.embed(f"web, {name}", faces, CUTS[name])
            centre = self.embed(f"level, {name}", level, CUTS[name]).mean(axis=0)
            row: list[object] = [name]
            for middle in (np.zeros_like(centre), centre):
                distances, same = all_pairs(unit_rows(embeddings - middle), people)
                row += [true_accept_rate(distances.ravel(), same.ravel(), rate) for rate in (0.01, 0.001)]
            rows.append(row)
        header = ["cut", "TAR 1 %", "TAR 0.1 %", "centred: TAR 1 %", "TAR 0.1 %"]
        title = f"{len(faces)} faces in web photos, {(leaning > 10).sum()} of which lean by more than 10 degrees"
        write_table(title, header, rows, self._output / "alignment-web.csv")
        Console().print(f"They lean by {np.median(leaning):.1f} degrees (median), at most {leaning.max():.0f}.")


# Scores


def verify(embeddings: NDArray[np.float32], people: NDArray[np.int64], *, centred: bool) -> Verification:
    """Compare all faces within each half of the people, after taking away the other half's mean if `centred`.

    Args:
        embeddings: shape (n, d), unit rows. people: shape (n,), numbers from 0.

    Raises:
        ValueError: one of them has another shape or holds what is no finite number, or the people are too few to have
            in both halves pairs of one person, and as many of two.
    """
    embeddings = checked_numbers("embeddings", embeddings, None, None)
    people = checked_whole("people", people, len(embeddings))
    if not len(people) or people.min() < 0 or people.max() < 1:
        raise ValueError("people must be numbers from 0, and at least two")
    half = np.random.default_rng(1).permutation(int(people.max()) + 1)[people] % 2
    parts = []
    for number in (0, 1):
        mean = embeddings[half != number].mean(axis=0) if centred else 0
        parts.append(all_pairs(unit_rows(embeddings[half == number] - mean), people[half == number]))
    distances, same = (np.concatenate(values) for values in zip(*parts, strict=True))
    if not 0 < same.sum() <= (~same).sum():
        raise ValueError("people must have pairs of faces, and as many of two people within each half")
    strangers = np.random.default_rng(2).choice(np.flatnonzero(~same), same.sum(), replace=False)
    balanced = np.stack([np.flatnonzero(same), strangers], axis=1).ravel()
    limit = np.quantile(distances[~same], 0.001, method="lower")
    return Verification(
        accuracy=pair_accuracy(distances[balanced], same[balanced]),
        tar_1=true_accept_rate(distances, same, 0.01),
        tar_01=true_accept_rate(distances, same, 0.001),
        accepted=distances[same] < limit,
    )


def gain_interval(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % interval of how much more of the same pairs are accepted after than before, by bootstrap over the pairs.

    Raises:
        ValueError: before and after are not yes or no for each of the same pairs, or there are none.
    """
    if not len(checked_flags("before", before, None)):
        raise ValueError("before must hold a pair at least")
    checked_flags("after", after, len(before))
    gains = after.astype(float) - before
    drawn = np.random.default_rng(3).integers(len(gains), size=(RESAMPLES, len(gains)))
    low, high = np.quantile(gains[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


def _numbers(faces: Sequence[LocatedFace]) -> NDArray[np.int64]:
    return np.unique([face.person for face in faces], return_inverse=True)[1].astype(np.int64)
