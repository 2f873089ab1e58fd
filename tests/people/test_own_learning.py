"""A library's own projection: learnt in the background, used where better, and gone with whom it was learnt from."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from accounts.models import User
from ml.calibration import CALIBRATION
from ml.models import projection_path
from ml.own_projection import Answered, figures_of, learn_projection, load_own, save_own
from ml.projection import load_projection
from people import erasing, own_learning, own_rows, training
from people.erasing import erase_vectors
from people.models import Face, OwnProjection, Person, Suggestion, Training
from people.scores import Shown, score_shown, score_waiting
from people.spaces import space_in_use
from people.suggestions import refresh_suggestions
from people.tasks import learn_from_answers, wake_workers
from photos.face_model import current_face_model
from tests.factories import make_cluster, make_face, make_known, make_photo, make_user
from tests.lookalikes import WAITING, lookalikes, make_lookalikes
from tests.services import ROOT

pytestmark = pytest.mark.usefixtures("models_dir")


def state_of(owner) -> dict[int, tuple]:
    """Names and groups of every face."""
    rows = Face.everywhere.filter(photo__owner=owner).values_list("pk", "person", "tagged_by", "cluster", "is_ignored")
    return {row[0]: row[1:] for row in rows}


def suggested(owner) -> dict[int, tuple]:
    rows = Suggestion.objects.filter(face__photo__owner=owner).values_list("face", "person", "probability")
    return {face: (person, round(probability, 6)) for face, person, probability in rows}


def count_right(suggestions: dict[int, tuple]) -> int:
    who = {face: number // 9 for number, face in enumerate(Face.objects.order_by("pk").values_list("pk", flat=True))}
    people = list(Person.objects.order_by("pk").values_list("pk", flat=True))
    return sum(person == people[who[face]] for face, (person, _) in suggestions.items())


def learn(owner) -> Training:
    training.ask_to_learn(owner)  # suggestions may have asked already
    learn_from_answers(owner.pk)
    return Training.objects.get(owner=owner)


@pytest.fixture(scope="module")
def learnt_content(models_dir) -> bytes:
    """What is learnt from the answers of `siblings`, for tests of what comes after."""
    embeddings, who = lookalikes(30, 9, moods=0.5)
    named = np.arange(len(who)) % 9 >= WAITING
    photos, qualities = np.arange(named.sum()), np.full(named.sum(), 0.8)
    said = Answered(embeddings[named], who[named] + 1, photos, qualities, np.zeros((0, 2), dtype=np.int64))
    base = load_projection(projection_path(models_dir, "facenet-casia"))
    return save_own(learn_projection(said, base, CALIBRATION))


@pytest.fixture
def put_to_use(siblings, learnt_content):
    """The siblings' library with what was learnt from it in use."""
    learnt = load_own(learnt_content)
    about = {"model": "facenet-casia", "figures": figures_of(learnt), "is_better": learnt.is_better}
    own = OwnProjection.objects.create(owner=siblings, content=learnt_content, **about)
    Training.objects.create(owner=siblings, latest=own)
    training.use_latest(siblings)
    learn_from_answers(siblings.pk)
    assert Training.objects.get().is_used
    return siblings


def rows_held(owner) -> int:
    return Face.everywhere.filter(photo__owner=owner, own_projection__isnull=False).count()


@pytest.fixture
def siblings(alice) -> User:
    make_lookalikes(alice)
    return alice


def test_what_is_learnt_and_better_is_used_for_names_and_moves_none_and_off_again_too(siblings):
    waiting = Face.objects.untagged().order_by("pk")
    Face.objects.filter(pk__in=waiting.values_list("pk", flat=True)[:4]).update(cluster=make_cluster(siblings))
    refresh_suggestions(siblings.pk)
    state, before = state_of(siblings), suggested(siblings)

    row = learn(siblings)

    assert (row.state, row.is_used, row.filled, row.filled_to) == ("", True, row.latest, None)
    assert row.latest.is_better
    assert rows_held(siblings) == len(state)
    refresh_suggestions(siblings.pk)
    after = suggested(siblings)
    assert count_right(after) > count_right(before)
    assert state_of(siblings) == state

    training.stop_using(siblings.pk)
    refresh_suggestions(siblings.pk)
    assert suggested(siblings) == before
    assert state_of(siblings) == state

    training.use_latest(siblings)  # the faces still hold its rows
    refresh_suggestions(siblings.pk)
    assert suggested(siblings) == after
    assert state_of(siblings) == state


def test_a_stored_row_is_the_projection_of_the_embedding(put_to_use):
    own = load_own(bytes(OwnProjection.objects.get().content))
    face = Face.objects.order_by("?").first()

    row = own.projection.apply(np.array([face.embedding], dtype=np.float32))[0]

    assert np.allclose(np.array(face.own_projection), row, atol=1e-3)


def test_who_is_in_a_shown_picture_is_asked_of_it_too(siblings, put_to_use):
    model = current_face_model()
    face = Face.objects.untagged().first()
    embeddings = np.array([face.embedding], dtype=np.float32)
    shown = Shown(embeddings, np.array([face.projection], dtype=np.float32), np.array([0.8], np.float32))
    same_people, after = score_shown(siblings.pk, model.name, shown)
    scored = score_waiting(siblings.pk, model)
    training.stop_using(siblings.pk)

    people, before = score_shown(siblings.pk, model.name, shown)

    assert after.shape[0] == before.shape[0] == 1
    assert people and same_people
    assert not np.array_equal(before, after)
    likeliest = scored.evidence.person[scored.evidence.probe == 0][
        scored.probabilities[scored.evidence.probe == 0].argmax()
    ]
    assert same_people[int(after[0].argmax())] == likeliest


def test_faces_of_new_photos_get_rows_before_they_are_suggested(siblings, put_to_use):
    embeddings, who = lookalikes(30, 9, moods=0.5)
    new = make_face(make_photo(siblings))
    Face.objects.filter(pk=new.pk).update(embedding=embeddings[30])
    assert new.pk not in score_waiting(siblings.pk, current_face_model()).faces.pks  # not compared in another space

    refresh_suggestions(siblings.pk)

    new.refresh_from_db()
    assert new.own_projection is not None
    assert Suggestion.objects.get(face=new).person.name == f"Person {who[30]}"


def test_too_few_answers_are_said_and_change_nothing(alice, client):
    make_known(alice, faces=3)

    row = learn(alice)

    assert row.trouble == "Confirm at least 200 faces; so far it is 3."
    assert (row.state, row.latest, row.is_used) == ("", None, False)
    client.force_login(alice)
    assert 'So far there are <b class="num">3</b>' in client.get(reverse("accounts:settings")).text


def test_what_is_no_better_is_kept_aside_until_the_owner_says_otherwise(alice):
    make_lookalikes(alice, moods=0.0)

    row = learn(alice)

    assert (row.latest.is_better, row.is_used, row.filled) == (False, False, None)
    assert rows_held(alice) == 0
    training.use_latest(alice)
    learn_from_answers(alice.pk)
    assert Training.objects.get().is_used
    assert rows_held(alice) == 270


def test_what_the_owner_does_not_want_is_not_used_and_not_learnt_by_itself(siblings):
    training.stop_using(siblings.pk)
    assert not own_learning.ask_if_grown(siblings.pk, current_face_model())

    row = learn(siblings)  # asked for all the same

    assert row.latest.is_better
    assert (row.is_used, row.is_allowed, row.filled) == (False, False, None)
    assert not own_learning.ask_if_grown(siblings.pk, current_face_model())


def test_kith_learns_by_itself_with_enough_answers_and_again_with_many_more(siblings):
    model = current_face_model()
    refresh_suggestions(siblings.pk)
    assert Training.objects.get().state == "wanted"

    Training.objects.update(state="", tried_model=model.name, tried_faces=210)  # as many as are confirmed
    assert not own_learning.ask_if_grown(siblings.pk, model)
    Training.objects.update(tried_faces=150)
    assert own_learning.ask_if_grown(siblings.pk, model)


def test_a_run_that_is_cancelled_ends_and_leaves_what_was(siblings, monkeypatch):
    steps = []

    def cancel(step):
        steps.append(step)
        if len(steps) == 2:
            training.cancel(siblings.pk)

    monkeypatch.setattr(own_learning, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(own_learning, "fault", cancel)

    row = learn(siblings)

    assert set(steps) == {"own-projection-progress"}
    assert len(steps) == 2  # the next look ended it
    assert (row.state, row.latest, row.trouble) == ("", None, "")


def test_a_run_that_takes_too_long_ends(siblings, monkeypatch):
    monkeypatch.setattr(own_learning, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(own_learning, "AT_MOST_SECONDS", 0.05)

    row = learn(siblings)

    assert (row.state, row.latest, row.trouble) == ("", None, own_learning.TOO_LONG)


@pytest.mark.django_db(transaction=True)
def test_a_killed_run_is_started_again_and_finishes(models_dir, monkeypatch):
    owner = make_user()
    make_lookalikes(owner)
    monkeypatch.setattr(own_rows, "BATCH", 100)
    training.ask_to_learn(owner)
    states = []
    for step in ("own-projection-learnt", "own-rows-written"):
        assert killed_at(step, owner) == -signal.SIGKILL
        row = Training.objects.get()
        states.append((row.state, row.is_used, row.starts))
        sent = []
        with monkeypatch.context() as patch:
            patch.setattr(
                "people.tasks.send_wakeup", lambda task, *arguments, sent=sent: sent.append((task, *arguments))
            )
            wake_workers()
        assert (learn_from_answers, owner.pk) in sent

    learn_from_answers(owner.pk)

    assert states == [("learning", False, 1), ("filling", False, 0)]
    assert Training.objects.get().is_used
    assert rows_held(owner) == 270


def killed_at(step: str, owner: User) -> int:
    """Run what the worker runs, in a process that is killed at a step; its exit code."""
    told = connection.get_connection_params()
    url = f"postgres://{told['user']}:{told['password']}@/{told['dbname']}?host={told['host']}"
    code = f"import django; django.setup(); from people.own_learning import run; run({owner.pk})"
    environment = os.environ | {"KITH_FAULT": step, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False).returncode


def test_who_kills_it_every_time_is_not_asked_for_ever(siblings):
    training.ask_to_learn(siblings)
    Training.objects.update(starts=own_learning.MOST_STARTS)

    learn_from_answers(siblings.pk)

    assert (Training.objects.get().state, Training.objects.get().trouble) == ("", own_learning.KILLED)


def test_with_another_face_model_the_own_projection_is_not_used(siblings, put_to_use):
    assert space_in_use(siblings.pk, current_face_model()).own is not None

    OwnProjection.objects.update(model="facenet-vggface2")

    assert space_in_use(siblings.pk, current_face_model()).own is None
    refresh_suggestions(siblings.pk)
    assert Suggestion.objects.exists()


def test_with_a_person_who_is_forgotten_goes_what_was_learnt_from_them(siblings, put_to_use):
    person = Person.objects.first()

    erasing.forget_person(person)

    row = Training.objects.get()
    assert (row.is_used, row.latest, row.filled, row.state) == (False, None, None, "wanted")
    assert not OwnProjection.objects.exists()
    assert space_in_use(siblings.pk, current_face_model()).own is None
    own_rows.clear(siblings.pk)
    assert rows_held(siblings) == 0
    learn_from_answers(siblings.pk)
    row = Training.objects.get()
    assert row.latest.figures["people"] == 29
    assert row.is_used


def test_a_run_learns_nothing_from_somebody_who_is_forgotten_meanwhile(siblings, monkeypatch):
    person = Person.objects.first()

    def forget(step):
        if step == "own-projection-learnt" and Person.objects.filter(pk=person.pk).exists():
            erasing.forget_person(person)

    monkeypatch.setattr(own_learning, "fault", forget)

    row = learn(siblings)

    assert (row.state, row.latest) == ("wanted", None)
    assert not OwnProjection.objects.exists()


def test_without_consent_nothing_is_left_of_it_and_nothing_is_learnt(siblings, put_to_use):
    User.objects.filter(pk=siblings.pk).update(face_analysis="off")
    siblings.refresh_from_db()

    erase_vectors(siblings)

    assert rows_held(siblings) == 0
    assert not OwnProjection.objects.exists()
    assert not training.ask_to_learn(siblings)
    learn_from_answers(siblings.pk)
    assert not OwnProjection.objects.exists()


def test_a_face_that_is_embedded_again_holds_no_row_of_its_old_embedding(put_to_use):
    from people.reembedding import _put

    face = Face.objects.first()

    class Result:
        embedding, projection = face.embedding, face.projection

    _put(face, Result, "facenet-vggface2")

    assert face.own_projection is None


# --- Settings


@pytest.fixture
def page(client, siblings):
    client.force_login(siblings)

    def ask(action: str = "") -> str:
        if action:
            assert client.post(reverse("people:learning"), {"action": action}).status_code == 302
        return client.get(reverse("accounts:settings")).text

    return ask


def test_settings_start_cancel_use_and_stop_and_show_the_figures(page, siblings):
    assert "Learn now" in page()
    running = page("learn")
    assert 'hx-trigger="every 2s"' in running
    assert 'value="cancel"' in running
    assert "Learn now" in page("cancel")
    page("learn")
    learn_from_answers(siblings.pk)
    figures = OwnProjection.objects.get().figures

    learnt = page()

    assert f"<td>{100 * figures['base']['tpir']:.0f}</td>" in learnt
    assert f"<td><b>{100 * figures['own']['tpir']:.0f}</b></td>" in learnt
    assert "Learnt from 210 faces of 30 people" in learnt
    assert 'value="stop"' in learnt
    assert 'value="use"' in page("stop")
    assert not Training.objects.get().is_used
    assert 'value="stop"' in page("use")
    assert Training.objects.get().is_used


def test_settings_say_when_nobody_is_there_to_learn(page):
    page("learn")
    for queues, is_there in (({"io", "ml"}, False), ({"io", "ml", "training"}, True)):
        cache.set("worker-queues", queues)
        for state in ("wanted", "learning", "filling"):
            Training.objects.update(state=state)
            assert ("the worker for learning is not running" in page()) is not is_there
            assert ("Everything else goes first" in page()) is is_there


def test_settings_ask_few_queries_about_it(page, client, put_to_use, django_assert_max_num_queries):
    page()

    with django_assert_max_num_queries(6):
        client.get(reverse("accounts:settings"))
    with django_assert_max_num_queries(4):
        client.get(reverse("people:learning"), headers={"HX-Request": "true"})


def test_nobody_starts_or_stops_it_for_somebody_else(client, siblings, put_to_use, bob):
    client.force_login(bob)

    for action in ("learn", "cancel", "use", "stop", "nonsense", ""):
        client.post(reverse("people:learning"), {"action": action})

    row = Training.objects.get(owner=siblings)
    assert row.is_used
    assert row.state == ""
