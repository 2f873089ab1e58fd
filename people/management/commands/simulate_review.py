"""Measures how many answers naming the people of a labelled folder takes, beside how others would ask."""

import io
import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from accounts.models import User
from ml import weights
from ml.evaluation.answers import AnswerCurve, baselines, one_answer_each
from ml.evaluation.labelled_faces import LabelledFaces, find_labelled
from ml.evaluation.labels import BadLabels, read_folder
from ml.faces import FaceFinder
from ml.studies.line_plot import Line, line_plot
from people.management.commands.evaluate import face_finder
from people.models import Face
from people.receivers import SUGGEST_AGAIN, suggest_again
from people.signals import answers_changed
from people.simulation import SimulatedUser, make_library, review_all
from people.vectors import centre_in_use, load_faces
from photos.face_model import wanted_face_model

SHARES = (0.80, 0.90, 0.95)
FEWEST_PHOTOS = 5
NAMES = {
    "each_face": "name every face",
    "dbscan_clusters": "name DBSCAN's clusters",
    "nearest_neighbour": "nearest neighbours, as Immich",
}
SHORT_NAMES = {"each_face": "every face", "dbscan_clusters": "DBSCAN", "nearest_neighbour": "as Immich"}
MOST_PLOTTED = 0.30  # answers per face


@dataclass(frozen=True)
class Contest:
    """Kith's curve, the floor, and those of the baselines with the cut that is best for each, on the same faces.

    forecasts: before each question, the clicks that the page said were left.
    """

    kith: AnswerCurve
    forecasts: list[int]
    floor: AnswerCurve
    baselines: dict[str, tuple[float | None, AnswerCurve]]


class Command(BaseCommand):
    help = (
        "Answer the review queue as somebody who knows the labels of a folder, and count the answers until 80, 90 and "
        "95 %% of the faces bear the right name. Works in a database of its own, which is dropped afterwards."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="labels.csv and photos, or one folder for each person")
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
        parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the curves into this file, as SVG")
        parser.add_argument(
            "--fewest-photos",
            type=int,
            default=FEWEST_PHOTOS,
            metavar="N",
            help=(
                "people with fewer photos are strangers, whom the user does not name (default: %(default)s; where "
                "nobody has so many, everybody is to be named)"
            ),
        )
        parser.add_argument(
            "--unknown",
            type=float,
            default=0.0,
            metavar="SHARE",
            help="this share of the people to be named, drawn at random, are strangers, too (default: %(default)s)",
        )
        parser.add_argument("--models", type=Path, default=settings.KITH_MODELS, metavar="DIR", help="the weights")
        parser.add_argument("--model", default=wanted_face_model(), metavar="NAME", help="the embedding model")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if not 0 <= options["unknown"] < 1:
            raise CommandError("--unknown is a share of the people: at least 0, below 1.")
        for file in (options["json"], options["plot"]):
            if file is not None and not file.resolve().parent.is_dir():
                raise CommandError(f"There is no folder to write {file} to.")
        self.is_quiet = options["verbosity"] == 0
        try:
            finder = face_finder(options["models"], options["model"])
            faces = self._faces_of(folder, finder)
        except (BadLabels, weights.WeightsUnavailable) as error:
            raise CommandError(str(error)) from error
        to_name = whom_to_name(faces, options["fewest_photos"], unknown=options["unknown"])
        contest = self._contest(faces, to_name, finder.model_name)
        self.stdout.write(tables(contest))
        try:
            if options["json"] is not None:
                options["json"].write_text(json.dumps(as_json(contest), indent=2) + "\n", "utf-8")
            if options["plot"] is not None:
                options["plot"].write_text(plot(contest), "utf-8")
        except OSError as error:
            raise CommandError(f"The results cannot be written. {error}") from error

    def _faces_of(self, folder: Path, finder: FaceFinder) -> LabelledFaces:
        labelled = read_folder(folder)
        with self._bar("Finding faces") as bar:
            task = bar.add_task("", total=len(labelled.photos))
            findings = find_labelled(labelled, finder, progress=lambda done: bar.advance(task, done))
        faces = findings.faces.only(findings.found)
        if not len(faces):
            raise CommandError(" ".join(["No labelled face is found.", *findings.problems[:3]]))
        return faces

    def _contest(self, faces: LabelledFaces, to_name: NDArray[np.bool_], model: str) -> Contest:
        people = faces.identities()
        with own_database(), self._bar("Answering") as bar:
            owner = User.objects.create_user("simulated", face_analysis=User.FaceAnalysis.ON)
            pks = make_library(owner, faces, model=model)
            user = SimulatedUser(owner, dict(zip(pks, people.tolist(), strict=True)), set(people[to_name].tolist()))
            task = bar.add_task("", total=int(to_name.sum() * SHARES[-1]))
            review = review_all(user, share=SHARES[-1], report=lambda right, _: bar.update(task, completed=right))
            # The others get the faces as Kith compares them, with the library's centre taken away.
            rows = load_faces(Face.objects.owned_by(owner), centre=centre_in_use(owner.pk, model)).rows
        others = baselines(rows, people, to_name, share=SHARES[-1])
        return Contest(review.curve, review.forecasts, one_answer_each(people, to_name), others)

    def _bar(self, words: str) -> Progress:
        columns = (TextColumn(words), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        return Progress(*columns, console=Console(stderr=True), disable=self.is_quiet)


def whom_to_name(faces: LabelledFaces, fewest_photos: int, *, unknown: float = 0.0) -> NDArray[np.bool_]:
    """Shape (n,): the faces of people in so many photos; all, where nobody is in as many.

    unknown: the share of these people who are strangers all the same: always the same ones, drawn at random.
    """
    people = faces.identities()
    photos_of: list[set[str]] = [set() for _ in range(int(people.max()) + 1)]
    for person, file in zip(people.tolist(), faces.files.tolist(), strict=True):
        photos_of[person].add(file)
    photos = np.array([len(photos_of[person]) for person in people.tolist()])
    is_known = photos >= fewest_photos
    to_name = is_known if is_known.any() else np.ones(len(people), dtype=bool)
    known = np.random.default_rng(0).permutation(np.unique(people[to_name]))
    return to_name & ~np.isin(people, known[: round(unknown * len(known))])


@contextmanager
def own_database() -> Iterator[None]:
    """A database of its own, migrated, for as long as the block runs; no worker hears of what happens there."""
    ours = connection.settings_dict["NAME"]
    connection.settings_dict["TEST"]["NAME"] = f"simulation_{os.getpid()}"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    except (DatabaseError, SystemExit) as error:
        raise CommandError(f"No database can be made for the simulation. {error}") from error
    answers_changed.disconnect(dispatch_uid=SUGGEST_AGAIN)
    try:
        yield
    finally:
        answers_changed.connect(suggest_again, dispatch_uid=SUGGEST_AGAIN)
        connection.creation.destroy_test_db(ours, verbosity=0)


def tables(contest: Contest) -> str:
    table = Table("", *(f"to {share:.0%}" for share in SHARES), "wrong names", "cut", title="Answers per face")
    table.add_row("Kith", *_row(contest.kith), "")
    for name, (cut, curve) in contest.baselines.items():
        table.add_row(NAMES[name], *_row(curve), "" if cut is None else f"{cut:.2f}")
    table.add_row("one answer per person (floor)", *_row(contest.floor), "")
    text = io.StringIO()
    Console(file=text, width=100).print(table)
    best = _best_baseline(contest)
    ours, floor = contest.kith.answers_per_face(SHARES[-1]), contest.floor.answers_per_face(SHARES[-1])
    if ours is not None and best is not None and floor is not None:
        text.write(
            f"{1 - ours / best:.0%} fewer answers than the best of the others, {ours / floor:.2f} of the floor.\n"
        )
    if ours is not None:
        text.write(
            f"Forecast before the first question: {contest.forecasts[0]} clicks; it took {contest.kith.answers[-1]}.\n"
        )
        text.write(f"Forecasts of the first half were off by {forecast_error(contest):.0%} (median).\n")
    return text.getvalue()


def forecast_error(contest: Contest) -> float:
    """By which share of the clicks really left the forecasts were wrong, the median over the first half."""
    left = contest.kith.answers[-1] - contest.kith.answers[: len(contest.forecasts)]
    half = max(len(left) // 2, 1)
    return float(np.median(np.abs(np.array(contest.forecasts[:half]) - left[:half]) / np.maximum(left[:half], 1)))


def _row(curve: AnswerCurve) -> list[str]:
    figures = [curve.answers_per_face(share) for share in SHARES]
    wrong = curve.wrong_names(SHARES[-1])
    return [*("never" if f is None else f"{f:.4f}" for f in figures), "" if wrong is None else f"{wrong:.2%}"]


def _best_baseline(contest: Contest) -> float | None:
    figures = [curve.answers_per_face(SHARES[-1]) for _, curve in contest.baselines.values()]
    return min((figure for figure in figures if figure is not None), default=None)


def as_json(contest: Contest) -> dict[str, object]:
    """All figures, for other programs."""
    return {
        "faces": contest.kith.faces,
        **_figures(contest.kith),
        "floor": _figures(contest.floor)["answers_per_face"],
        "forecast": {"at_start": contest.forecasts[0], "median_error": forecast_error(contest)},
        "baselines": {name: {"cut": cut} | _figures(curve) for name, (cut, curve) in contest.baselines.items()},
    }


def _figures(curve: AnswerCurve) -> dict[str, Any]:
    return {
        "answers_per_face": {f"{share:.2f}": curve.answers_per_face(share) for share in SHARES},
        "wrong_names": curve.wrong_names(SHARES[-1]),
    }


def plot(contest: Contest) -> str:
    """The curves: answers per face across, faces that bear their name up. Where they still differ."""
    curves = {"Kith": contest.kith, "floor": contest.floor} | {n: curve for n, (_, curve) in contest.baselines.items()}
    lines = []
    for name, curve in curves.items():
        shown = curve.answers <= MOST_PLOTTED * curve.faces
        across, up = curve.answers[shown] / curve.faces, curve.right[shown] / curve.faces
        lines.append(Line(SHORT_NAMES.get(name, name), across.tolist(), up.tolist()))
    return line_plot(
        lines,
        title="Faces that bear their name",
        across="answers per face",
        up="share of faces",
        ticks=[tick * MOST_PLOTTED / 6 for tick in range(7)],
    )
