"""How long each stage of a photo's way takes, one after another in one process, in milliseconds a photo.

    python -m tools.stage_times FOLDER [--photos 80] [--megapixels 12]

With --megapixels the photos are enlarged first, to a camera's size. Processor time is that of this process ("here") and
of the decoding process ("gate"). Needs the weights in KITH_MODELS;
the data folder is one of its own, and is removed again.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import psutil

SPENT: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])  # stage -> clock, here, gate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.stage_times", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=80)
    parser.add_argument("--megapixels", type=float)
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="kith-stages-", dir="/var/tmp"))
    home.chmod(0o711)  # the system user PostgreSQL runs as must be able to pass through
    os.environ |= {"KITH_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "KITH_LOG_LEVEL": "ERROR"}
    os.environ.setdefault("KITH_MODELS", "var/test/models")
    from config.embedded import running

    try:
        with running(home):
            measure(chosen_photos(options.folder, options.photos, options.megapixels, home))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def chosen_photos(folder: Path, most: int, megapixels: float | None, home: Path) -> list[Path]:
    from ml.bench.inputs import choose_photos, write_enlarged

    photos = choose_photos(folder, most)
    if megapixels is None:
        return photos
    enlarged = home / "enlarged"
    enlarged.mkdir()
    return write_enlarged(photos, megapixels, enlarged)


def measure(photos: list[Path]) -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from people import finding
    from photos import decoding, storage

    call_command("migrate", verbosity=0)
    finding.face_finder()
    for module, name in ((decoding, "inspect"), (decoding, "derive"), (finding, "_look_at"), (finding, "_store")):
        watch(module, name)
    watch(storage.DurableStorage, "_save")
    go_through(photos[:8])  # to warm up
    SPENT.clear()
    faces = go_through(photos)
    print(f"{len(photos)} photos, {faces} faces; milliseconds a photo\n{'':32}{'clock':>8}{'here':>8}{'gate':>8}")
    for name, times in SPENT.items():
        print(f"{name:32}" + "".join(f"{1000 * seconds / len(photos):8.1f}" for seconds in times))


def go_through(photos: list[Path]) -> int:
    """Take photos in, make their thumbnails, find their faces; return how many."""
    from accounts.models import User
    from people.models import Face
    from people.tasks import find_faces
    from photos.intake import start_batch, take_in
    from photos.tasks import make_due_derivatives
    from photos.uploading import receive_local_file

    owner = User.objects.create(username=f"stages{time.time()}", face_analysis=User.FaceAnalysis.ON)
    batch = start_batch(owner, title="", expected=len(photos))
    for photo in photos:
        with stage("copy, hash, flush"):
            incoming = receive_local_file(photo, name=photo.name)
        with stage("take_in"):
            take_in(batch, incoming, name=str(photo))
    done = 1
    while done:
        with stage("make_due_derivatives"):
            done = make_due_derivatives()
    done = 1
    while done:
        with stage("find_faces"):
            done = find_faces()
    return Face.objects.owned_by(owner).count()


def watch(place: object, name: str) -> None:
    """Measure each call of a function as a stage inside the one that calls it."""
    function = getattr(place, name)

    def measured(*args: object, **kwargs: object) -> object:
        with stage(f"  of which {name.strip('_')}"):
            return function(*args, **kwargs)

    setattr(place, name, measured)


@contextmanager
def stage(name: str):
    clock, here, gate = time.perf_counter(), time.process_time(), gate_seconds()
    yield
    spent = (time.perf_counter() - clock, time.process_time() - here, gate_seconds() - gate)
    SPENT[name] = [a + b for a, b in zip(SPENT[name], spent, strict=True)]


def gate_seconds() -> float:
    """Processor time of the decoding process and its children so far."""
    from photos.decoding import gate

    process = gate._server._process
    if process is None:
        return 0.0
    times = psutil.Process(process.pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
