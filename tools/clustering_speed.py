"""How long DBSCAN takes on a library of so many invented faces, beside scikit-learn's (docs/decisions/0016).

    python -m tools.clustering_speed FACES [--dimensions 128] [--beside-scikit-learn] [--threshold 0.40]

People have one face to hundreds, as in a library. Distances are spread as those of FaceNet's centred projections are:
about 1 between two people, about 0.25 within one, and the first dimensions say more than the last ones.
"""

import argparse
import resource
import time

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ml.dbscan import NOISE, cluster_embeddings
from people.invented_faces import Rows, invented_people

WARM_UP = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=int)
    parser.add_argument("--dimensions", type=int, default=128)
    parser.add_argument("--threshold", type=float, default=0.40)
    parser.add_argument("--beside-scikit-learn", action="store_true")
    options = parser.parse_args()
    rows = invented_faces(options.faces, options.dimensions)
    cluster_embeddings(rows[:WARM_UP], threshold=options.threshold)
    before = peak_gb()
    processor = time.process_time()
    seconds, labels = timed(rows, options.threshold)
    processor = time.process_time() - processor
    clusters, noise = labels.max() + 1, (labels == NOISE).mean()
    print(f"{len(rows)} faces, {rows.shape[1]} dimensions, {clusters} clusters, {noise:.0%} alone")
    print(f"ours: {seconds:.1f} s, {processor:.1f} s of processor time", end=", ")
    print(f"peak {peak_gb():.2f} GB (of which {before:.2f} before)")
    if options.beside_scikit_learn:
        from sklearn.cluster import DBSCAN

        started = time.perf_counter()
        expected = DBSCAN(eps=options.threshold, min_samples=2, metric="cosine", n_jobs=-1).fit(rows).labels_
        theirs = time.perf_counter() - started
        same = "the same labels" if np.array_equal(labels, expected) else f"{(labels != expected).sum()} labels differ"
        print(f"scikit-learn: {theirs:.1f} s, {theirs / seconds:.1f} times as long, peak {peak_gb():.2f} GB; {same}")


def timed(rows: Rows, threshold: float) -> tuple[float, NDArray[np.int64]]:
    columns = (TextColumn("Clustering"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns) as bar:
        task = bar.add_task("", total=1)
        started = time.perf_counter()
        labels = cluster_embeddings(rows, threshold=threshold, report=lambda share: bar.update(task, completed=share))
        return time.perf_counter() - started, labels


def invented_faces(count: int, dimensions: int) -> Rows:
    return invented_people(count, dimensions)[0]


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
