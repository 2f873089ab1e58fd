"""Load, ingest and endurance of a running Kith: `make load`.

    python -m tools.load load --minutes 15
    python -m tools.load ingest
    python -m tools.load endurance --minutes 120

Its own Kith in a folder of its own, on 127.0.0.1; people are played by locust, those who send photos by ourselves.
"""

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.services import KEPT
from tools.faults import library
from tools.faults.running import running
from tools.load import endurance, ingest, pages

PARTS = {"load": pages.measure, "ingest": ingest.measure, "endurance": endurance.measure}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--json", type=Path, help="write the figures into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kith-load-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        library.use(Path(folder) / "home", KEPT / "models")
        with running(Path(folder), models=KEPT / "models") as kith:
            library.have_owner()
            result = PARTS[options.part](kith, options.minutes)
    if options.json:
        options.json.write_text(json.dumps(asdict(result), indent=1) + "\n")
    print(json.dumps(asdict(result), indent=1))
    if not result.is_good:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
