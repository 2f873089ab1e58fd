"""How long photos take from the first byte to the last suggestion, in a large library and in an empty one.

    python -m tools.arrival LIBRARY [--photos 1000] [--seed 1] [--json FILE]

LIBRARY is the home of a stopped Kith with a large library, such as `manage.py make_library` makes; the photos stay
in it, and are not added a second time: another seed makes other ones. Both libraries get the same photos through a
running Kith of their own, one after the other.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from tests.pictures import PORTRAITS, encoded, portraits
from tests.services import KEPT
from tools.faults import library
from tools.faults.running import ROOT, Running

SIDE = 1280  # pixels
PATIENCE_SECONDS = 3600


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", type=Path)
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # of the photos, for the measurement of one
    options = parser.parse_args()
    if options.folder:
        print(json.dumps(add(options.library, options.folder)))
        return
    with tempfile.TemporaryDirectory(prefix="kith-arrival-", dir="/var/tmp", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL may run as another user
        draw(folder / "photos", options.photos, options.seed)
        empty, large = (_measured(home, folder / "photos") for home in (folder / "home", options.library))
    found = {
        "photos": options.photos,
        "empty": empty,
        "large": large,
        "ratio": {key: round(large[key] / empty[key], 2) for key in ("grouped", "seconds")},
    }
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


def draw(folder: Path, count: int, seed: int) -> None:
    """Portraits, each a little turned and lit in another way."""
    folder.mkdir()
    chance = np.random.default_rng(seed)
    for number in range(count):
        with Image.open(portraits() / PORTRAITS[number % len(PORTRAITS)]) as image:
            turned = image.convert("RGB").rotate(chance.uniform(-8, 8), resample=Image.Resampling.BICUBIC)
        turned.thumbnail((SIDE, SIDE))
        lit = ImageEnhance.Brightness(turned).enhance(chance.uniform(0.7, 1.3))
        (folder / f"{number:05}.jpg").write_bytes(encoded(lit, quality=88, comment=f"{seed} {number}".encode()))


def _measured(home: Path, folder: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "tools.arrival", str(home), "--folder", str(folder)]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603  our own command
    print(run.stdout.splitlines()[-1], flush=True)
    found: dict[str, float] = json.loads(run.stdout.splitlines()[-1])
    return found


def add(home: Path, folder: Path) -> dict[str, float]:
    """Add photos to one library; seconds until all are received, until all are grouped, until the last suggestion."""
    library.use(home, KEPT / "models")
    with tempfile.TemporaryDirectory(prefix="kith-arrival-") as scratch:
        kith = Running(home, models=KEPT / "models", faults=Path(scratch) / "faults")
        kith.start()
        try:
            return _added(folder)
        finally:
            kith.stop()


def _added(folder: Path) -> dict[str, float]:
    from django.core.management import call_command

    from accounts.models import User
    from people.models import Face
    from photos.models import Photo

    library.have_owner()
    owner = User.objects.filter(library__isnull=False).order_by("pk").first() or User.objects.get(
        username=library.OWNER
    )
    before = Face.objects.filter(photo__owner=owner).count()
    library.seconds_until_settled(PATIENCE_SECONDS)
    began = time.monotonic()
    call_command("import_photos", str(folder), user=owner.username, no_wait=True, verbosity=0)
    received = time.monotonic() - began
    while Photo.objects.filter(failure="").exclude(stage=Photo.Stage.DONE).exists():
        time.sleep(0.2)
    grouped = time.monotonic() - began
    if library.seconds_until_settled(PATIENCE_SECONDS) is None:
        raise SystemExit(f"Not done: {library.unfinished_work()}")
    spans = {"received": received, "grouped": grouped, "seconds": time.monotonic() - began}
    return {"faces before": before} | {name: round(span, 1) for name, span in spans.items()}


if __name__ == "__main__":
    main()
