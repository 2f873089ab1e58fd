"""Turns distances into the probability that a name is right.

    python -m ml.calibration --faces FACES.npz [--model NAME]

fits the coefficients below on half of the people of a labelled set (FACES.npz as `python -m ml.evaluation embed`
writes it) and reports how far the probabilities are off on the other half. Only coefficients are kept, nothing of
anybody's face.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.arguments import checked_count, checked_flags, checked_number, checked_numbers, checked_whole

if TYPE_CHECKING:
    from ml.evaluation.labelled_faces import LabelledFaces

# Strangers lie about here. Who has no rival in the gallery is compared with a rival this far away.
STRANGER_DISTANCE = 1.0


@dataclass(frozen=True)
class Calibration:
    """A logistic curve over what is known of a probe and a person.

    log odds = intercept + distance * d + margin * (d of the nearest other person - d) + gallery * ln(faces in gallery),
    where d is the cosine distance, on the projection, to the person's nearest confirmed face. The margin tells faces
    that are near to everybody; the size of the gallery matters because among many faces a stranger finds one that is
    near by chance.

    Source: J. Platt, Probabilistic outputs for support vector machines, 1999, with distances for an SVM's scores.
    """

    intercept: float
    distance: float
    margin: float
    gallery: float

    def probabilities(self, distances: NDArray[np.floating], *, gallery_faces: int) -> NDArray[np.float64]:
        """How probable it is that each probe is each person.

        Args:
            distances: shape (n, m), cosine distances 0 to 2: from each of n probes to the nearest confirmed face of
                each of m different people. n and m may be 0.
            gallery_faces: how many confirmed faces these people have together.

        Returns:
            Shape (n, m), 0 to 1. A row may add up to less than 1: the rest is nobody of these people.

        Raises:
            ValueError: distances is not such a matrix, or gallery_faces is less than m.
        """
        near = checked_numbers("distances", distances, None, None).astype(np.float64)
        checked_count("gallery_faces", gallery_faces, least=near.shape[1])
        if not near.size:
            return np.zeros(near.shape)
        return self.of_margins(near, _nearest_rival(near) - near, np.float64(gallery_faces))

    def of_margins(
        self,
        distances: NDArray[np.float64],
        margins: NDArray[np.float64],
        gallery_faces: NDArray[np.float64] | np.float64,
    ) -> NDArray[np.float64]:
        """The curve itself, for arrays of one shape (or a number for all): distances, margins to the next person, and
        how many faces, at least 1, each gallery held.

        Raises:
            ValueError: one of the three has another shape, or holds what is no finite number, or no face.
        """
        shape = np.shape(distances)
        checked_numbers("distances", distances, *shape)
        checked_numbers("margins", margins, *shape)
        checked_numbers("gallery_faces", gallery_faces, *(shape if np.ndim(gallery_faces) else ()))
        if np.min(gallery_faces, initial=1) < 1:
            raise ValueError("gallery_faces must be 1 or more")
        odds = self.intercept + self.distance * distances + self.margin * margins
        return np.asarray(1 / (1 + np.exp(-(odds + self.gallery * np.log(gallery_faces)))))


# Fitted and measured with the command above; see docs/decisions/0015.
CALIBRATIONS = {
    "facenet-casia": Calibration(intercept=12.88, distance=-24.10, margin=6.20, gallery=-0.622),
}


def calibration_for(model: str) -> Calibration:
    """The calibration of a model; that of "facenet-casia" for one we have not measured."""
    return CALIBRATIONS.get(model, CALIBRATIONS["facenet-casia"])


def _nearest_rival(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each entry the smallest other one of its row, at most STRANGER_DISTANCE."""
    walled = np.column_stack([distances, np.full((len(distances), 2), STRANGER_DISTANCE)])
    nearest, second = np.partition(walled, 1, axis=1)[:, :2].T
    rival = np.broadcast_to(nearest[:, None], distances.shape).copy()
    rival[np.arange(len(distances)), distances.argmin(axis=1)] = second
    capped: NDArray[np.float64] = np.minimum(rival, STRANGER_DISTANCE)
    return capped


# Fitting


@dataclass(frozen=True, eq=False)
class NamedProbes:
    """Probes whose nearest person was looked up in galleries of all sizes.

    distances, margins, gallery_faces: shape (n,), the inputs of a Calibration. is_right: shape (n,), whether the
    nearest person is who the probe shows; never for a stranger. weights: shape (n,): each gallery counts the same.
    """

    distances: NDArray[np.float64]
    margins: NDArray[np.float64]
    gallery_faces: NDArray[np.float64]
    is_right: NDArray[np.bool_]
    weights: NDArray[np.float64]


def fit_calibration(probes: NamedProbes) -> Calibration:
    """Fit the curve by maximum likelihood.

    Raises:
        ValueError: the fields of probes differ in shape, are empty or hold what is no finite number, a gallery held no
            face, or all names are right, or all wrong.
    """
    from sklearn.linear_model import LogisticRegression

    _check_probes(probes)

    inputs = np.column_stack([probes.distances, probes.margins, np.log(probes.gallery_faces)])
    curve = LogisticRegression(C=1e6, max_iter=1000).fit(inputs, probes.is_right, sample_weight=probes.weights)
    return Calibration(float(curve.intercept_[0]), *(float(value) for value in curve.coef_[0]))


def _check_probes(probes: NamedProbes) -> None:
    right = checked_flags("probes.is_right", probes.is_right, None)
    if not right.any() or right.all():
        raise ValueError("probes.is_right must hold right names and wrong ones")
    for name in ("distances", "margins", "gallery_faces", "weights"):
        checked_numbers(f"probes.{name}", getattr(probes, name), len(right))
    if probes.gallery_faces.min() < 1:
        raise ValueError("probes.gallery_faces must be 1 or more")


def calibration_error(
    probabilities: NDArray[np.floating], is_right: NDArray[np.bool_] | NDArray[np.floating], *, bins: int = 10
) -> float:
    """Expected calibration error: how far the share that is right lies from the probability, on average over probes.

    Args:
        probabilities: shape (n,), 0 to 1. is_right: shape (n,), yes or no, or the share of trials.
        bins: of equal width.

    Raises:
        ValueError: probabilities is empty, holds what is not from 0 to 1, or differs in length from is_right; or bins
            is not a whole number of at least 1.

    Source: Naeini et al., Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    probabilities = checked_numbers("probabilities", probabilities, None)
    if not len(probabilities) or probabilities.min() < 0 or probabilities.max() > 1:
        raise ValueError("probabilities must not be empty, and from 0 to 1")
    is_right = np.asarray(is_right)
    checked_numbers("is_right", is_right.astype(float) if is_right.dtype == bool else is_right, len(probabilities))
    checked_count("bins", bins)
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = np.bincount(place, probabilities, bins) - np.bincount(place, is_right.astype(float), bins)
    return float(np.abs(gaps).sum() / len(probabilities))


# Galleries of many sizes, because the one of a new library grows from one face to thousands.
PEOPLE_IN_GALLERY = (2, 5, 20, 60, 150)
FACES_PER_PERSON = (1, 3, 10)
PROBES_PER_PERSON = 10
PROBES_PER_SIZE = 600


def named_probes(faces: LabelledFaces, people: NDArray[np.int64], *, poor_quality: float, seed: int) -> NamedProbes:
    """Look faces up in random galleries of some people; for each face of a known person one of a stranger.

    Args:
        faces: a labelled set. people: numbers, as in `faces.identities()`, of those who may occur.
        poor_quality: faces below it are not in a gallery.

    Raises:
        ValueError: people are not such numbers, fewer than two of them have two faces, or none of those a good one; or
            poor_quality is no finite number, or seed below 0.
    """
    checked_number("poor_quality", poor_quality)
    checked_count("seed", seed, least=0)
    _check_people(faces, checked_whole("people", people, None), poor_quality)
    random = np.random.default_rng(seed)
    drawn = [
        part
        for size in PEOPLE_IN_GALLERY
        for confirmed in FACES_PER_PERSON
        for part in _galleries_of(faces, people, size, confirmed, poor_quality, random)
    ]
    joined = [np.concatenate([getattr(part, field.name) for part in drawn]) for field in fields(NamedProbes)]
    return NamedProbes(*joined)


def _check_people(faces: LabelledFaces, people: NDArray[np.int64], poor_quality: float) -> None:
    identities = faces.identities()
    counts = np.bincount(identities)
    if not len(people) or people.min() < 0 or people.max() >= len(counts):
        raise ValueError("people must be numbers of faces.identities()")
    several = people[counts[people] >= 2]
    if len(several) < 2 or not (np.isin(identities, several) & (faces.qualities >= poor_quality)).any():
        raise ValueError("people must hold two with two faces each, one of them good")


def _galleries_of(
    faces: LabelledFaces,
    people: NDArray[np.int64],
    size: int,
    confirmed: int,
    poor_quality: float,
    random: np.random.Generator,
) -> Iterator[NamedProbes]:
    """Galleries of one size, until there are enough probes."""
    identities = faces.identities()
    several = people[np.bincount(identities)[people] >= 2]
    seen = 0
    while seen < PROBES_PER_SIZE:
        known = random.permutation(several)[: min(size, len(several) // 2)]
        gallery: list[int] = []
        probes: list[int] = []
        for person in known:
            members = random.permutation(np.flatnonzero(identities == person))
            good = members[faces.qualities[members] >= poor_quality][: min(confirmed, len(members) - 1)]
            gallery.extend(good)
            probes.extend(np.setdiff1d(members, good)[:PROBES_PER_PERSON] if len(good) else ())
        strangers = np.flatnonzero(np.isin(identities, np.setdiff1d(people, known)))
        probes.extend(random.permutation(strangers)[: len(probes)])
        if gallery:
            seen += len(probes)
            yield _looked_up(faces.projections, identities, np.array(gallery), np.array(probes))


def _looked_up(
    rows: NDArray[np.float32], identities: NDArray[np.int64], gallery: NDArray[np.intp], probes: NDArray[np.intp]
) -> NamedProbes:
    people = np.unique(identities[gallery])
    distances = np.maximum(1 - rows[probes] @ rows[gallery].T, 0).astype(np.float64)
    per_person = np.stack([distances[:, identities[gallery] == person].min(axis=1) for person in people], axis=1)
    nearest = per_person.argmin(axis=1)
    chosen = (np.arange(len(probes)), nearest)
    return NamedProbes(
        distances=per_person[chosen],
        margins=_nearest_rival(per_person)[chosen] - per_person[chosen],
        gallery_faces=np.full(len(probes), float(len(gallery))),
        is_right=people[nearest] == identities[probes],
        weights=np.full(len(probes), 1 / len(probes)),
    )


# The command


def main(arguments: Sequence[str] | None = None) -> None:
    from ml.evaluation.labelled_faces import LabelledFaces
    from ml.identification import thresholds_for

    parser = argparse.ArgumentParser(
        prog="python -m ml.calibration", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--model", default="facenet-casia")
    options = parser.parse_args(arguments)
    faces = LabelledFaces.load(options.faces)
    poor = thresholds_for(options.model).poor_quality
    people = np.random.default_rng(0).permutation(faces.identities().max() + 1)
    half = len(people) // 2
    fitted = fit_calibration(named_probes(faces, people[:half], poor_quality=poor, seed=1))
    held_out = named_probes(faces, people[half:], poor_quality=poor, seed=2)
    print(f"{options.model}, fitted on {half} people: {fitted}")
    print(f"measured on {len(people) - half} other people, {len(held_out.is_right)} faces, half of them strangers'")
    for name, calibration in (("fitted now", fitted), ("shipped", calibration_for(options.model))):
        _print_reliability(name, calibration, held_out)


def _print_reliability(name: str, calibration: Calibration, probes: NamedProbes) -> None:
    probabilities = calibration.of_margins(probes.distances, probes.margins, probes.gallery_faces)
    print(f"\n{name}: expected calibration error {calibration_error(probabilities, probes.is_right):.4f}")
    sizes = np.unique(probes.gallery_faces)
    largest = probes.gallery_faces >= np.quantile(sizes, 0.9)
    error = calibration_error(probabilities[largest], probes.is_right[largest])
    print(f"in the largest galleries ({probes.gallery_faces[largest].min():.0f} faces and more): {error:.4f}")
    print("probability      faces   mean  right")
    edges = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0001)
    for low, high in pairwise(edges):
        chosen = (probabilities >= low) & (probabilities < high)
        if chosen.any():
            mean, right = probabilities[chosen].mean(), probes.is_right[chosen].mean()
            print(f"{low:.2f} to {min(high, 1):.2f} {chosen.sum():9} {mean:6.3f} {right:6.3f}")


if __name__ == "__main__":
    main()
