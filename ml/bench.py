"""Measures folder to embeddings: facenet-pytorch as its README shows it, against ours, in one run.

    python -m ml.bench FOLDER [--models DIR] [--photos 40]

Each path runs in a process of its own, so that peak memory is its own too; they take turns photo batch by photo
batch and wait for each other, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from rich.console import Console
from rich.table import Table

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".tif", ".tiff", ".bmp"}
PHOTOS_AT_ONCE = 40
# Finds and embeds the faces of some photos; returns how many.
Pipeline = Callable[[Sequence[Path]], int]
# Makes a pipeline from the folder of weights, in the process that runs it.
Maker = Callable[[Path], Pipeline]


@dataclass(frozen=True)
class Measurement:
    """seconds: a photo, one entry per batch. processor_seconds: a photo. faces: in all. peak: resident bytes."""

    seconds: list[float]
    processor_seconds: float
    faces: int
    peak: int


def plain_path(models_dir: Path) -> Pipeline:
    """facenet-pytorch's README: open with Pillow, MTCNN(keep_all=True), InceptionResnetV1, photo by photo."""
    import torch
    from facenet_pytorch import MTCNN, InceptionResnetV1
    from PIL import Image

    from ml.weights import load_weights

    mtcnn = MTCNN(keep_all=True)
    resnet = InceptionResnetV1().eval()
    resnet.load_state_dict(load_weights(models_dir, "facenet", "facenet-casia"))

    def run(photos: Sequence[Path]) -> int:
        faces = 0
        for photo in photos:
            with torch.no_grad():
                crops = mtcnn(Image.open(photo).convert("RGB"))
                if crops is not None:
                    faces += len(resnet(crops))
        return faces

    return run


def our_path(models_dir: Path) -> Pipeline:
    """`open_upright` and `FaceFinder.find_faces`."""
    from ml.faces import load_face_finder, open_upright

    finder = load_face_finder(models_dir, device="cpu")

    def run(photos: Sequence[Path]) -> int:
        return sum(len(faces) for faces in finder.find_faces([open_upright(photo) for photo in photos]))

    return run


def measure(photos: Sequence[Path], models_dir: Path, makers: Sequence[Maker]) -> list[Measurement]:
    """Run all paths over the photos in turns, after one batch each to warm up."""
    connections = [_start(make, models_dir) for make in makers]
    runs = [_Run() for _ in makers]
    batches = [photos[start : start + PHOTOS_AT_ONCE] for start in range(0, len(photos), PHOTOS_AT_ONCE)]
    for number, batch in enumerate([batches[0], *batches]):
        for run, connection in zip(runs, connections, strict=True):
            connection.send(batch)
            took, worked, found = connection.recv()
            if number:  # the first batch only warms up
                run.seconds.append(took / len(batch))
                run.faces += found
                run.processor += worked
    measured = []
    for run, connection in zip(runs, connections, strict=True):
        connection.send(None)
        measured.append(Measurement(run.seconds, run.processor / len(photos), run.faces, connection.recv()))
    return measured


@dataclass
class _Run:
    """What is added up while a path runs."""

    seconds: list[float] = field(default_factory=list)
    faces: int = 0
    processor: float = 0.0


def _start(make: Maker, models_dir: Path) -> Connection:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    context.Process(target=_serve, args=(theirs, make, models_dir), daemon=True).start()
    return ours


def _serve(connection: Connection, make: Maker, models_dir: Path) -> None:
    run = make(models_dir)
    while (photos := connection.recv()) is not None:
        start, started_work = time.perf_counter(), time.process_time()
        found = run(photos)
        connection.send((time.perf_counter() - start, time.process_time() - started_work, found))
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux kibibytes
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def show(measured: dict[str, Measurement], photos: int) -> None:
    """Print the measurements, and how the others compare with the first."""
    table = Table(title=f"{photos} photos, {os.cpu_count()} cores")
    for heading in ("", "s a photo (mean)", "median of batches", "processor s", "s a face", "faces", "peak MB"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, one in measured.items():
        mean = statistics.fmean(one.seconds)
        table.add_row(
            name, f"{mean:.3f}", f"{statistics.median(one.seconds):.3f}", f"{one.processor_seconds:.3f}",
            f"{mean * photos / max(one.faces, 1):.3f}", str(one.faces), f"{one.peak / 1e6:.0f}",
        )  # fmt: skip
    console = Console(width=120)
    console.print(table)
    plain, *others = measured.values()
    for name, one in zip(list(measured)[1:], others, strict=True):
        ratios = [slow / fast for slow, fast in zip(plain.seconds, one.seconds, strict=True)]
        console.print(
            f"{name}: {sum(plain.seconds) / sum(one.seconds):.2f} times as fast "
            f"(median of batches {statistics.median(ratios):.2f}), "
            f"for {one.processor_seconds / plain.processor_seconds:.2f} of the processor time."
        )


def photos_of(folder: Path, most: int) -> list[Path]:
    """Up to `most` photos of a folder and those below it, spread evenly over it."""
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return photos[:: max(len(photos) // most, 1)][:most]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m ml.bench", description=__doc__)
    parser.add_argument("folder", type=Path, help="photos, also in folders below")
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("KITH_MODELS", "var/models")))
    parser.add_argument("--photos", type=int, default=80, help="how many at most, spread over the folder")
    options = parser.parse_args(arguments)
    photos = photos_of(options.folder, options.photos)
    if not photos:
        sys.exit(f"There are no photos in {options.folder}.")

    from ml.weights import fetch

    fetch(options.models, report=print)
    measured = measure(photos, options.models, [plain_path, our_path])
    show(dict(zip(("facenet-pytorch loop", "Kith, to embeddings"), measured, strict=True)), len(photos))


if __name__ == "__main__":
    main()
