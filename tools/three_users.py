"""Three users do random acts, each in a process of its own that may be killed at any moment: `make three-users`.

    python -m tools.three_users [--steps 2000] [--seed 1] [--json FILE]

They upload photos, answer about faces, merge, split, hide, delete and undo; groups are made anew in between. After each
act the libraries of the other two must be as they were, and the rows of the first what its ledger says. Now and then
everything is verified, with checksums. At the end all acts are undone in a random order: faces and answers must be as
they were in the beginning.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.services import KEPT
from tools.faults import library

KILLED = 0.3  # of all acts
LONGEST_LIFE = 0.06  # seconds until a kill by the clock; the others are at a step of photos.faults
VERIFIED_EVERY = 100
NAMES = ("alice", "bob", "carol")


@dataclass
class Result:
    """acts: how many of each kind. killed: processes that did not live to the end of their act. problems: sentences."""

    seed: int
    steps: int = 0
    acts: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    verified: int = 0
    undone: int = 0
    seconds: float = 0
    problems: list[str] = field(default_factory=list)


class ThreeUsers:
    """The users' libraries, and the process that watches over them."""

    def __init__(self, seed: int) -> None:
        from people.grouping import group_owner
        from people.models import Decision
        from tests.people.test_ledger_machine import Library

        self.chance = random.Random(seed)  # noqa: S311
        self.result = Result(seed)
        self.libraries = [Library(name, stored=self._stored) for name in NAMES]
        for one in self.libraries:
            group_owner(one.owner.pk)
        self.begun = max(Decision.objects.values_list("pk", flat=True), default=0)
        self.before = [one.state() for one in self.libraries]
        self.states = list(self.before)  # as they were after the last act

    def _stored(self, owner: Any, number: int) -> Any:
        """A photo with a file, as an upload leaves it."""
        from photos.models import Photo

        file = _upload(owner, f"{owner.username} {number}")
        Photo.objects.filter(pk=file.photo_id).update(width=1500, height=1000)
        return file.photo

    def step(self) -> None:
        user = self.chance.randrange(len(NAMES))
        name = self.chance.choice(sorted(ACTS))
        seed = self.chance.random()
        self._act(lambda: ACTS[name](self, user, random.Random(seed)))  # noqa: S311
        self.result.steps += 1
        self.result.acts[name] = self.result.acts.get(name, 0) + 1
        for number, one in enumerate(self.libraries):
            state = one.state()
            if number != user and state != self.states[number]:
                self.result.problems.append(f"{name} by {NAMES[user]} changed the library of {NAMES[number]}")
            self.states[number] = state
        self.result.problems += [f"after {name}: {problem}" for problem in _ledger_problems(self.libraries[user])]
        if self.result.steps % VERIFIED_EVERY == 0:
            self.verify()

    def _act(self, act: Callable[[], object]) -> None:
        """Do it in a process of its own, and perhaps kill that."""
        from django.db import connections

        dies = self.chance.random() < KILLED
        life = self.chance.uniform(0, LONGEST_LIFE) if dies and self.chance.random() < 0.5 else None
        dies_at = self.chance.randrange(3) if dies and life is None else None
        connections.close_all()  # the child must not speak on ours
        child = os.fork()
        if not child:
            _live(act, dies_at)
        if life is not None:
            time.sleep(life)
            os.kill(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        self.result.killed += status == -signal.SIGKILL
        if status not in (0, -signal.SIGKILL):
            self.result.problems.append(f"an act ended with {status}")
        _wait_for_the_servers_end_of_it()

    def verify(self) -> None:
        from people.integrity import crop_names, face_problems
        from photos.integrity import file_problems, photo_problems

        self.result.verified += 1
        for found in (photo_problems(checksums=True), face_problems(), file_problems(crop_names())):
            self.result.problems += [f"{problem.invariant}: {problem.text}" for problem in found]

    def undo_everything(self) -> None:
        from people import ledger
        from people.models import Decision
        from photos import trash
        from photos.models import Photo

        for one, before in zip(self.libraries, self.before, strict=True):
            trash.restore(one.owner, Photo.everywhere.owned_by(one.owner))
            mine = Decision.objects.filter(owner=one.owner, pk__gt=self.begun, is_in_force=True)
            while acts := list(mine.exclude(verb=Decision.Verb.UNDO).order_by("pk")):
                ledger.undo(self.chance.choice(acts), actor=one.owner)
                self.result.undone += 1
            if one.state() != before:
                self.result.problems.append(f"{one.owner.username}: not all is as it was after undoing everything")


def _live(act: Callable[[], object], dies_at: int | None) -> None:
    """Do the act, and end; or be killed at the step of photos.faults of this number."""
    from photos import faults

    came = 0

    def stop(step: str, of: str) -> None:
        nonlocal came
        if came == dies_at:
            os.kill(os.getpid(), signal.SIGKILL)
        came += 1

    faults._stop_at = stop
    try:
        act()
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait_for_the_servers_end_of_it() -> None:
    """PostgreSQL rolls back what a killed process had begun when it notices; until then its locks hold."""
    from django.db import connection

    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(others)
            if not cursor.fetchone()[0]:
                return
        time.sleep(0.005)
    raise RuntimeError("A killed process is still known to PostgreSQL after a minute.")


def _ledger_problems(one: Any) -> list[str]:
    """Whether the rows of a library are what its ledger says."""
    from people import ledger
    from people.models import Face
    from people.tracks import FaceState, state_in_force

    faces = {face.pk: face for face in Face.everywhere.owned_by(one.owner).without_vectors()}
    noes = ledger.rejected_pairs(one.owner.pk)
    acts = ledger.acts_on(faces.values())
    wrong = []
    for pk, face in faces.items():
        state = FaceState.of(face)
        if acts[pk] and state != state_in_force(acts[pk], state):
            wrong.append(f"face {pk} is not what the ledger says")
        if not state.waits_for_a_name and state.cluster is not None:
            wrong.append(f"face {pk} waits in a group although it need not")
        if face.tagged_by == Face.TaggedBy.MACHINE and (pk, state.person) in noes:
            wrong.append(f"face {pk} was named against a no")
    return wrong


# What users do. Each takes the libraries, the user and what decides.


def _upload(owner: Any, name: str) -> Any:
    from photos.intake import start_batch, take_in
    from photos.uploading import receive_local_file
    from tests.pictures import drawing, encoded

    with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
        # Other bytes for each name: what follows the picture's end is no part of it.
        file.write(encoded(drawing()) + name.encode())
        file.flush()
        batch = start_batch(owner, title=name, expected=1, has_album=False)
        return take_in(batch, receive_local_file(Path(file.name), name=f"{name}.jpg"), name=f"{name}.jpg")


def _some(faces: list[int], chance: random.Random, most: int = 4) -> list[int]:
    return chance.sample(faces, chance.randint(1, min(most, len(faces))))


def _acts() -> dict[str, Callable[[ThreeUsers, int, random.Random], object]]:
    from people import answers, ledger
    from people.grouping import group_owner
    from people.models import Decision, Person
    from photos import trash
    from photos.models import Photo

    def upload(here: ThreeUsers, user: int, chance: random.Random) -> object:
        return _upload(here.libraries[user].owner, f"new {chance.randrange(40)}")

    def confirm(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        yes = _some(one.faces, chance)
        no = set(_some(one.faces, chance)) - set(yes)
        return answers.confirm(chance.choice(one.people), yes, but_not=no, actor=one.owner)

    def reject(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        return answers.reject(chance.choice(one.people), _some(one.faces, chance), actor=one.owner)

    def remove(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        return answers.remove_name(chance.choice(one.people), _some(one.faces, chance), actor=one.owner)

    def ignore(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        change = chance.choice((answers.ignore, answers.show_again, answers.no_face))
        return change(one.owner, _some(one.faces, chance), actor=one.owner)

    def same_or_different(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        say = chance.choice((answers.same, answers.different))
        return say(one.owner, _some(one.faces, chance), _some(one.faces, chance), actor=one.owner)

    def merge(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        return answers.merge(*chance.sample(one.people, 2), actor=one.owner)

    def split(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        parts = {chance.choice(one.people): _some(one.faces, chance)}
        return answers.split(chance.choice(one.people), parts, nobodys=_some(one.faces, chance), actor=one.owner)

    def hide_or_show(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        somebody = Person.objects.get(pk=chance.choice(one.people).pk)
        say = ledger.unhide if somebody.is_hidden else ledger.hide
        return say(one.owner, [somebody], [], actor=one.owner)

    def trash_or_back(here: ThreeUsers, user: int, chance: random.Random) -> object:
        one = here.libraries[user]
        chosen = Photo.everywhere.filter(pk__in=[photo.pk for photo in chance.sample(one.photos, 2)])
        return (trash.restore if chosen.in_trash().exists() else trash.move_to_trash)(one.owner, chosen)

    def delete_for_good(here: ThreeUsers, user: int, chance: random.Random) -> object:
        """Of photos without faces, which came in between."""
        one = here.libraries[user]
        kept = [photo.pk for photo in one.photos]
        new = Photo.everywhere.owned_by(one.owner).exclude(pk__in=kept)
        chosen = Photo.everywhere.filter(pk__in=list(new.values_list("pk", flat=True)[:2]))
        trash.move_to_trash(one.owner, chosen)
        trash.delete_for_good(one.owner, chosen)
        return trash.purge()

    def touch_another(here: ThreeUsers, user: int, chance: random.Random) -> object:
        """What one must not do: the libraries of the others are looked at after every act."""
        mine, theirs = here.libraries[user], here.libraries[(user + 1) % len(NAMES)]
        answers.confirm(mine.people[0], _some(theirs.faces, chance), actor=mine.owner)
        return answers.different(mine.owner, theirs.faces[:2], theirs.faces[2:], actor=mine.owner)

    def undo(here: ThreeUsers, user: int, chance: random.Random) -> object:
        owner = here.libraries[user].owner
        acts = list(Decision.objects.filter(owner=owner, pk__gt=here.begun, is_in_force=True).order_by("pk"))
        return ledger.undo(chance.choice(acts), actor=owner) if acts else None

    def regroup(here: ThreeUsers, user: int, chance: random.Random) -> object:
        return group_owner(here.libraries[user].owner.pk)

    chosen = (
        upload, confirm, reject, remove, ignore, same_or_different, merge, split, hide_or_show, trash_or_back,
        delete_for_good, touch_another, undo, regroup,
    )  # fmt: skip
    return {act.__name__: act for act in chosen}


ACTS: dict[str, Callable[[ThreeUsers, int, random.Random], object]] = {}


def run(steps: int, seed: int, home: Path) -> Result:
    """On a home of its own, with the PostgreSQL and Valkey in it."""
    library.use(home, KEPT / "models")
    from django.core.management import call_command

    from config.embedded import EmbeddedServices
    from photos import media_folder

    services = EmbeddedServices(home)
    services.start(lambda sentence: None)
    try:
        call_command("migrate", verbosity=0)
        media_folder.set_mark("three users")
        ACTS.update(_acts())
        begun = time.monotonic()
        users = ThreeUsers(seed)
        for _ in range(steps):
            users.step()
        users.verify()
        users.undo_everything()
        users.verify()
        users.result.seconds = round(time.monotonic() - begun, 1)
        return users.result
    finally:
        services.stop(lambda sentence: None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-three-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL may run as another user
        result = run(options.steps, options.seed, Path(folder) / "home")
    written = json.dumps(asdict(result), indent=1, sort_keys=True)
    print(written)
    if options.json:
        options.json.write_text(written + "\n")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
