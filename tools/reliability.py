"""Writes docs/reliability.md: one table of what Kith is to withstand, what was measured, and the command that did.

    python -m tools.reliability

Figures come from what the long forms have written with --json (docs/reliability/*.json), where they write something; a
figure that stands here in words comes from the page that is named beside it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reliability.md"
FIGURES = PAGE.with_suffix("")

HEAD = """# Reliability and security

What Kith is to withstand, and what came out when it was tried. The short form of nearly all of it is part of
`make test`; the long forms are the commands below. `python -m tools.reliability` writes this page.

| Goal | Asked for | Measured | Command | More |
| --- | --- | --- | --- | --- |
"""

NOT_YET = "not measured yet"


@dataclass(frozen=True)
class Goal:
    """measured: the figure in words, or what makes one of the JSON of that name. page: what says more."""

    name: str
    target: str
    measured: str | Callable[[Any], str]
    command: str
    page: str
    figures: str = ""

    def row(self) -> str:
        command = f"`{self.command}`" if self.command else ""
        page = f"[{self.page}](reliability/{self.page})" if self.page else ""
        return f"| {self.name} | {self.target} | {self.said()} | {command} | {page} |\n"

    def said(self) -> str:
        if isinstance(self.measured, str):
            return self.measured
        path = FIGURES / f"{self.figures}.json"
        return self.measured(json.loads(path.read_text())) if path.is_file() else NOT_YET


def main() -> None:
    PAGE.write_text(page())


def page() -> str:
    """The whole page."""
    return HEAD + "".join(goal.row() for goal in GOALS)


def _crash_points(figures: Any) -> str:
    points = figures["points"]
    clean = sum(not point["problems"] for point in points)
    longest = max(point["recovered"] for point in points)
    return f"{clean} of {len(points)} clean; work done again after {longest:.0f} s at most"


def _soak(figures: Any) -> str:
    harms = figures["harms"]
    return (
        f"{figures['minutes']:.0f} min, {sum(harms.values())} harms of {len(harms)} kinds,"
        f" {figures['acknowledged']} photos: {len(figures['problems'])} problems, {len(figures['left'])} left,"
        f" done after {figures['settled']:.0f} s"
    )


def _recovery(figures: Any, *, is_poison: bool) -> str:
    return "; ".join(
        f"{one['goal'][0].lower()}{one['goal'][1:]}: {one['worst']:.1f} s, {len(one['problems'])} problems"
        for one in figures
        if ("poison" in one["goal"]) == is_poison
    )


def _bad_inputs(figures: Any) -> str:
    corpus, mutations = figures["corpus"], figures["mutations"]
    return (
        f"{corpus['kinds']} kinds; {mutations['count']} mutations in {mutations['minutes']:.0f} min, 0 escaped;"
        f" {corpus['slowest_processor_seconds']} s and {corpus['most_mebibytes']} MiB at most"
    )


def _three_users(figures: Any) -> str:
    return (
        f"{figures['steps']} steps, {figures['killed']} of them killed, verified {figures['verified']} times:"
        f" {len(figures['problems'])} problems; {figures['undone']} acts undone in a random order"
    )


def _mutation(figures: Any) -> str:
    left = f"; {figures['left']} not tried for want of time" if figures["left"] else ""
    return (
        f"{100 * figures['share']:.0f} % of {figures['mutants']} in {len(figures['modules'])} modules,"
        f" in {figures['minutes']:.0f} min{left}"
    )


def _sign_ins(figures: Any) -> str:
    return "; ".join(
        f"{one['at_once']} at a time: {one['more']:.0f} MB more, {one['seconds']:.0f} s,"
        f" answers {', '.join(f'{count} x {status}' for status, count in one['answers'].items())},"
        f" {'locked' if one['is_locked'] else 'not locked'}"
        for one in figures
    )


def _load(figures: Any) -> str:
    fifty, crowd = figures["answers"], figures["crowded"]
    return (
        f"{figures['minutes']:.0f} min, {fifty['requests']} answers: p95 {fifty['p95']:.0f} ms,"
        f" p99 {fifty['p99']:.0f} ms, {_server_errors(fifty)} of 5xx;"
        f" of 200 people {_server_errors(crowd)} of {crowd['requests']}, normal after {figures['normal_after']} s"
    )


def _server_errors(answers: Any) -> int:
    return sum(count for status, count in answers["statuses"].items() if int(status) == 0 or int(status) >= 500)


def _ingest(figures: Any) -> str:
    return (
        f"{figures['stored']} of {figures['acknowledged']} stored: p95 {figures['p95']} s,"
        f" {figures['per_second']} photos of {figures['megabytes']} MB a second"
    )


def _endurance(figures: Any) -> str:
    return (
        f"{figures['minutes']:.0f} min, {figures['sent']} photos: memory {figures['growth']:+.1%},"
        f" {len(figures['left'])} files left"
    )


GOALS = [
    Goal(
        "G1 crash points",
        "60 kills at 20 steps: 0 lost, 0 doubled",
        _crash_points,
        "make crash-points JSON=docs/reliability/crash-points.json",
        "faults.md",
        "crash-points",
    ),
    *(
        Goal(
            f"G2 soak, seed {seed}",
            "20 min, 1,000 photos, 60 harms of 12 kinds: lost 0, doubled 0, done within 120 s",
            _soak,
            f"make soak SEED={seed} JSON=docs/reliability/soak-{seed}.json",
            "faults.md",
            f"soak-{seed}",
        )
        for seed in (1, 2, 3)
    ),
    Goal(
        "G3 bad inputs",
        "120 kinds, 2,000 mutations each run; 10 s, 600 MiB",
        _bad_inputs,
        "make fuzz MINUTES=10 JSON=docs/reliability/bad-inputs.json",
        "bad-inputs.md",
        "bad-inputs",
    ),
    Goal(
        "G4 who may do what",
        "all routes, 1,000 answers, 0 leaks",
        "105 routes, 3,675 answers, 0 leaks",
        "pytest tests/access",
        "access.md",
    ),
    Goal(
        "G5 recovery: PostgreSQL, Valkey",
        "pages again 15 s after PostgreSQL was killed; emptied queue of 500 done in 90 s",
        "3.4 s at most of 30; 47 s",
        "make store-faults",
        "stores.md",
    ),
    Goal(
        "G5 recovery: workers",
        "ended in 15 s; after a kill working again in 30 s; after all are killed, or the queue is lost, done in 90 s",
        lambda figures: _recovery(figures, is_poison=False),
        "make recovery JSON=docs/reliability/recovery.json",
        "faults.md",
        "recovery",
    ),
    Goal(
        "G6 poison",
        "3 attempts; others at most 60 s later",
        lambda figures: _recovery(figures, is_poison=True),
        "make recovery JSON=docs/reliability/recovery.json",
        "faults.md",
        "recovery",
    ),
    Goal(
        "G7 load",
        "50 people for 15 min beside busy workers: p95 400 ms, p99 1 s, 0 of 5xx; after 200 people normal in 30 s",
        _load,
        "make load MINUTES=15 JSON=docs/reliability/load.json",
        "",
        "load",
    ),
    Goal(
        "G8 ingest",
        "10 clients, 1,000 photos of 3 MB: p95 2 s, 8 a second",
        _ingest,
        "make load PART=ingest JSON=docs/reliability/ingest.json",
        "",
        "ingest",
    ),
    Goal(
        "G9 lost updates, in order",
        "0",
        "two users, 1,500 acts with undo: 0; races one by one: 0",
        "pytest tests/people/test_ledger_machine.py tests/people/test_races.py tests/access/test_sent_twice.py",
        "access.md",
    ),
    Goal(
        "G9 lost updates, with kills",
        "0 in a model of 2,000 steps by three users",
        _three_users,
        "make three-users JSON=docs/reliability/three-users.json",
        "tests.md",
        "three-users",
    ),
    Goal(
        "G10 backup",
        "2,000 photos there and back under writes in 10 min, all equal; 10 flipped bytes found",
        "2 min 50 s, all equal; 10 of 10",
        "python -m tools.life_cycle 2000 --folder FOLDER",
        "life-cycle.md",
    ),
    Goal(
        "G11 erasing",
        "nothing left, others unchanged",
        "0 found in a dump of the database and in all files",
        "pytest tests/people/test_nothing_left.py",
        "life-cycle.md",
    ),
    Goal(
        "G12 headers, settings",
        "0 warnings; all private answers no-store, framed by nobody else",
        "0 warnings; all routes",
        "pytest tests/access/test_headers.py tests/accounts/test_hardening.py",
        "access.md",
    ),
    Goal(
        "G13 strength of tests, invariants",
        "each invariant broken on purpose is named",
        "9 of 9, in 21 ways",
        "pytest tests/people/test_verify.py",
        "",
    ),
    Goal(
        "G13 strength of tests, mutants",
        "85 % of mutants noticed",
        _mutation,
        "make mutation JSON=docs/reliability/mutation.json",
        "tests.md",
        "mutation",
    ),
    Goal(
        "Row 35: many sign-ins",
        "1,000 tries, 20 at a time: web takes at most 300 MB more; locked after ten",
        _sign_ins,
        "make sign-ins JSON=docs/reliability/sign-ins.json",
        "tests.md",
        "sign-ins",
    ),
    Goal(
        "G14 endurance",
        "2 h, 5,000 photos: memory at most 5 % more",
        _endurance,
        "make load PART=endurance MINUTES=120 JSON=docs/reliability/endurance.json",
        "",
        "endurance",
    ),
]

if __name__ == "__main__":
    main()
