"""How long every page takes in a library `manage.py make_library` made, and how many queries it asks (docs/speed.md).

    python -m tools.page_speed HOME [--runs 20] [--only WORDS] [--json FILE]

HOME: the home of a Kith (KITH_HOME) that nobody runs. Requests go through all of Django, from the middleware to the
page; each run asks for other rows. Clock is what passed; processor is what our process and its session of PostgreSQL
worked, which a machine that is busy with something else does not change.
"""

import argparse
import json
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
WARM_UPS = 2


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
    budget: float | None

    @property
    def is_late(self) -> bool:
        return self.budget is not None and self.processor_p95 > self.budget


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("home", type=Path)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="pages whose label or route has this in it")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with ExitStack() as stack:
        start(options.home, stack)
        lines = measure(options.only, options.runs)
    show(lines)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine(), "pages": [asdict(line) for line in lines]}, indent=1))


def measure(only: str, runs: int) -> list[Line]:
    from django.test import Client

    from photos.models import Photo
    from tools.pages import PAGES, SIGNED_OUT, Sample

    owner = Photo.objects.select_related("owner").earliest("pk").owner
    sample = Sample(owner)
    stranger, client = (Client(headers={"host": "localhost"}) for _ in range(2))
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    lines = []
    for page in PAGES:
        if only.lower() in f"{page.label} {page.route}".lower():
            browser = stranger if page.route in SIGNED_OUT else client
            lines.append(measured(page, browser, [page.address(sample) for _ in range(runs + WARM_UPS)]))
            last = lines[-1]
            print(f"{last.label}: {last.processor_p95:.3f}{' LATE' if last.is_late else ''}", flush=True)
    return lines


def measured(page: "Page", client: "Client", addresses: list[str]) -> Line:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    spans: list[Span] = []
    queries = 0
    headers = {"HX-Request": "true"} if page.is_fragment else {}
    for address in addresses:

        def ask(address: str = address) -> None:
            response = client.get(address, headers=headers, follow=True)
            assert response.status_code == 200, (address, response.status_code)

        with CaptureQueriesContext(connection) as captured:
            spans.append(timed(ask))
        queries = max(queries, len(captured))
    spans = spans[WARM_UPS:]
    clock, processor = ([getattr(span, name) for span in spans] for name in ("clock", "processor"))
    (p50, p95), (own50, own95) = (np.percentile(each, [50, 95]).tolist() for each in (clock, processor))
    return Line(page.label, page.route, p50, p95, own50, own95, queries, page.budget)


def show(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Page", "p50", "p95", "Processor p50", "p95", "Queries", "Late", title=machine())
    for line in lines:
        times = [f"{1000 * s:.0f}" for s in (line.p50, line.p95, line.processor_p50, line.processor_p95)]
        table.add_row(line.label, *times, str(line.queries), "late" if line.is_late else "")
    Console(width=120).print(table)
    print("Milliseconds.")


if __name__ == "__main__":
    main()
