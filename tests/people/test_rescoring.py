"""What is left out of a run of suggestions is what could not have changed: they are those of a look at all faces."""

from random import Random

import pytest

from people import answers, group_means, ledger, ranking, rescoring, suggestions
from people.grouping import group_owner
from people.models import Cluster, Decision, Face, Person, Question, Scored, Suggestion, Upkeep
from people.scores import score_waiting
from people.suggestions import refresh_suggestions
from photos import trash
from photos.face_model import current_face_model
from photos.models import Photo
from tests.factories import make_face, make_known, make_photo, make_user, unit

pytestmark = pytest.mark.django_db(transaction=True)

LOOKS = 4
STEPS = 14


@pytest.fixture(autouse=True)
def libraries_are_large(monkeypatch):
    monkeypatch.setattr(rescoring, "FEWEST", 0)


@pytest.fixture
def looks(monkeypatch):
    """How many faces each run scored; None for all."""
    counted = []
    look = rescoring.faces_again

    def counting(*args):
        again = look(*args)
        counted.append(None if again is None else len(again.faces))
        return again

    monkeypatch.setattr(rescoring, "faces_again", counting)
    return counted


def make_library(chance):
    owner = make_user()
    people = [make_known(owner, f"P{number}", likeness=unit(number), faces=2) for number in range(LOOKS - 1)]
    for _ in range(12):
        arrive(owner, chance)
    group_owner(owner.pk)
    return owner, people


def arrive(owner, chance, *, faces=None):
    photo = make_photo(owner)
    for number in range(faces or chance.choice([1, 1, 2])):
        look = unit(chance.randrange(LOOKS), towards=60 + chance.randrange(30), by=chance.uniform(0.1, 1.0))
        make_face(photo, left=0.1 + 0.4 * number, likeness=look)
    return photo


def act(owner, people, chance):
    """Something at random that a user or the machine may do."""
    faces = list(Face.objects.filter(photo__owner=owner).order_by("pk").values_list("pk", flat=True))
    some, others = chance.sample(faces, 2), chance.sample(faces, 2)
    person, other = chance.sample(people, 2)
    photos = Photo.everywhere.filter(owner=owner)
    photo = photos.filter(pk=chance.choice(list(photos.values_list("pk", flat=True))))
    acts = [
        lambda: arrive(owner, chance),
        lambda: (arrive(owner, chance), group_owner(owner.pk)),
        lambda: answers.confirm(person, some[:1], actor=owner),
        lambda: answers.reject(person, some, actor=owner),
        lambda: answers.reject(person, some[:1], actor=owner),
        lambda: answers.tag(person, some[:1]),
        lambda: answers.ignore(owner, some[:1], actor=owner),
        lambda: answers.show_again(owner, faces, actor=owner),
        lambda: answers.same(owner, some, others, actor=owner) if not {*some} & {*others} else None,
        lambda: answers.different(owner, some, others, actor=owner) if not {*some} & {*others} else None,
        lambda: answers.different_people(person, other, actor=owner),
        lambda: answers.repeat(photo.get(), actor=owner),
        lambda: (trash.restore if photo.in_trash().exists() else trash.move_to_trash)(owner, photo),
        lambda: Person.objects.filter(pk=person.pk).update(birth_date=chance.choice(["2015-06-01", None])),
        lambda: photo.update(taken_at=f"{chance.choice([2010, 2020])}-01-01T12:00Z", taken_at_source="camera"),
        lambda: photo.get().faces.all().delete(),
    ]
    undone = Decision.objects.filter(owner=owner, is_in_force=True).first()
    acts += [lambda: ledger.undo(undone, actor=owner)] * 3 if undone else []
    chance.choice(acts)()


def stored(owner):
    rows = Suggestion.objects.filter(face__photo__owner=owner)
    return {s.face_id: (s.person_id, s.nearest_id, pytest.approx(s.probability, abs=2e-3)) for s in rows}


def looked_up(owner):
    """The same by a look at all faces."""
    chosen = suggestions._assigned(score_waiting(owner.pk, current_face_model()))
    return {face: (choice.person, choice.nearest, choice.probability) for face, choice in chosen.items()}


def questions(owner):
    rows = Question.objects.filter(owner=owner)
    return {q.key: (q.faces, pytest.approx(q.answers), pytest.approx(q.worth), q.is_needed) for q in rows}


@pytest.mark.parametrize("seed", range(3))
def test_after_any_acts_suggestions_and_questions_are_those_of_a_look_at_all(seed, looks, monkeypatch):
    monkeypatch.setattr(group_means, "SHARE", 0.0)
    chance = Random(seed)
    owner, people = make_library(chance)
    refresh_suggestions(owner.pk)
    for _ in range(STEPS):
        for _ in range(chance.choice([1, 1, 2])):
            act(owner, people, chance)
        photos_come = chance.random() < 0.3
        refresh_suggestions(owner.pk, photos_come=photos_come)

        assert looked_up(owner) == stored(owner)
        if not photos_come:
            ranked = questions(owner)
            ranking.rank_questions(owner.pk)
            assert {q.key for q in Question.objects.filter(owner=owner)} == ranked.keys()
            for question in Question.objects.filter(owner=owner):
                row = (question.faces, question.answers, question.worth, question.is_needed)
                assert row == ranked[question.key]
    assert any(look is not None for look in looks)


def test_a_photo_that_comes_is_scored_alone(looks):
    owner, _ = make_library(Random(1))
    refresh_suggestions(owner.pk)
    photo = make_photo(owner)
    new = make_face(photo, likeness=unit(0, towards=100, by=0.1))

    refresh_suggestions(owner.pk)

    assert looks == [None, 1]
    assert Suggestion.objects.filter(face=new).exists()


def test_a_name_or_another_run_of_postgresql_has_all_scored(looks):
    owner, people = make_library(Random(1))
    refresh_suggestions(owner.pk)
    waiting = Face.objects.filter(photo__owner=owner).untagged().first()
    answers.confirm(people[0], [waiting.pk], actor=owner)
    refresh_suggestions(owner.pk)
    Scored.objects.update(identity=["restored"])
    refresh_suggestions(owner.pk)

    assert looks == [None, None, None]


def test_a_group_is_scored_again_when_a_tenth_of_it_has_changed(looks):
    owner = make_user()
    make_known(owner, likeness=unit(0), faces=2)
    group = Cluster.objects.create(owner=owner)
    for number in range(20):
        make_face(make_photo(owner), likeness=unit(0, towards=60 + number, by=0.5), cluster=group)
    refresh_suggestions(owner.pk)
    for number in range(3):
        make_face(make_photo(owner), likeness=unit(0, towards=90 + number, by=0.5), cluster=group)
        refresh_suggestions(owner.pk)

    assert looks == [None, 1, 1, 23]
    assert looked_up(owner) == stored(owner)


def test_what_is_killed_before_it_is_done_is_done_again_from_the_start(looks, monkeypatch):
    owner, _ = make_library(Random(1))
    refresh_suggestions(owner.pk)
    arrive(owner, Random(2))
    with monkeypatch.context() as patch:
        patch.setattr(suggestions, "rank_questions", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            refresh_suggestions(owner.pk)
    assert not Scored.objects.exists()

    refresh_suggestions(owner.pk)

    assert looks[-1] is None
    assert Scored.objects.exists()


def test_while_photos_come_what_was_put_off_is_not_forgotten():
    owner, _ = make_library(Random(1))
    refresh_suggestions(owner.pk)
    arrive(owner, Random(2))
    Upkeep.objects.want(owner.pk, groups=False)
    refresh_suggestions(owner.pk, photos_come=True)
    assert Upkeep.objects.without_suggestions().filter(pk=owner.pk).exists()

    refresh_suggestions(owner.pk)

    assert not Upkeep.objects.without_suggestions().filter(pk=owner.pk).exists()


def test_nothing_of_faces_is_kept_of_who_takes_the_consent_back():
    from people import erasing

    owner, _ = make_library(Random(1))
    refresh_suggestions(owner.pk)
    type(owner).objects.filter(pk=owner.pk).update(face_analysis="off")
    erasing.erase_vectors(owner)
    assert not Scored.objects.exists()

    refresh_suggestions(owner.pk)

    assert not Scored.objects.exists()
