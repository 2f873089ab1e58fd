"""People who leaf through pages, played by locust in a process of its own, and what they got."""

import csv
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tools.faults.library import OWNER, PASSWORD
from tools.faults.running import ROOT, Running

LOCUST = ROOT / "var" / "locust" / "bin" / "locust"  # of its own: it needs much that Kith does not (make load)
USERS = Path(__file__).with_name("users.py")
JOIN_PER_SECOND = 2  # checking a password takes a processor a tenth of a second
GRACE_SECONDS = 60


@dataclass(frozen=True)
class Answers:
    """What a crowd got. p50, p95, p99: milliseconds, of all requests but signing in; slowest: p95 of each page.

    statuses: how many answers of each status; 0 for none at all.
    """

    people: int
    requests: int
    p50: float
    p95: float
    p99: float
    slowest: dict[str, float]
    statuses: dict[str, int]

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if int(status) == 0 or int(status) >= 500)


def visit(kith: Running, *, people: int, seconds: float, join: float = JOIN_PER_SECOND) -> Answers:
    """Let so many people leaf through Kith for so long, once all of them have come."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "crowd"
        length = seconds + people / join
        command = [
            *(str(LOCUST), "-f", str(USERS), "--headless", "--host", f"http://127.0.0.1:{kith.port}"),
            *("-u", str(people), "-r", str(join), "-t", f"{int(length)}s", "--reset-stats"),
            *("--csv", str(written), "--only-summary", "--exit-code-on-error", "0", "--stop-timeout", "10"),
        ]
        said = {"LOAD_USER": OWNER, "LOAD_PASSWORD": PASSWORD, "LOAD_STATUSES": str(written.with_suffix(".json"))}
        environment = os.environ | said
        limit = length + GRACE_SECONDS
        subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=limit, capture_output=True)  # noqa: S603
        statuses = json.loads(written.with_suffix(".json").read_text())
        with Path(f"{written}_stats.csv").open(newline="") as file:
            rows = {row["Name"]: row for row in csv.DictReader(file)}
    total = rows.pop("Aggregated")
    slowest = {name: float(row["95%"]) for name, row in rows.items() if name != "sign in"}
    return Answers(
        people=people,
        requests=int(total["Request Count"]),
        p50=float(total["50%"]),
        p95=float(total["95%"]),
        p99=float(total["99%"]),
        slowest=dict(sorted(slowest.items(), key=lambda each: -each[1])),
        statuses=statuses,
    )
