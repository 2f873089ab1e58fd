"""Ranks what to ask next over an owner's whole library: the worker's side of the review queue."""

from collections.abc import Iterable

from django.db import transaction

from people.constraints import Constraints
from people.likeness import LikePair, groups_alike, people_alike
from people.locks import Job, wait_for_lock
from people.models import Cluster, Face, Person, Question
from people.questions import about_groups, about_people

# Until so many of the faces that can get a name have theirs: the aim that the forecast speaks of.
AIM = 0.95
VALUES = ["faces", "answers", "worth", "is_needed", "is_stranger"]


def rank_questions(owner_id: int, *, keep_people: bool = False, keep_groups: bool = False) -> int:
    """Write an owner's questions anew; return how many there are. Safe to run twice.

    keep_people, keep_groups: whether those about two people, or about two groups, stay as they were ranked last.
    """
    said = Constraints.of(owner_id)
    ranked = [
        *about_people(owner_id),
        *about_groups(owner_id),
        *_about_pairs(
            owner_id,
            () if keep_people else people_alike(owner_id, said),
            () if keep_groups else groups_alike(owner_id, said),
        ),
        *_kept(owner_id, people=keep_people, groups=keep_groups),
    ]
    _mark_needed(owner_id, ranked)
    with transaction.atomic():
        wait_for_lock(Job.CLUSTERS, owner_id)  # groups and people may be gone since they were read
        _write(owner_id, ranked)
    return len(ranked)


def _kept(owner_id: int, *, people: bool, groups: bool) -> list[Question]:
    """Questions about two people, about two groups, or about both, as they are."""
    about_two = Question.objects.filter(owner=owner_id, kind=Question.Kind.SAME)
    return [question for question in about_two if (people if question.person_id else groups)]


def _about_pairs(owner_id: int, people: Iterable[LikePair], groups: Iterable[LikePair]) -> list[Question]:
    """Two names for one person are wrong until they are merged; two groups cost a name more, at most."""
    questions = [
        _about_pair(owner_id, pair, worth=pair.probability * pair.faces, person=pair.one, other_person=pair.other)
        for pair in people
    ]
    questions += [
        _about_pair(owner_id, pair, worth=pair.probability * pair.faces / 2, cluster=pair.one, other_cluster=pair.other)
        for pair in groups
    ]
    return questions


def _about_pair(owner_id: int, pair: LikePair, *, worth: float, **sides: int) -> Question:
    keys = {f"{side}_id": pk for side, pk in sides.items()}
    return Question(owner_id=owner_id, kind=Question.Kind.SAME, faces=pair.faces, answers=1.0, worth=worth, **keys)


def _mark_needed(owner_id: int, questions: list[Question]) -> None:
    """Mark those that, asked in order, bring the faces that can get a name to the aim."""
    hidden = {"person_id": _hidden(Person, owner_id), "cluster_id": _hidden(Cluster, owner_id)}
    waiting = [
        question
        for question in questions
        if question.kind != Question.Kind.SAME
        and not question.is_stranger
        and not any(getattr(question, key) in pks for key, pks in hidden.items())  # never asked
    ]
    named = Face.objects.filter(photo__owner=owner_id, person__isnull=False).count()
    missing = AIM * (named + sum(_expected(question) for question in waiting)) - named
    for question in sorted(waiting, key=lambda question: -question.worth):
        if missing <= 0:
            break
        question.is_needed = True
        missing -= _expected(question)


def _hidden(model: type[Person] | type[Cluster], owner_id: int) -> set[int]:
    return set(model._default_manager.filter(owner=owner_id, is_hidden=True).values_list("pk", flat=True))


def _expected(question: Question) -> float:
    """Faces that get a name by a question and those that follow it about the same person or group."""
    return min(question.worth * question.answers, question.faces)


def _write(owner_id: int, ranked: list[Question]) -> None:
    """Make the stored questions these, touching only what differs."""
    clusters = set(Cluster.objects.filter(owner=owner_id).values_list("pk", flat=True)) | {None}
    people = set(Person.objects.filter(owner=owner_id).values_list("pk", flat=True)) | {None}
    wanted = {
        question.key: question
        for question in ranked
        if {question.cluster_id, question.other_cluster_id} <= clusters
        and {question.person_id, question.other_person_id} <= people
    }
    stored = {question.key: question for question in Question.objects.filter(owner=owner_id)}
    Question.objects.filter(pk__in=[q.pk for key, q in stored.items() if key not in wanted]).delete()
    Question.objects.bulk_create(question for key, question in wanted.items() if key not in stored)
    changed = [_with_values_of(stored[key], question) for key, question in wanted.items() if key in stored]
    Question.objects.bulk_update([question for question in changed if question], VALUES, 1000)


def _with_values_of(stored: Question, question: Question) -> Question | None:
    """The stored row with the values it should have; None where it has them."""
    if all(getattr(stored, name) == getattr(question, name) for name in VALUES):
        return None
    for name in VALUES:
        setattr(stored, name, getattr(question, name))
    return stored
