"""How long every page takes in a library `manage.py make_library` made, and how many queries it asks (docs/speed.md).

    python -m tools.page_speed HOME [--runs 20] [--only WORDS] [--suggest] [--json FILE] [--write docs/speed.md]

HOME: the home of a Kith (KITH_HOME) that nobody runs. Requests go through all of Django, from the middleware to the
page; each run asks for other rows. Clock is what passed; processor is what our process and its session of PostgreSQL
worked. A machine that is busy with something else makes that more, too: a loop that is always the same, timed before
and after, says how much.
"""

import argparse
import gc
import json
import os
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.naming_speed import Span, machine, start, timed

if TYPE_CHECKING:
    from django.test import Client

    from tools.pages import Page

RUNS = 20
WARM_UPS = 1
LOOP = 1_000_000  # turns: a twentieth of a second
BEGIN, END = "<!-- measured -->", "<!-- end -->"


@dataclass(frozen=True)
class Line:
    """Seconds, of the clock and of the processor: medians and what 95 % of the runs stay below."""

    label: str
    route: str
    p50: float
    p95: float
    processor_p50: float
    processor_p95: float
    queries: int
    most_queries: int
    budget: float | None

    @property
    def is_late(self) -> bool:
        return self.budget is not None and self.processor_p95 > self.budget

    @property
    def remark(self) -> str:
        return ", ".join(["late"] * self.is_late + ["asks too much"] * (self.queries > self.most_queries))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="pages whose label or route has this in it")
    parser.add_argument(
        "--suggest", action="store_true", help="first let Kith make suggestions and questions of its own"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, help="a page of the documentation whose table this becomes")
    options = parser.parse_args()
    with ExitStack() as stack:
        start(options.home, stack)
        if options.suggest:
            suggest()
        tidy_up()
        before = loop_seconds()
        lines = measure(options.only, options.runs, is_suggested=options.suggest)
        loops = [before, loop_seconds()]
    show(lines)
    print("The loop took {:.0f} ms before and {:.0f} ms after.".format(*(1000 * seconds for seconds in loops)))
    if options.write:
        write(options.write, lines, loops, options.runs)
    if options.json:
        found = {"machine": machine(), "loops": loops, "pages": [asdict(line) for line in lines]}
        options.json.write_text(json.dumps(found, indent=1))


def suggest() -> None:
    """What a worker does after an answer; the suggestions that `make_library` invented go."""
    from django.db import connection

    from people.ranking import rank_questions
    from people.suggestions import refresh_suggestions
    from photos.models import Photo

    owner = Photo.objects.earliest("pk").owner_id
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        refresh_suggestions(owner)
        rank_questions(owner)
        cursor.execute("VACUUM ANALYZE")


def tidy_up() -> None:
    """What PostgreSQL does by itself within minutes: count again what plans go by, and mark rows that all may see."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def measure(only: str, runs: int, *, is_suggested: bool) -> list[Line]:
    from django.test import Client

    from photos.models import Photo
    from tools.pages import OF_OWN_SUGGESTIONS, PAGES, SIGNED_OUT, Sample

    owner = Photo.objects.select_related("owner").earliest("pk").owner
    sample = Sample(owner)
    gc.freeze()  # what the sample holds is no part of a page, and not to be looked through while one is made
    stranger, client = (Client(headers={"host": "localhost"}) for _ in range(2))
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    lines = []
    for page in PAGES + OF_OWN_SUGGESTIONS * is_suggested:
        if only.lower() in f"{page.label} {page.route}".lower():
            browser = stranger if page.route in SIGNED_OUT else client
            lines.append(measured(page, browser, [page.address(sample) for _ in range(runs + WARM_UPS)]))
            last = lines[-1]
            times = f"{last.processor_p50:.3f}, {last.processor_p95:.3f} s, {last.queries} queries"
            print(f"{last.label}: {times} {last.remark}", flush=True)
    return lines


def measured(page: "Page", client: "Client", addresses: list[str]) -> Line:
    from tools.pages import queries_counted

    spans: list[Span] = []
    queries = 0
    headers = {"HX-Request": "true"} if page.is_fragment else {}
    for address in addresses:

        def ask(address: str = address) -> None:
            response = client.get(address, headers=headers, follow=True)
            assert response.status_code == 200, (address, response.status_code)

        with queries_counted() as count:
            spans.append(timed(ask))
        queries = max(queries, count())
    spans = spans[WARM_UPS:]
    clock, processor = ([getattr(span, name) for span in spans] for name in ("clock", "processor"))
    (p50, p95), (own50, own95) = (np.percentile(each, [50, 95]).tolist() for each in (clock, processor))
    return Line(page.label, page.route, p50, p95, own50, own95, queries, page.queries, page.budget)


def loop_seconds() -> float:
    """Processor time of the same work each time: the least of three, for it can only be disturbed."""
    times = []
    for _ in range(3):
        start = time.process_time()
        sum(number * number % 7 for number in range(LOOP))
        times.append(time.process_time() - start)
    return min(times)


def write(page: Path, lines: list[Line], loops: list[float], runs: int) -> None:
    """Put the figures where the page has its marks, with what they were taken on."""
    rows = [
        f"| {line.label} | {1000 * line.p50:.0f} | {1000 * line.p95:.0f} | {1000 * line.processor_p50:.0f}"
        f" | {1000 * line.processor_p95:.0f} | {line.queries} | {line.remark or ('' if line.budget else 'no budget')} |"
        for line in lines
    ]
    load = " and ".join(f"{1000 * seconds:.0f} ms" for seconds in loops)
    text = [
        f"{runs} runs of each page, {os.cpu_count()} processors, load of the last 15 minutes {os.getloadavg()[2]:.1f};",
        f"the loop took {load} of processor time before and after.",
        "",
        "| Page | Clock p50 | Clock p95 | Processor p50 | Processor p95 | Queries | |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *rows,
    ]
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([before + BEGIN, *text, END]) + after)


def show(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Page", "p50", "p95", "Processor p50", "p95", "Queries", "", title=machine())
    for line in lines:
        times = [f"{1000 * s:.0f}" for s in (line.p50, line.p95, line.processor_p50, line.processor_p95)]
        table.add_row(line.label, *times, str(line.queries), line.remark)
    Console(width=120).print(table)
    print("Milliseconds.")


if __name__ == "__main__":
    main()
