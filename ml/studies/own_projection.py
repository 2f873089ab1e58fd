"""What a library's own projection gains, on labelled photos: whole libraries, small ones, people who look alike.

    python -m ml.studies.own_projection DATA [--models MODELS] [--faces FACES.npz] [--tables TABLE ...] [--json FILE]

FACES.npz is what `python -m ml.evaluation embed` writes; without it the faces are found and embedded first, which takes
minutes. Where a table says "new photos", the projection was learnt from half of each person's photos, and the names of
the other half are counted, and those of people who are not in the library at all.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from ml.calibration import CALIBRATION, RECENTRED_CALIBRATION, Calibration, calibration_error
from ml.evaluation.labelled_faces import LabelledFaces, embed_labelled
from ml.identification import thresholds_for
from ml.models import DEFAULT_MODEL, projection_path
from ml.own_projection import Answered, learn_projection
from ml.own_projection.naming import names_of
from ml.projection import Projection, library_centre, load_projection, unit_rows

SEEDS = range(3)
SMALL = ((10, 20), (20, 10), (20, 40), (40, 10), (40, 20), (80, 20))  # people, faces of each at most
DRAWS = 6
MIXED = ((0.1, 60, 4), (0.2, 60, 4), (0.35, 20, 10), (0.5, 20, 10))  # share of their own, faces of each, pairs
MANY = 10_000
HOLDS = (0.2, 0.05, 0.015, 0.005, 0.0015)
CONFUSED = 20  # pairs of people
FALSE_RATE = 0.01

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class People:
    """Good faces of known people: rows (n, 512), whose each is and in which photo, (n,) each; qualities (n,)."""

    rows: Matrix
    people: Numbers
    photos: Numbers
    qualities: NDArray[np.float64]

    def only(self, chosen: NDArray[np.bool_]) -> People:
        return People(self.rows[chosen], self.people[chosen], self.photos[chosen], self.qualities[chosen])

    def of_those_with(self, fewest: int) -> People:
        """People with so many faces or more."""
        return self.only(np.isin(self.people, np.flatnonzero(np.bincount(self.people) >= fewest)))

    def answered(self) -> Answered:
        return Answered(self.rows, self.people, self.photos, self.qualities, np.zeros((0, 2), dtype=np.int64))

    def joined(self, other: People) -> People:
        return People(
            np.concatenate([self.rows, other.rows]),
            np.concatenate([self.people, other.people]),
            np.concatenate([self.photos, other.photos]),
            np.concatenate([self.qualities, other.qualities]),
        )


def people_of(faces: LabelledFaces) -> People:
    """Of the faces of a labelled set those that are good enough to compare with."""
    good = faces.qualities >= thresholds_for(DEFAULT_MODEL).poor_quality
    photos = np.unique(faces.files, return_inverse=True)[1].astype(np.int64)
    return People(faces.embeddings, faces.identities(), photos, faces.qualities.astype(np.float64)).only(good)


# Whole libraries, by cross-validation


def learnt(name: str, answered: Answered, base: Projection, shipped: Calibration, seed: int, **more: Any) -> Row:
    """One library, learnt and compared as the product does it."""
    own = learn_projection(answered, base, shipped, seed=seed, **more)
    return {
        "library": name, "faces": own.faces, "people": own.people, "seed": seed,
        "TPIR base": own.base.tpir, "own": own.own.tpir, "gain": own.gain, "low": own.gain_low,
        "ECE base": own.base.calibration_error, "ECE own": own.own.calibration_error,
        "better": own.is_better, "seconds": own.seconds,
    }  # fmt: skip


def whole_libraries(people: People, base: Projection) -> Iterator[Row]:
    for fewest in (2, 5, 10):
        answered = people.of_those_with(fewest).answered()
        for seed in SEEDS:
            yield learnt(f"{fewest} photos or more", answered, base, CALIBRATION, seed)
    answered = people.of_those_with(2).answered()
    centre = library_centre(base.apply(answered.embeddings), answered.people)
    for seed in SEEDS:
        yield learnt("2 or more, recentred", answered, base, RECENTRED_CALIBRATION, seed, centre=centre)


def holds(people: People, base: Projection) -> Iterator[Row]:
    """How firmly the projection is held near the base."""
    libraries = {"5 photos or more": people.of_those_with(5)}
    for share, faces_each, pairs in MIXED[1:2]:
        libraries[f"with {pairs} pairs, own share {share}"] = with_mixed_pairs(people, share, faces_each, pairs)[0]
    for name, library in libraries.items():
        for hold in HOLDS:
            yield {"hold": hold} | learnt(name, library.answered(), base, CALIBRATION, 0, hold=hold)


# New photos


@dataclass(frozen=True)
class Outcome:
    """Of new photos of known people and of strangers: share named rightly where 1 % of strangers are named, share of
    known people's faces given another's name, and the calibration error."""

    tpir: float
    wrong: float
    ece: float


def on_new_photos(library: People, strangers: People, base: Projection) -> Row:
    """Learn from half of each person's photos and name the others."""
    is_learnt = np.zeros(len(library.people), dtype=bool)
    random = np.random.default_rng(0)
    for person in np.unique(library.people):
        theirs = random.permutation(np.flatnonzero(library.people == person))
        is_learnt[theirs[: (len(theirs) + 1) // 2]] = True
    gallery, probes = library.only(is_learnt), library.only(~is_learnt).joined(strangers)
    own = learn_projection(gallery.answered(), base, CALIBRATION)
    before = outcome(gallery, probes, base, own.base_calibration)
    after = outcome(gallery, probes, own.projection, own.calibration)
    return {
        "faces": own.faces, "people": own.people, "better": own.is_better, "gain": own.gain, "low": own.gain_low,
        "new: TPIR base": before.tpir, "own": after.tpir, "wrong base": before.wrong, "wrong own": after.wrong,
        "ECE base": before.ece, "ECE own": after.ece,
    }  # fmt: skip


def outcome(gallery: People, probes: People, projection: Projection, calibration: Calibration) -> Outcome:
    person, probability = names_of(
        projection.apply(probes.rows), probes.qualities, projection.apply(gallery.rows), gallery.people, calibration
    )
    known, right = np.isin(probes.people, gallery.people), person == probes.people
    limit = np.quantile(probability[~known], 1 - FALSE_RATE, method="higher") if (~known).any() else 0.0
    return Outcome(
        float((right & (probability > limit))[known].mean()),
        float((~right)[known].mean()),
        calibration_error(probability, right),
    )


def small_libraries(people: People, base: Projection) -> Iterator[Row]:
    """Random libraries of a size: how often a projection is taken, and what it then does on photos nobody has seen."""
    several = people.of_those_with(10)
    for count, faces_each in SMALL:
        rows = []
        for draw in range(DRAWS):
            random = np.random.default_rng((count, faces_each, draw))
            chosen = random.permutation(np.unique(several.people))[:count]
            library = several.only(np.isin(several.people, chosen) & _at_most(several.people, 2 * faces_each, random))
            strangers = people.only(~np.isin(people.people, chosen))
            if len(library.people) // 2 >= 200:
                rows.append(on_new_photos(library, strangers, base))
        if rows:
            yield {"people": count, "faces each": faces_each, "libraries": len(rows)} | _means(rows)


def _at_most(people: Numbers, most: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which faces are one of so many of their person, at random."""
    order = random.permutation(len(people))
    order = order[np.argsort(people[order], kind="stable")]
    first = np.searchsorted(people[order], people[order])
    chosen = np.zeros(len(people), dtype=bool)
    chosen[order] = np.arange(len(order)) - first < most
    return chosen


def _means(rows: list[Row]) -> Row:
    """Of several libraries; how many were better, and the means of numbers, of all and of those alone."""
    better = [row for row in rows if row["better"]]

    def mean(some: list[Row], name: str) -> float:
        return float(np.mean([row[name] for row in some])) if some else float("nan")

    names = ("gain", "new: TPIR base", "own", "wrong base", "wrong own", "ECE base", "ECE own")
    gained = mean(better, "own") - mean(better, "new: TPIR base")
    return {"better": len(better)} | {name: mean(rows, name) for name in names} | {"gain where better": gained}


# People who look alike


def confused_pairs(people: People, base: Projection) -> Iterator[Row]:
    """The pairs of people with ten faces or more whom the base confuses most, alone and among everybody."""
    several = people.of_those_with(10)
    pairs = most_alike(several, base, CONFUSED)
    chosen = np.isin(several.people, pairs.ravel())
    library, others = several.only(chosen), people.only(~np.isin(people.people, pairs.ravel()))
    yield {"library": f"the {CONFUSED} pairs alone"} | on_new_photos(library, others, base)
    known = others.of_those_with(4)
    strangers = others.only(~np.isin(others.people, known.people))
    yield {"library": "with all people of four photos"} | on_new_photos(library.joined(known), strangers, base)


def most_alike(people: People, base: Projection, count: int) -> Numbers:
    """Pairs of people, shape (count, 2), whose faces are most often nearest to one of the other's, and then whose mean
    faces are nearest."""
    rows = base.apply(people.rows)
    numbers, place = np.unique(people.people, return_inverse=True)
    similar = rows @ rows.T
    similar[place[:, None] == place] = -np.inf
    taken = np.zeros((len(numbers), len(numbers)))
    np.add.at(taken, (place, place[similar.argmax(axis=1)]), 1)
    taken /= np.bincount(place)[:, None]
    means = unit_rows(np.stack([rows[place == number].mean(axis=0) for number in range(len(numbers))]))
    one, other = np.triu_indices(len(numbers), 1)
    score = (taken + taken.T)[one, other] + (means @ means.T)[one, other]
    best = np.argsort(-score, kind="stable")[:count]
    return np.column_stack([numbers[one[best]], numbers[other[best]]]).astype(np.int64)


def mixed_pairs(people: People, base: Projection) -> Iterator[Row]:
    """Pairs who look alike: the mean faces of two people, interpolated, each with what real faces differ from their
    mean by; among all other people of four photos or more."""
    for share, faces_each, pairs in MIXED:
        drawn = [with_mixed_pairs(people, share, faces_each, pairs, draw=draw) for draw in range(DRAWS)]
        rows = [on_new_photos(library, strangers, base) for library, strangers in drawn]
        yield {"own share": share, "pairs": pairs, "faces each": faces_each, "libraries": DRAWS} | _means(rows)


def with_mixed_pairs(
    people: People, share: float, faces_each: int, pairs: int, *, draw: int = 0
) -> tuple[People, People]:
    """A library with such pairs, and strangers. share: of a face's identity that is its own, the rest is the pair's
    mean; 0 makes them one person. faces_each: learnt from; as many again are new."""
    random = np.random.default_rng((round(100 * share), faces_each, pairs, draw))
    several = people.of_those_with(5)
    numbers, place = np.unique(several.people, return_inverse=True)
    means = np.stack([several.rows[place == number].mean(axis=0) for number in range(len(numbers))])
    sizes = np.bincount(place)
    noise = (several.rows - means[place]) * np.sqrt(sizes / (sizes - 1))[place, None]
    chosen = random.permutation(len(numbers))[: 2 * pairs]
    middles = np.repeat((means[chosen[::2]] + means[chosen[1::2]]) / 2, 2, axis=0)
    identities = share * means[chosen] + (1 - share) * middles
    identities *= np.linalg.norm(means[chosen], axis=1, keepdims=True) / np.linalg.norm(
        identities, axis=1, keepdims=True
    )
    who = np.repeat(np.arange(2 * pairs), 2 * faces_each)
    drawn = np.resize(random.permutation(len(noise)), len(who))
    first_photo, first_person = int(people.photos.max()) + 1, int(people.people.max()) + 1
    mixed = People(
        unit_rows(identities[who] + noise[drawn]), first_person + who, first_photo + np.arange(len(who)),
        several.qualities[drawn],
    )  # fmt: skip
    others = people.only(~np.isin(people.people, numbers[chosen]))
    known = others.of_those_with(4)
    return known.joined(mixed), others.only(~np.isin(others.people, known.people))


# Time


def time_many(people: People, base: Projection) -> Iterator[Row]:
    """Ten thousand faces of 400 invented people, of most few and of some hundreds."""
    random = np.random.default_rng(0)
    sizes = np.maximum(random.lognormal(3, 1.2, 400), 1)
    who = np.sort(random.choice(400, MANY, p=sizes / sizes.sum()))
    several = people.of_those_with(5)
    identities = unit_rows(random.normal(size=(400, 128))) @ base.basis * 0.7
    rows = several.rows[random.integers(0, len(several.rows), MANY)] * 0.7 + identities[who]
    answered = Answered(
        unit_rows(rows), who, random.integers(0, MANY, MANY), np.full(MANY, 0.6), np.zeros((0, 2), dtype=np.int64)
    )
    spent, said = time.process_time(), [time.monotonic()]
    row = learnt(f"{MANY} faces", answered, base, CALIBRATION, 0, report=lambda share: said.append(time.monotonic()))
    yield row | {"processor": time.process_time() - spent, "longest silence": float(np.diff(said).max())}


# Tables


def write_rows(title: str, rows: Iterable[Row]) -> list[Row]:
    """Print rows of one form as a table, and give them back."""
    kept = list(rows)
    table = Table(*map(str, kept[0]), title=title)
    for row in kept:
        table.add_row(*[f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row.values()])
    Console(width=200).print(table)
    return kept


TABLES: dict[str, Callable[[People, Projection], Iterator[Row]]] = {
    "whole": whole_libraries,
    "holds": holds,
    "small": small_libraries,
    "confused": confused_pairs,
    "mixed": mixed_pairs,
    "many": time_many,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--tables", nargs="*", choices=list(TABLES), default=list(TABLES), metavar="TABLE")
    parser.add_argument("--json", type=Path, help="write all rows there")
    chosen = parser.parse_args()
    faces = LabelledFaces.load(chosen.faces) if chosen.faces else embed_labelled(chosen.data, chosen.models)
    people, base = people_of(faces), load_projection(projection_path(chosen.models, DEFAULT_MODEL))
    written = {title: write_rows(title, TABLES[title](people, base)) for title in chosen.tables}
    if chosen.json:
        chosen.json.write_text(json.dumps(written, indent=1))


if __name__ == "__main__":
    main()
