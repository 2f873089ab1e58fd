"""What learning from answers takes, and what it costs others, in an invented library.

    python -m tools.learning_cost 60000 --folder FOLDER

FOLDER is a home of Kith; a library is made in it, if none is there. docs/decisions/0028 says what came of it.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.pictures import drawing, encoded  # sets KITH_HOME, so before we do

ROOT = Path(__file__).resolve().parents[1]
WAITS = 20  # of each kind, before and beside learning
LEARN = "import django; django.setup(); from people.own_learning import run; run({owner})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=int)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    home = options.folder.resolve()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o711)
    os.environ |= {"KITH_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "KITH_DEBUG": "1"}
    os.environ["KITH_MODELS"] = str(ROOT / "var" / "test" / "models")
    from config.embedded import running

    with running(home):
        import django

        django.setup()
        owner = _library(options.faces)
        _migrate()
        _measure(owner)


def _library(faces: int):
    from django.core.management import call_command

    from accounts.models import User
    from people.invented_library import make_library
    from people.models import Face

    call_command("migrate", verbosity=0)
    owner = User.objects.filter(username="owner").first()
    if owner is None:
        owner = User.objects.create_user("owner", face_analysis="on")
        make_library(owner, photos=faces // 3, faces=faces, seed=1, report=print, has_pictures=False)
    print(f"{Face.objects.count()} faces, {Face.objects.gallery().count()} confirmed")
    return owner


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", "people", "0020", verbosity=0)
    _timed("migration", lambda: call_command("migrate", "people", verbosity=0))


def _measure(owner) -> None:
    from people import own_learning, own_rows, training
    from people.learning_state import learning_state
    from people.models import Training
    from people.suggestions import refresh_suggestions

    def suggest() -> None:
        refresh_suggestions(owner.pk)

    suggest()
    _timed("suggestions before", suggest)
    _timed("what Settings ask", lambda: learning_state(owner))
    waits = _waits(owner)
    waits("before")
    training.ask_to_learn(owner)
    child = subprocess.Popen(["nice", "-n", "10", sys.executable, "-c", LEARN.format(owner=owner.pk)], cwd=ROOT)  # noqa: S603, S607
    while child.poll() is None and not Training.objects.filter(owner=owner, share__gt=0.05).exists():
        time.sleep(0.2)
    waits("while it learns")
    _timed("suggestions while it learns", suggest)
    child.wait()
    row = Training.objects.select_related("latest").get(owner=owner)
    print(row.trouble if row.latest is None else row.latest.figures)
    training.stop_using(owner.pk)
    training.use_latest(owner)
    _timed("rows for all faces, if they have none yet", lambda: own_learning.run(owner.pk))
    _timed("suggestions with it", suggest)
    _timed("off", lambda: training.stop_using(owner.pk))
    _timed("on", lambda: training.use_latest(owner))
    _timed("deleted", lambda: training.forget(owner.pk, learn_again=False))
    _timed("rows taken off", lambda: own_rows.clear(owner.pk))


def _waits(owner) -> Callable[[str], None]:
    """What says how long the owner waits, in the server, for a question of Review and for a photo to be taken."""
    from django.conf import settings
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    from photos import media_folder

    settings.ALLOWED_HOSTS = ["testserver"]
    media_folder.set_mark("invented")  # the photos of this library have no files
    client = Client()
    client.force_login(owner)
    seeds = itertools.count(time.time_ns())  # no photo twice, when it is measured again, too
    batch = client.post("/batches/", {"title": "Learning", "expected": str(2 * WAITS)}).json()["id"]

    def send() -> None:
        photo = SimpleUploadedFile("photo.jpg", encoded(drawing(seed=next(seeds))))
        assert (
            client.post(f"/batches/{batch}/files/", {"name": photo.name, "file": photo}).json()["outcome"] == "stored"
        )

    def say(when: str) -> None:
        for what, act in (("a question", lambda: client.get("/review/")), ("a photo taken", send)):
            seconds = [_seconds(act) for _ in range(WAITS)]
            print(f"{what} {when}: {statistics.median(seconds):.3f} s, {max(seconds):.3f} s at most", flush=True)

    return say


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _timed(what: str, work: Callable[[], object]) -> None:
    begun, processor = time.monotonic(), time.process_time()
    work()
    print(f"{what}: {time.monotonic() - begun:.2f} s, {time.process_time() - processor:.2f} s of processor time")


if __name__ == "__main__":
    main()
