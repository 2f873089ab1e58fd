"""Who is suggested for an unknown face, and who never again."""

import pytest

from people import answers, ledger, scores, suggestions
from people.finding import thresholds
from people.importing import person_named
from people.models import Suggestion
from people.suggestions import refresh_suggestions
from people.tasks import refresh_suggestions as refresh_task
from people.tasks import wake_workers
from tests.factories import (
    make_cluster,
    make_face,
    make_group,
    make_known,
    make_person,
    make_photo,
    make_suggestion,
    make_user,
    unit,
)

NEAR = {"towards": 60, "by": 0.3}  # cosine distance 0.04
FAR = {"towards": 60, "by": 3.0}  # cosine distance 0.68


@pytest.fixture
def ann(alice):
    person = make_person(alice)
    make_face(make_photo(alice), person=person, likeness=unit(1))
    return person


def suggested() -> dict[int, str]:
    return {s.face_id: s.person.name for s in Suggestion.objects.select_related("person")}


def test_a_face_like_a_confirmed_one_is_suggested(alice, ann):
    near = make_face(make_photo(alice), likeness=unit(1, **NEAR))
    make_face(make_photo(alice), likeness=unit(1, **FAR))

    refresh_suggestions(alice.pk)

    assert suggested() == {near.pk: "Ann"}


def test_the_nearest_of_several_people_is_suggested(alice, ann):
    make_face(make_photo(alice), person=make_person(alice, "Bob"), likeness=unit(60))
    face = make_face(make_photo(alice), likeness=unit(1, towards=60, by=0.8))

    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Ann"}


def test_a_rejected_pair_never_returns(alice, ann):
    face = make_face(make_photo(alice), likeness=unit(1))
    answers.reject(ann, [face.pk], actor=alice)

    refresh_suggestions(alice.pk)
    make_face(make_photo(alice), person=ann, likeness=unit(1, **NEAR))
    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_after_a_no_the_next_likely_person_is_suggested(alice, ann):
    make_face(make_photo(alice), person=make_person(alice, "Bea"), likeness=unit(1, **NEAR))
    face = make_face(make_photo(alice), likeness=unit(1))
    answers.reject(ann, [face.pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Bea"}


def test_a_person_is_suggested_once_per_photo(alice, ann):
    photo = make_photo(alice)
    nearer = make_face(photo, likeness=unit(1))
    make_face(photo, likeness=unit(1, **NEAR))

    refresh_suggestions(alice.pk)

    assert suggested() == {nearer.pk: "Ann"}


def test_a_person_named_in_a_photo_is_not_suggested_there_again(alice, ann):
    photo = make_photo(alice)
    make_face(photo, person=ann, likeness=unit(1))
    make_face(photo, likeness=unit(1, **NEAR))

    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_poor_faces_are_not_compared_with(alice):
    poor = thresholds().poor_quality - 0.01
    ann = make_person(alice)
    make_face(make_photo(alice), person=ann, likeness=unit(1), quality=0.9)
    make_face(make_photo(alice), person=ann, likeness=unit(2), quality=poor)
    make_face(make_photo(alice), likeness=unit(2))

    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_a_person_known_only_by_poor_faces_is_still_suggested(alice):
    poor = thresholds().poor_quality - 0.01
    make_face(make_photo(alice), person=make_person(alice), likeness=unit(2), quality=poor)
    face = make_face(make_photo(alice), likeness=unit(2))

    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Ann"}


def test_nothing_of_another_owner_is_ever_suggested(alice, bob, ann):
    make_face(make_photo(bob), likeness=unit(1))

    refresh_suggestions(bob.pk)

    assert suggested() == {}


def test_ignored_and_named_faces_get_no_suggestion(alice, ann):
    make_face(make_photo(alice), likeness=unit(1), is_ignored=True)
    make_face(make_photo(alice), likeness=unit(1), person=make_person(alice, "Bob"))

    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_a_message_delivered_twice_changes_nothing(alice, ann):
    make_face(make_photo(alice), likeness=unit(1))
    refresh_task(alice.pk)
    before = list(Suggestion.objects.values())

    refresh_task(alice.pk)

    assert list(Suggestion.objects.values()) == before


def test_suggestions_go_when_their_reason_goes(alice, ann):
    face = make_face(make_photo(alice), likeness=unit(1))
    refresh_suggestions(alice.pk)
    answers.remove_name(ann, [f.pk for f in ann.faces.all()], actor=alice)

    refresh_suggestions(alice.pk)

    assert face.pk not in suggested()


def test_a_suggestion_that_an_undo_brings_back_while_others_are_written_stays(alice, ann, monkeypatch):
    face = make_face(make_photo(alice), likeness=unit(1, **NEAR))
    look = suggestions._still_open

    def suggest_meanwhile(*args):
        make_suggestion(face, ann)
        return look(*args)

    monkeypatch.setattr(suggestions, "_still_open", suggest_meanwhile)
    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Ann"}


@pytest.mark.parametrize("say", ["no", "yes"])
def test_an_answer_given_while_suggestions_are_made_is_not_asked_again(alice, ann, monkeypatch, say):
    face = make_face(make_photo(alice), likeness=unit(1))
    compute = scores.weigh

    def answer_meanwhile(*args, **kwargs):
        answer = answers.reject if say == "no" else answers.confirm
        answer(ann, [face.pk], actor=alice)
        return compute(*args, **kwargs)

    monkeypatch.setattr(scores, "weigh", answer_meanwhile)
    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_a_no_outlives_a_person_who_lost_all_faces_and_got_the_name_again(alice):
    known, face = make_face(make_photo(alice), likeness=unit(1)), make_face(make_photo(alice), likeness=unit(1))
    ann = person_named(alice, "Ann")
    confirmed = answers.confirm(ann, [known.pk], actor=alice)
    answers.reject(ann, [face.pk], actor=alice)
    ledger.undo(confirmed, actor=alice)

    answers.confirm(person_named(alice, "ann"), [known.pk], actor=alice)
    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_a_lost_wakeup_is_sent_again(alice, ann, monkeypatch):
    sent = []
    monkeypatch.setattr("people.tasks.send_wakeup", lambda task, *args: sent.append((task.name, *args)))
    answers.reject(ann, [make_face(make_photo(alice)).pk], actor=alice)

    wake_workers()
    assert ("people.tasks.refresh_suggestions", alice.pk) in sent

    sent.clear()
    refresh_suggestions(alice.pk)
    wake_workers()
    assert sent == []


def test_a_group_is_suggested_as_a_whole(alice, ann):
    """Its farthest face would be nobody's alone."""
    cluster = make_cluster(alice)
    near = [make_face(make_photo(alice), likeness=unit(1, **NEAR), cluster=cluster) for _ in range(6)]
    far = make_face(make_photo(alice), likeness=unit(1, towards=61, by=1.6), cluster=cluster)
    alone = make_face(make_photo(alice), likeness=unit(1, towards=61, by=1.6))

    refresh_suggestions(alice.pk)

    chances = dict(Suggestion.objects.values_list("face", "probability"))
    assert {face.pk for face in near} | {far.pk} <= set(chances)
    assert chances[far.pk] > chances.get(alone.pk, 0)


def test_faces_of_a_photo_are_solved_together(alice, ann):
    """The first is a little more like Ann, but may be Bob as well; the other can only be Ann."""
    bob = make_person(alice, "Bob")
    make_face(make_photo(alice), person=bob, likeness=unit(2))
    photo = make_photo(alice)
    either = make_face(photo, likeness=unit(1, towards=2, by=0.99), quality=0.4)
    only_ann = make_face(photo, likeness=unit(1, towards=70, by=0.98), quality=0.4)

    refresh_suggestions(alice.pk)

    assert suggested() == {either.pk: "Bob", only_ann.pk: "Ann"}


def test_in_a_photo_of_a_mirror_a_person_is_suggested_twice(alice, ann):
    photo = make_photo(alice)
    faces = [make_face(photo, likeness=unit(1)), make_face(photo, likeness=unit(1, **NEAR))]
    answers.repeat(photo, actor=alice)

    refresh_suggestions(alice.pk)

    assert suggested() == dict.fromkeys([face.pk for face in faces], "Ann")


def test_who_is_not_this_group_is_not_suggested_for_it(alice, ann):
    face = make_face(make_photo(alice), likeness=unit(1))
    answers.different(alice, [face.pk], [ann.faces.get().pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_who_was_said_to_be_one_with_somebodys_faces_is_suggested_however_unlike(alice, ann):
    make_face(make_photo(alice), person=make_person(alice, "Bob"), likeness=unit(1, **FAR))
    face = make_face(make_photo(alice), likeness=unit(1, **FAR))
    answers.same(alice, [face.pk], [ann.faces.get().pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Ann"}
    assert Suggestion.objects.get().probability == pytest.approx(0.99)


def test_what_was_said_to_be_one_with_hers_is_not_suggested_where_something_speaks_against_it(alice, ann):
    no, in_photo = make_face(make_photo(alice), likeness=unit(1)), make_photo(alice)
    beside = make_face(in_photo, likeness=unit(1))
    make_face(in_photo, likeness=unit(1), person=ann)
    answers.same(alice, [no.pk, beside.pk], [ann.faces.order_by("pk")[0].pk], actor=alice)
    answers.reject(ann, [no.pk], actor=alice)

    refresh_suggestions(alice.pk)

    assert suggested() == {}


def test_faces_of_hidden_people_are_suggested(alice, ann):
    ann.is_hidden = True
    ann.save()
    face = make_face(make_photo(alice), likeness=unit(1))

    refresh_suggestions(alice.pk)

    assert suggested() == {face.pk: "Ann"}


def test_probabilities_are_between_nothing_and_certainty_and_fall_with_distance(alice, ann):
    leanings = (0.1, 0.5, 0.9, 1.2)
    faces = [make_face(make_photo(alice), likeness=unit(1, towards=60, by=by)) for by in leanings]

    refresh_suggestions(alice.pk)

    chances = dict(Suggestion.objects.values_list("face", "probability"))
    found = [chances.get(face.pk, 0) for face in faces]
    assert found == sorted(found, reverse=True)
    assert 0.99 < found[0] <= 1
    assert all(chance == 0 or chance >= suggestions.LEAST_PROBABILITY for chance in found)


@pytest.mark.django_db(transaction=True)
def test_who_comes_into_the_group_of_a_face_after_a_no_may_be_that_person_all_the_same():
    alice = make_user()
    ann = make_known(alice, likeness=unit(0), faces=4)
    near = unit(0, towards=1, by=0.2)
    [refused, beside] = make_group(alice, 2, likeness=near).faces.order_by("pk")
    refresh_suggestions(alice.pk)
    answers.reject(ann, [refused.pk], actor=alice)
    later = make_face(make_photo(alice), likeness=near, cluster=refused.cluster)

    refresh_suggestions(alice.pk)

    assert set(Suggestion.objects.values_list("face", "person")) == {(later.pk, ann.pk)}
    assert beside.cluster == later.cluster
