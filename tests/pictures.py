"""Real photos that a fresh machine can get, and pictures drawn on the spot."""

import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from ml.images import readable_formats
from tests.services import KEPT

ARCHIVE = "face_recognition-1.3.0.tar.gz"
ARCHIVE_SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
PORTRAITS = (
    "obama.jpg",
    "obama2.jpg",
    "obama3.jpg",
    "obama_partial_face.jpg",
    "obama_partial_face2.jpg",
    "biden.jpg",
)


def portraits() -> Path:
    """Folder of the portraits that face_recognition's source archive holds, and the astronaut."""
    folder = KEPT / "portraits"
    if not (folder / "astronaut.png").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _extract_portraits(_fetched_archive(), folder)
        _save_astronaut(folder / "astronaut.png")
    return folder


def drawing(width: int = 640, height: int = 480, *, seed: int = 0) -> Image.Image:
    """A picture without faces that differs for every seed."""
    noise = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, format: str = "JPEG", **options) -> bytes:
    """A picture as the bytes of a file."""
    readable_formats()  # registers the HEIC encoder, too
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def _fetched_archive() -> Path:
    archive = KEPT / ARCHIVE
    if not archive.exists():
        # pip, because it knows the index this machine is to use.
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary=:all:",
                "face_recognition==1.3.0",
            ],
            check=True,
            cwd=KEPT,
        )
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != ARCHIVE_SHA256:
        raise ValueError(f"{archive} is not the archive the tests were written for ({digest}).")
    return archive


def _extract_portraits(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for name in PORTRAITS:
            member = tar.extractfile(f"face_recognition-1.3.0/tests/test_images/{name}")
            assert member is not None
            (folder / name).write_bytes(member.read())


def _save_astronaut(path: Path) -> None:
    from skimage import data

    Image.fromarray(data.astronaut()).save(path)
