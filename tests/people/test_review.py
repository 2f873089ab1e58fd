"""What the review queue shows: which question next, with which tiles, and how much is left."""

from datetime import UTC, datetime

import pytest
from django.db.models import Q

from people import answers, review
from people.asked import asked_about_group, asked_about_person
from people.models import Cluster, Face, Question
from people.questions import drop_settled, strangers
from people.ranking import rank_questions
from people.review import count_questions, forecast, likely_people, next_card, reference_faces
from people.suggestions import refresh_suggestions
from people.tiles import TILES
from tests.factories import (
    make_cluster,
    make_face,
    make_group,
    make_known,
    make_person,
    make_photo,
    make_suggestion,
    unit,
)

Kind = Question.Kind


@pytest.fixture
def ann(alice):
    return make_known(alice, "Ann", likeness=unit(1))


def suggest_singles(owner, person, count: int, probability: float = 0.9) -> list[Face]:
    faces = [make_face(make_photo(owner), likeness=unit(1)) for _ in range(count)]
    for face in faces:
        make_suggestion(face, person, probability)
    return faces


def suggest_group(owner, person, count: int, probability: float = 0.9) -> list[Face]:
    faces = list(make_group(owner, count, likeness=unit(1)).faces.order_by("pk"))
    for face in faces:
        make_suggestion(face, person, probability)
    return faces


def pks(faces) -> set[int]:
    return {face.pk for face in faces}


# ---------- Which question


def test_nothing_to_ask_in_an_empty_library(alice):
    rank_questions(alice.pk)

    assert next_card(alice) is None
    assert (forecast(alice).answers, forecast(alice).questions) == (0, 0)


def test_the_question_that_settles_most_faces_comes_first(alice, ann):
    suggest_singles(alice, ann, 2)
    group = make_group(alice, 5)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert (card.question.cluster, card.settles) == (group, 5)


def test_questions_of_another_owner_are_not_seen(alice, bob, ann):
    suggest_singles(alice, ann, 3)
    make_group(alice, 3)
    rank_questions(alice.pk)

    assert next_card(bob) is None
    assert count_questions(bob) == 0


def test_skipped_questions_wait_and_are_not_counted(alice, ann):
    suggest_singles(alice, ann, 2)
    make_group(alice, 3)
    rank_questions(alice.pk)
    first = next_card(alice).question.key

    second = next_card(alice, skipped=[first]).question.key

    assert second != first
    assert count_questions(alice, skipped=[first]) == 1
    assert next_card(alice, skipped=[first, second]) is None
    left = forecast(alice, skipped=[first, second])
    assert (left.answers, left.questions, left.skipped, left.is_reached) == (0, 0, 2, False)


@pytest.mark.parametrize("nonsense", ["", "p", "x1-", "p1", "p1-2-3", "p" + "9" * 30 + "-", "p1-\0"])
def test_nonsense_among_the_skipped_does_nothing(alice, nonsense):
    make_group(alice, 3)
    rank_questions(alice.pk)

    assert count_questions(alice, skipped=[nonsense]) == 1


def test_hidden_groups_and_people_are_not_asked_about(alice, ann):
    suggest_singles(alice, ann, 2)
    group = make_group(alice, 3)
    rank_questions(alice.pk)
    group.is_hidden = ann.is_hidden = True
    group.save()
    ann.save()

    assert next_card(alice) is None
    assert count_questions(alice) == 0


def test_two_of_whom_one_is_hidden_are_not_compared(alice):
    _, bea = (make_known(alice, name, likeness=unit(1), faces=2) for name in ("Ann", "Bea"))
    rank_questions(alice.pk)
    assert next_card(alice).question.kind == Kind.SAME

    bea.is_hidden = True
    bea.save()

    assert next_card(alice) is None


def test_one_person_can_be_asked_about_first(alice, ann):
    suggest_singles(alice, ann, 1)
    make_group(alice, 5)
    rank_questions(alice.pk)

    assert next_card(alice, within=Q(person=ann, kind=Kind.PERSON)).question.person == ann


def test_one_question_can_be_asked_first(alice, ann):
    suggest_singles(alice, ann, 1)
    make_group(alice, 5)
    rank_questions(alice.pk)

    assert next_card(alice, only=[f"p{ann.pk}-"]).question.person == ann
    assert next_card(alice, only=["p987654321-"]) is None


@pytest.mark.parametrize("groups", [1, 8])
def test_asking_costs_the_same_number_of_queries_in_any_library(alice, groups, django_assert_max_num_queries):
    for _ in range(groups):
        make_group(alice, 2)
    rank_questions(alice.pk)

    with django_assert_max_num_queries(6):
        next_card(alice)


@pytest.mark.parametrize("many", [1, 8])
def test_so_does_asking_about_a_person_and_counting_what_is_left(alice, ann, many, django_assert_num_queries):
    for _ in range(many):
        suggest_group(alice, ann, 3)
        suggest_singles(alice, ann, 2)
        make_group(alice, 2)
    rank_questions(alice.pk)
    skipped = [next_card(alice, within=Q(person=ann, kind=Kind.PERSON)).question.key]

    with django_assert_num_queries(7):
        next_card(alice, within=Q(person=ann, kind=Kind.PERSON))
    with django_assert_num_queries(2):
        forecast(alice, skipped=skipped)


# ---------- Is this Ann?


def test_suggested_faces_are_asked_about_beside_confirmed_ones(alice, ann):
    faces = suggest_singles(alice, ann, 3)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert card.question.person == ann
    assert pks(card.asked_faces) == pks(faces)
    assert [each.more for each in card.asked] == [0, 0, 0]
    assert card.references == list(ann.faces.all())


def test_a_screenful_is_asked_at_once(alice, ann):
    suggest_singles(alice, ann, TILES + 1)
    rank_questions(alice.pk)

    assert len(next_card(alice).asked) == TILES


def test_a_group_is_one_tile_that_shows_its_clearest_face(alice, ann):
    group = suggest_group(alice, ann, 5)
    Face.objects.filter(pk=group[3].pk).update(quality=0.99)
    [single] = suggest_singles(alice, ann, 1)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert {each.face.pk: each.more for each in card.asked} == {group[3].pk: 4, single.pk: 0}
    assert card.settles == 6
    assert card.unseen == 0


def test_faces_of_a_group_that_are_hardly_hers_are_no_part_of_its_tile(alice, ann):
    group = suggest_group(alice, ann, 4)
    doubtful = group[0]
    doubtful.suggestion.probability = 0.2
    doubtful.suggestion.save()
    Face.objects.filter(pk=doubtful.pk).update(quality=0.99)
    rank_questions(alice.pk)

    [asked] = next_card(alice).asked

    assert asked.face.pk in pks(group[1:])
    assert asked.more == 2


def test_the_last_face_of_a_group_is_asked_about_though_it_is_hardly_hers(alice, ann):
    *group, last = suggest_group(alice, ann, 4)
    last.suggestion.probability = 0.4
    last.suggestion.save()
    rank_questions(alice.pk)

    assert [each.more for each in next_card(alice).asked] == [2]  # the tile of the group is without it
    asked = asked_about_person(alice, ann, [group[0].pk, last.pk])
    assert asked.stands_for == {group[0].pk: pks(group), last.pk: {last.pk}}

    answers.confirm(ann, pks(group), actor=alice)
    rank_questions(alice.pk)

    assert next_card(alice).asked_faces == [last]


def test_two_last_faces_of_a_group_are_asked_about_as_the_group(alice, ann):
    *group, last, other = suggest_group(alice, ann, 5)
    for face in (last, other):
        face.suggestion.probability = 0.4
        face.suggestion.save()
    answers.confirm(ann, pks(group), actor=alice)
    rank_questions(alice.pk)

    assert next_card(alice).question.cluster == last.cluster


def test_a_hidden_group_is_no_tile(alice, ann):
    group = suggest_group(alice, ann, 5)
    [single] = suggest_singles(alice, ann, 1)
    Cluster.objects.filter(pk=group[0].cluster_id).update(is_hidden=True)
    rank_questions(alice.pk)

    assert next_card(alice).asked_faces == [single]


def test_a_tick_stands_for_the_whole_group(alice, ann):
    group, others = suggest_group(alice, ann, 5), suggest_group(alice, ann, 3)
    [single] = suggest_singles(alice, ann, 1)
    shown = [group[2].pk, others[0].pk, single.pk]

    asked = asked_about_person(alice, ann, shown)

    assert asked.of([group[2].pk]) == pks(group)
    assert asked.of([single.pk]) == {single.pk}
    assert asked.all_shown == pks(group) | pks(others) | {single.pk}
    assert asked.unseen == set()


def test_a_tick_stands_for_no_face_that_was_answered_for_meanwhile(alice, ann):
    group = suggest_group(alice, ann, 4)
    answers.ignore(alice, [group[0].pk], actor=alice)
    answers.confirm(make_person(alice, "Bea"), [group[1].pk], actor=alice)

    assert asked_about_person(alice, ann, [group[2].pk]).all_shown == {group[2].pk, group[3].pk}
    assert asked_about_person(alice, ann, [group[0].pk]).stands_for == {}


def test_a_tick_does_not_stand_for_faces_that_joined_the_group_as_somebody_elses(alice, ann):
    group = suggest_group(alice, ann, 3)
    bea = make_known(alice, "Bea")
    late = make_face(make_photo(alice), cluster=group[0].cluster)
    make_suggestion(late, bea)

    assert asked_about_person(alice, ann, [group[0].pk]).all_shown == pks(group)


def test_faces_of_others_are_not_asked_about(alice, bob, ann):
    theirs = make_face(make_photo(bob))

    assert asked_about_person(alice, ann, [theirs.pk]).stands_for == {}


def test_people_who_look_alike_are_offered_as_other_answers(alice, ann):
    bea = make_known(alice, "Bea", likeness=unit(1, towards=5, by=0.5))
    suggest_singles(alice, ann, 1)
    rank_questions(alice.pk)

    assert next_card(alice, within=Q(person=ann, kind=Kind.PERSON)).others == [bea]


def test_who_is_ruled_out_is_no_other_answer(alice, ann):
    group = make_group(alice, 4, likeness=unit(1))
    faces = list(group.faces.all())
    bea = make_known(alice, "Bea", likeness=unit(1, towards=60, by=0.3))
    assert set(likely_people(alice, faces)) == {ann, bea}

    answers.reject(ann, [faces[2].pk], actor=alice)
    assert likely_people(alice, faces) == [bea]

    answers.different(alice, [faces[1].pk], [bea.faces.get().pk], actor=alice)
    assert likely_people(alice, faces) == []


def test_answering_settles_the_question(alice):
    faces = [make_face(make_photo(alice), likeness=unit(1)) for _ in range(3)]
    ann = make_person(alice)
    answers.confirm(ann, [faces[0].pk], actor=alice)
    refresh_suggestions(alice.pk)
    rank_questions(alice.pk)
    card = next_card(alice)
    assert card.question.person == ann

    answers.confirm(card.question.person, pks(card.asked_faces), actor=alice)
    assert next_card(alice) is None
    drop_settled(alice, card.question.key)

    assert count_questions(alice) == 0


# ---------- Who is this?


def test_a_face_is_asked_about_once_as_somebodys_and_not_again_as_a_groups(alice, ann):
    suggest_group(alice, ann, 2)
    rank_questions(alice.pk)

    assert count_questions(alice) == 1
    assert next_card(alice).question.person == ann


def test_a_group_that_is_hardly_somebodys_is_asked_about_as_a_group_with_the_name_as_a_key(alice, ann):
    group = suggest_group(alice, ann, 4, probability=0.3)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert card.question.cluster == group[0].cluster
    assert card.others == [ann]
    assert count_questions(alice) == 1


def test_a_large_group_shows_its_clearest_faces_and_those_least_like_it(alice):
    group = make_group(alice, 20, likeness=unit(1))
    odd = make_face(make_photo(alice), cluster=group, likeness=unit(2), quality=0.31)
    clear = make_face(make_photo(alice), cluster=group, likeness=unit(1), quality=0.95)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert len(card.asked) == TILES
    assert card.asked_faces[0] == clear
    assert odd in card.asked_faces
    assert (card.settles, card.unseen) == (22, 10)


def test_a_name_goes_to_the_unseen_of_a_group_and_not_to_those_asked_about_as_somebodys(alice, ann):
    group = make_group(alice, 5)
    faces = list(group.faces.order_by("pk"))
    make_suggestion(faces[0], ann)
    answers.ignore(alice, [faces[1].pk], actor=alice)

    asked = asked_about_group(alice, group, [faces[2].pk])

    assert asked.all_shown == {faces[2].pk}
    assert asked.unseen == pks(faces[3:])


# ---------- Same person?


def test_two_people_who_may_be_one_are_shown_side_by_side(alice):
    ann = make_known(alice, "Ann", likeness=unit(1), faces=3)
    anna = make_known(alice, "Anna", likeness=unit(1), faces=2)
    rank_questions(alice.pk)

    card = next_card(alice)

    assert (card.question.person, card.question.other_person) == (ann, anna)
    assert pks(card.references) == pks(ann.faces.all())
    assert pks(card.asked_faces) == pks(anna.faces.all())
    assert (card.count, card.settles) == (3, 2)


def test_two_people_of_whom_one_is_gone_are_not_compared(alice):
    ann, anna = (make_known(alice, name, likeness=unit(1), faces=2) for name in ("Ann", "Anna"))
    rank_questions(alice.pk)

    answers.merge(anna, ann, actor=alice)

    assert next_card(alice) is None


# ---------- What was answered meanwhile


def test_a_question_answered_in_another_tab_is_not_shown(alice, ann):
    group, other = make_group(alice, 5), make_group(alice, 3)
    rank_questions(alice.pk)

    answers.confirm(ann, pks(group.faces.all()), actor=alice)

    assert next_card(alice).question.cluster == other


def test_only_a_settled_question_is_dropped(alice, ann):
    first, second = make_group(alice, 5), make_group(alice, 3)
    rank_questions(alice.pk)
    answers.confirm(ann, pks(first.faces.all()), actor=alice)
    answers.confirm(ann, pks(second.faces.all()[:1]), actor=alice)

    drop_settled(alice, f"g{first.pk}-")
    drop_settled(alice, f"g{second.pk}-")

    assert list(Question.objects.values_list("cluster", flat=True)) == [second.pk]


def test_a_question_about_two_groups_is_dropped_once_they_were_compared(alice):
    one, other = make_group(alice, 4), make_group(alice, 3)
    Question.objects.create(owner=alice, kind="same", cluster=one, other_cluster=other, faces=3, answers=1, worth=100)
    key = f"g{one.pk}-{other.pk}"

    drop_settled(alice, key)
    assert Question.objects.count() == 1

    answers.different(alice, pks(one.faces.all()[:1]), pks(other.faces.all()[:1]), actor=alice)
    drop_settled(alice, key)
    assert Question.objects.count() == 0


def test_nobody_drops_a_question_of_somebody_else(alice, bob):
    group = make_group(alice, 3)
    rank_questions(alice.pk)
    group.faces.update(is_ignored=True)

    drop_settled(bob, f"g{group.pk}-")

    assert Question.objects.count() == 1


# ---------- How much is left


def test_the_forecast_counts_answers_until_95_in_a_hundred_have_their_name(alice):
    for size in (40, 40, 20, 2, 2):
        make_group(alice, size)
    rank_questions(alice.pk)

    left = forecast(alice)

    assert left.questions == 5
    assert left.is_reached is False
    # Three questions, and a click for each hundredth face, which is somebody else's.
    assert left.answers == 4


def test_at_95_in_a_hundred_the_rest_is_not_needed(alice):
    make_known(alice, faces=100)
    make_group(alice, 3)
    rank_questions(alice.pk)

    left = forecast(alice)

    assert (left.answers, left.questions, left.is_reached) == (0, 1, True)


def test_groups_seen_on_one_day_only_are_folded_away(alice):
    for day in range(1, 13):
        make_photo(alice, taken_at=datetime(2023, 1, day, tzinfo=UTC), taken_at_source="camera")
    passers_by, regulars, crowd = make_group(alice, 3), make_group(alice, 3, days=2), make_group(alice, 5)
    rank_questions(alice.pk)

    assert list(strangers(alice)) == [passers_by.pk]
    assert count_questions(alice) == 2
    assert next_card(alice, skipped=[f"g{regulars.pk}-", f"g{crowd.pk}-"]) is None


def test_strangers_come_back_when_they_are_seen_on_another_day(alice):
    for day in range(1, 13):
        make_photo(alice, taken_at=datetime(2023, 1, day, tzinfo=UTC), taken_at_source="camera")
    group = make_group(alice, 3)
    rank_questions(alice.pk)
    assert next_card(alice) is None

    again = make_photo(alice, taken_at=datetime(2024, 7, 1, tzinfo=UTC), taken_at_source="camera")
    make_face(again, cluster=group)
    rank_questions(alice.pk)

    assert next_card(alice).question.cluster == group
    assert list(strangers(alice)) == []


def test_in_a_library_of_few_days_nobody_is_a_stranger(alice):
    make_group(alice, 3)
    rank_questions(alice.pk)

    assert count_questions(alice) == 1


def test_a_group_of_photos_without_a_date_is_not_of_strangers(alice):
    for day in range(1, 13):
        make_photo(alice, taken_at=datetime(2023, 1, day, tzinfo=UTC), taken_at_source="camera")
    cluster = make_cluster(alice)
    for _ in range(3):
        make_face(make_photo(alice, taken_at_source="upload"), cluster=cluster)
    rank_questions(alice.pk)

    assert count_questions(alice) == 1


# ---------- Faces to compare with


def test_references_span_the_years(alice):
    ann = make_person(alice)
    for year in range(2000, 2024):
        make_face(make_photo(alice, taken_at=datetime(year, 1, 1, tzinfo=UTC)), person=ann)

    years = [face.photo.taken_at.year for face in reference_faces(ann)]

    assert years == sorted(years)
    assert len(years) == 4
    assert years[0] < 2006
    assert years[-1] >= 2018


def test_of_many_known_faces_only_the_clearest_are_looked_through(alice, ann, monkeypatch):
    monkeypatch.setattr(review, "LOOKED_THROUGH", 4)
    for number, year in enumerate(range(2000, 2012)):
        make_face(
            make_photo(alice, taken_at=datetime(year, 1, 1, tzinfo=UTC)), person=ann, quality=0.99 - number % 3 / 10
        )

    shown = reference_faces(ann)

    assert [face.photo.taken_at.year for face in shown] == [2000, 2003, 2006, 2009]


def test_a_person_with_many_faces_does_not_hide_the_others(alice):
    """A nearest-neighbour index would stop after Ann's faces and offer nobody else."""
    ann, bea = make_person(alice), make_person(alice, "Bea")
    for _ in range(60):
        make_face(make_photo(alice), person=ann, likeness=unit(1))
    make_face(make_photo(alice), person=bea, likeness=unit(1, towards=5, by=0.5))
    probe = make_face(make_photo(alice), likeness=unit(1))

    assert likely_people(alice, [probe], but_not=ann) == [bea]
    assert likely_people(alice, [probe]) == [ann, bea]


def test_somebody_who_looks_nothing_alike_is_not_offered(alice):
    make_face(make_photo(alice), person=make_person(alice), likeness=unit(1))

    assert likely_people(alice, [make_face(make_photo(alice), likeness=unit(2))]) == []
