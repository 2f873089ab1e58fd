"""Two users do random acts, groups are made anew in between, all is undone in a random order: all is as it was."""

from collections.abc import Callable
from random import Random
from typing import ClassVar

import hypothesis.strategies as st
import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from accounts.models import User
from ml.geometry import BoundingBox
from people import answers, drawing, ledger
from people.constraints import Constraints, repeat_photos
from people.grouping import group_owner
from people.models import Cluster, Decision, Face, Person
from people.tracks import FaceState, state_in_force
from photos import trash
from photos.models import Photo
from tests.factories import make_face, make_person, make_photo, make_user, unit

# Together fifteen hundred acts, in about two minutes.
LIBRARIES = 30
ACTS = 50

FACES = 12
LOOKS = 3  # faces of a library look like one of so many people
PEOPLE = 3

users = st.sampled_from([0, 1])
a_face = st.integers(0, FACES + 2)  # the last ones are drawn by hand, where there are such
some_faces = st.lists(a_face, min_size=1, max_size=4, unique=True)
a_person = st.integers(0, PEOPLE - 1)
a_photo = st.integers(0, 3)
a_number = st.integers(0, 10_000)


class Library:
    """Faces of three people who look apart, some in one photo. stored: makes a photo with a file, if need be."""

    def __init__(self, name: str, stored: Callable[[User, int], Photo] | None = None) -> None:
        self.owner: User = make_user(username=name)
        make = stored or (lambda owner, number: make_photo(owner))
        self.photos = [make(self.owner, number) for number in range(FACES - 2)]
        self.faces = [
            # The last two faces share the photos of the first two.
            make_face(
                self.photos[n % len(self.photos)],
                left=0.1 if n < len(self.photos) else 0.6,
                likeness=unit(n % LOOKS, towards=50 + n, by=0.2 + 0.03 * n),
            ).pk
            for n in range(FACES)
        ]
        self.people = [make_person(self.owner, f"Person {n}") for n in range(PEOPLE)]

    def state(self) -> tuple[object, ...]:
        """All that acts change and undoing has to bring back."""
        faces = Face.objects.owned_by(self.owner).shown().without_vectors().order_by("pk")
        said = Constraints.of(self.owner.pk)
        return (
            [(face.pk, FaceState.of(face)) for face in faces],
            said.apart().tolist(),
            said.together().tolist(),
            said.ruled_out(),
            said.pulled(),
            said.people_apart(),
            ledger.rejected_pairs(self.owner.pk),
            repeat_photos(self.owner.pk),
        )


class TwoUsers(RuleBasedStateMachine):
    """Everything one can do about faces, in any order."""

    libraries: ClassVar[list[Library]]
    before: ClassVar[list[tuple[object, ...]]]
    begun: ClassVar[int]  # the last decision of before

    @classmethod
    def prepare(cls) -> None:
        """Make the libraries once; each run of the machine is rolled back."""
        cls.libraries = [Library("alice"), Library("bob")]
        for library in cls.libraries:
            group_owner(library.owner.pk)
        # The first groups are part of what was there before.
        cls.begun = max(Decision.objects.values_list("pk", flat=True), default=0)
        cls.before = [library.state() for library in cls.libraries]

    @initialize(random=st.randoms(use_true_random=False))
    def begin(self, random: Random) -> None:
        self.random = random
        self.acted: set[int] = set()  # users, since the last look at the rows
        self.drawn: tuple[list[int], list[int]] = ([], [])  # faces of each user
        self.run = transaction.atomic()
        self.run.__enter__()

    def acts(self, user: int) -> list[Decision]:
        """What can be taken back. Whoever asks, is about to act."""
        self.acted.add(user)
        decisions = Decision.objects.filter(owner=self.libraries[user].owner, pk__gt=self.begun, is_in_force=True)
        return list(decisions.order_by("pk"))

    def faces(self, user: int, numbers: list[int]) -> list[int]:
        self.acted.add(user)
        faces = self.libraries[user].faces + self.drawn[user]
        return list(dict.fromkeys(faces[number % len(faces)] for number in numbers))

    @rule(user=users, person=a_person, yes=some_faces, no=some_faces)
    def confirm(self, user: int, person: int, yes: list[int], no: list[int]) -> None:
        library = self.libraries[user]
        theirs = self.faces(user, yes)
        not_theirs = set(self.faces(user, no)) - set(theirs)
        answers.confirm(library.people[person], theirs, but_not=not_theirs, actor=library.owner)

    @rule(user=users, person=a_person, faces=some_faces)
    def reject(self, user: int, person: int, faces: list[int]) -> None:
        library = self.libraries[user]
        answers.reject(library.people[person], self.faces(user, faces), actor=library.owner)

    @rule(user=users, person=a_person, faces=some_faces)
    def remove(self, user: int, person: int, faces: list[int]) -> None:
        library = self.libraries[user]
        answers.remove_name(library.people[person], self.faces(user, faces), actor=library.owner)

    @rule(user=users, faces=some_faces)
    def ignore(self, user: int, faces: list[int]) -> None:
        answers.ignore(self.libraries[user].owner, self.faces(user, faces), actor=self.libraries[user].owner)

    @rule(user=users, faces=some_faces)
    def show_again(self, user: int, faces: list[int]) -> None:
        answers.show_again(self.libraries[user].owner, self.faces(user, faces), actor=self.libraries[user].owner)

    @rule(user=users, faces=some_faces)
    def no_face(self, user: int, faces: list[int]) -> None:
        answers.no_face(self.libraries[user].owner, self.faces(user, faces), actor=self.libraries[user].owner)

    @rule(user=users, photo=a_photo, left=st.sampled_from([0.25, 0.75]))
    def draw(self, user: int, photo: int, left: float) -> None:
        library = self.libraries[user]
        self.acted.add(user)
        if not Photo.objects.filter(pk=library.photos[photo].pk).exists():
            return  # in the trash, where nobody draws
        try:
            face, _ = drawing.draw(library.photos[photo], BoundingBox(left, 0.3, 0.1, 0.2), actor=library.owner)
        except drawing.BadBox:
            return  # it is there already
        self.drawn[user].append(face.pk)

    @rule(user=users, photos=st.lists(a_photo, min_size=1, max_size=3, unique=True))
    def put_into_the_trash_or_back(self, user: int, photos: list[int]) -> None:
        """No act on faces: they follow what is done with the others, out of sight."""
        library = self.libraries[user]
        self.acted.add(user)
        chosen = Photo.everywhere.filter(pk__in=[library.photos[number].pk for number in photos])
        (trash.restore if chosen.in_trash().exists() else trash.move_to_trash)(library.owner, chosen)

    @rule(user=users, person=a_person, other=a_person, some=some_faces, others=some_faces)
    def split(self, user: int, person: int, other: int, some: list[int], others: list[int]) -> None:
        people, owner = self.libraries[user].people, self.libraries[user].owner
        parts = {people[other]: self.faces(user, some)}
        answers.split(people[person], parts, nobodys=self.faces(user, others), actor=owner)

    @rule(user=users, person=a_person, some=some_faces, others=some_faces, number=a_number)
    def split_group(self, user: int, person: int, some: list[int], others: list[int], number: int) -> None:
        library = self.libraries[user]
        groups = list(Cluster.objects.filter(owner=library.owner).order_by("pk"))
        if groups:
            named = {library.people[person]: self.faces(user, some)} if number % 2 else {}
            rest = [self.faces(user, others), self.faces(user, some)]
            answers.split_group(groups[number % len(groups)], named, rest, actor=library.owner)

    @rule(user=users, person=a_person, number=a_number)
    def hide(self, user: int, person: int, number: int) -> None:
        """A person and a group at once."""
        library = self.libraries[user]
        groups = list(Cluster.objects.filter(owner=library.owner).order_by("pk"))
        somebody = Person.objects.get(pk=library.people[person].pk)
        ledger.hide(library.owner, [somebody], groups[number % (len(groups) + 1) :][:1], actor=library.owner)

    @rule(user=users, person=a_person, into=a_person)
    def merge(self, user: int, person: int, into: int) -> None:
        library = self.libraries[user]
        self.acted.add(user)
        if person != into:
            answers.merge(library.people[person], library.people[into], actor=library.owner)

    @rule(user=users, some=some_faces, others=some_faces)
    def same(self, user: int, some: list[int], others: list[int]) -> None:
        owner = self.libraries[user].owner
        answers.same(owner, self.faces(user, some), self.faces(user, others), actor=owner)

    @rule(user=users, some=some_faces, others=some_faces)
    def different(self, user: int, some: list[int], others: list[int]) -> None:
        owner = self.libraries[user].owner
        answers.different(owner, self.faces(user, some), self.faces(user, others), actor=owner)

    @rule(user=users, person=a_person, other=a_person)
    def different_people(self, user: int, person: int, other: int) -> None:
        library = self.libraries[user]
        answers.different_people(library.people[person], library.people[other], actor=library.owner)

    @rule(user=users, photo=a_photo)
    def repeat(self, user: int, photo: int) -> None:
        library = self.libraries[user]
        answers.repeat(library.photos[photo], actor=library.owner)

    @rule(user=users, person=a_person, faces=some_faces)
    def tag(self, user: int, person: int, faces: list[int]) -> None:
        answers.tag(self.libraries[user].people[person], self.faces(user, faces))

    @rule(user=users, number=a_number)
    def unhide(self, user: int, number: int) -> None:
        owner = self.libraries[user].owner
        hidden = [kind.objects.filter(owner=owner, is_hidden=True).order_by("pk") for kind in (Person, Cluster)]
        ledger.unhide(owner, *(list(rows)[: 1 + number % 2] for rows in hidden), actor=owner)

    @rule(user=users, number=a_number)
    def undo_any(self, user: int, number: int) -> None:
        """Also an undo: that does it again."""
        acts = self.acts(user)
        if acts:
            ledger.undo(acts[number % len(acts)], actor=self.libraries[user].owner)

    @rule(user=users)
    def undo_last(self, user: int) -> None:
        acts = [act for act in self.acts(user) if act.verb != Decision.Verb.UNDO]
        if acts:
            undone = ledger.undo(acts[-1], actor=self.libraries[user].owner)
            assert undone.stale == [] == undone.later

    @rule(user=users)
    def touch_the_library_of_the_other(self, user: int) -> None:
        mine, theirs = self.libraries[user], self.libraries[1 - user]
        before = theirs.state()
        assert answers.confirm(mine.people[0], theirs.faces, actor=mine.owner) is None
        assert answers.different(mine.owner, theirs.faces[:2], theirs.faces[2:], actor=mine.owner) is None
        assert theirs.state() == before

    @rule(user=users)
    def regroup(self, user: int) -> None:
        self.acted.add(user)
        owner = self.libraries[user].owner
        named = dict(Face.objects.owned_by(owner).exclude(person=None).values_list("pk", "person"))
        held = dict(Face.objects.filter(pk__in=ledger.held_faces(owner.pk)).values_list("pk", "cluster"))
        shown = set(Face.objects.owned_by(owner).filter(cluster__is_hidden=False).values_list("pk", flat=True))

        assert group_owner(owner.pk)

        said_to_be_one = set(Constraints.of(owner.pk).together().ravel().tolist())
        assert not Face.objects.filter(pk__in=shown - said_to_be_one, cluster__is_hidden=True).exists()
        assert dict(Face.objects.owned_by(owner).exclude(person=None).values_list("pk", "person")) == named
        assert dict(Face.objects.filter(pk__in=held).values_list("pk", "cluster")) == held
        self.check_groups(owner)

    def check_groups(self, owner: User) -> None:
        waiting = dict(Face.objects.owned_by(owner).untagged().embedded().values_list("pk", "cluster"))
        assert Constraints.of(owner.pk).broken_by(waiting) == set()
        twice = repeat_photos(owner.pk)
        grouped = Face.objects.owned_by(owner).exclude(cluster=None).exclude(photo__in=twice)
        places = list(grouped.values_list("cluster", "photo"))
        assert len(places) == len(set(places))

    @invariant()
    def rows_are_what_the_ledger_says(self) -> None:
        """A name never moves by itself, named faces wait in no group, and the machine keeps to the noes."""
        for library in [self.libraries[user] for user in self.acted]:
            faces = {face.pk: face for face in Face.everywhere.owned_by(library.owner).without_vectors()}
            noes = ledger.rejected_pairs(library.owner.pk)
            acts = ledger.acts_on(faces.values())
            for pk, face in faces.items():
                state = FaceState.of(face)
                assert not acts[pk] or state == state_in_force(acts[pk], state)
                assert state.waits_for_a_name or state.cluster is None
                assert face.tagged_by != Face.TaggedBy.MACHINE or (pk, state.person) not in noes
        self.acted.clear()

    def undo_everything(self) -> None:
        for user, library in enumerate(self.libraries):
            trash.restore(library.owner, Photo.everywhere.owned_by(library.owner))
            while acts := [act for act in self.acts(user) if act.verb != Decision.Verb.UNDO]:
                ledger.undo(self.random.choice(acts), actor=library.owner)
            assert library.state() == self.before[user]
            assert not Person.objects.owned_by(library.owner).filter(is_hidden=True).exists()
            assert not Cluster.objects.owned_by(library.owner).filter(is_hidden=True).exists()

    def teardown(self) -> None:
        try:
            self.undo_everything()
        finally:
            transaction.set_rollback(True)
            self.run.__exit__(None, None, None)


@pytest.mark.django_db
def test_whatever_is_done_can_be_undone_in_any_order():
    TwoUsers.prepare()
    run_state_machine_as_test(
        TwoUsers,
        settings=settings(
            max_examples=LIBRARIES,
            stateful_step_count=ACTS,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],  # to shrink a failure takes many minutes
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
