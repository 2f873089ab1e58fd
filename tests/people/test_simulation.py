"""A user who knows the labels answers the product's own queue."""

import json
from dataclasses import replace

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from ml.evaluation.answers import one_answer_each
from ml.evaluation.labelled_faces import LabelledFaces
from people.management.commands import simulate_review
from people.management.commands.simulate_review import Contest, as_json, plot, tables, whom_to_name
from people.models import Face, Person
from people.simulation import SimulatedUser, make_library, review_all
from photos.face_model import current_face_model
from tests.factories import make_user, unit


def labelled(sizes: dict[str, int], *, photos_with: int = 1) -> LabelledFaces:
    """People along axes of their own, each with so many faces, one face to a photo."""
    persons = [person for person, size in sizes.items() for _ in range(size)]
    axes = {person: number for number, person in enumerate(sizes)}
    rows = np.array([unit(axes[person], towards=60 + n, by=0.25) for n, person in enumerate(persons)], dtype=np.float32)
    return LabelledFaces(
        files=np.array([f"{n // photos_with}.jpg" for n in range(len(persons))]),
        persons=np.array(persons),
        embeddings=np.pad(rows, ((0, 0), (0, 512 - rows.shape[1]))),
        projections=rows,
        qualities=np.full(len(persons), 0.9, dtype=np.float32),
        sides=np.full(len(persons), 100, dtype=np.float32),
    )


@pytest.fixture
def reviewed(alice):
    def review(faces: LabelledFaces, *, fewest_photos: int = 5, share: float = 0.95):
        people, to_name = faces.identities(), whom_to_name(faces, fewest_photos)
        pks = make_library(alice, faces, model=current_face_model().name)
        user = SimulatedUser(alice, dict(zip(pks, people.tolist(), strict=True)), set(people[to_name].tolist()))
        return review_all(user, share=share).curve, one_answer_each(people, to_name)

    return review


def test_people_who_are_easy_to_tell_apart_take_one_answer_each(reviewed):
    curve, floor = reviewed(labelled({"Ann": 9, "Bob": 7, "Cy": 6}))

    assert curve.answers.tolist() == [0, 1, 2, 3]
    assert curve.right.tolist() == [0, 9, 16, 22]
    assert curve.answers_per_face(0.95) == floor.answers_per_face(0.95)


def test_strangers_take_answers_only_when_they_come_first(reviewed):
    faces = labelled({"Ann": 6, "a stranger": 4, "Bob": 5})

    curve, _ = reviewed(faces)

    assert curve.faces == 11
    assert curve.right.tolist() == [0, 6, 11]
    assert set(Person.objects.values_list("faces__photo__owner__username", flat=True)) == {"alice"}


def test_faces_the_queue_does_not_ask_about_are_named_alone_in_the_end(reviewed):
    faces = labelled({"Ann": 5, "Bob": 5})
    rows = faces.projections.copy()
    rows[0] = unit(40)  # a face of Ann's that looks like nobody

    curve, _ = reviewed(replace(faces, projections=rows), share=1.0)

    assert curve.answers.tolist()[-1] == 3
    assert curve.right.tolist()[-1] == 10
    assert not Face.objects.untagged().exists()


def test_a_wrong_face_that_is_shown_costs_a_click_and_gets_no_wrong_name(reviewed):
    faces = labelled({"Ann": 6, "Bob": 5})
    rows = faces.projections.copy()
    rows[-1] = unit(0, towards=70, by=0.25)  # a face of Bob's that looks like Ann

    curve, _ = reviewed(replace(faces, projections=rows))

    assert curve.answers.tolist()[:2] == [0, 2]
    assert curve.wrong.tolist()[-1] == 0


def test_who_is_in_few_photos_is_a_stranger_unless_everybody_is():
    assert whom_to_name(labelled({"Ann": 5, "Bob": 4}), 5).tolist() == [True] * 5 + [False] * 4
    assert whom_to_name(labelled({"Ann": 3, "Bob": 4}), 5).all()
    assert whom_to_name(labelled({"Ann": 6}, photos_with=2), 4).all()  # in three photos only


def test_of_the_people_to_be_named_a_share_may_be_strangers():
    faces = labelled(dict.fromkeys("abcdefgh", 5) | {"rare": 2})

    to_name = whom_to_name(faces, 5, unknown=0.25)

    assert np.unique(faces.persons[to_name]).size == 6
    assert (to_name == whom_to_name(faces, 5, unknown=0.25)).all()
    assert "rare" not in faces.persons[to_name]


def test_a_share_of_strangers_that_is_none_is_refused(tmp_path):
    with pytest.raises(CommandError, match="below 1"):
        call_command("simulate_review", str(tmp_path), unknown=1.0, verbosity=0)


def test_figures_tables_and_plot_tell_the_same(reviewed):
    curve, floor = reviewed(labelled({"Ann": 9, "Bob": 7}))
    contest = Contest(curve, [2, 2], floor, {"dbscan_clusters": (0.3, floor), "each_face": (None, curve)})

    figures = json.loads(json.dumps(as_json(contest)))

    assert figures["answers_per_face"]["0.95"] == pytest.approx(2 / 16)
    assert figures["floor"]["0.95"] == pytest.approx(2 / 16)
    assert figures["wrong_names"] == 0
    assert figures["forecast"] == {"at_start": 2, "median_error": 0.0}
    assert "Forecast before the first question: 2 clicks; it took 2." in tables(contest)
    assert figures["baselines"]["dbscan_clusters"]["cut"] == 0.3
    assert "0.1250" in tables(contest)
    assert plot(contest).startswith("<svg")
    assert "DBSCAN" in plot(contest)


@pytest.mark.django_db(transaction=True)
def test_the_command_works_in_a_database_of_its_own(tmp_path, monkeypatch):
    """Nothing of the simulation is seen in the library of the user who runs it."""
    make_user(username="ada")
    monkeypatch.setattr(simulate_review.Command, "_faces_of", lambda *_: labelled({"Ann": 6, "Bob": 5}))
    out = tmp_path / "figures.json"

    call_command("simulate_review", str(tmp_path), json=out, plot=tmp_path / "plot.svg", verbosity=0)

    assert json.loads(out.read_text())["answers_per_face"]["0.95"] == pytest.approx(2 / 11)
    assert list(User.objects.values_list("username", flat=True)) == ["ada"]
    assert not Face.objects.exists()


def test_a_folder_without_labels_is_said_in_a_sentence(tmp_path):
    with pytest.raises(CommandError, match=r"\w+ .*\."):
        call_command("simulate_review", str(tmp_path / "none"), verbosity=0)


def test_a_place_that_cannot_be_written_to_is_said_before_any_work(tmp_path):
    with pytest.raises(CommandError, match="There is no folder"):
        call_command("simulate_review", str(tmp_path), json=tmp_path / "none" / "out.json", verbosity=0)
