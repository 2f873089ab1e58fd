"""Are the tests of what must not break strong? Changes one thing at a time and counts the changes that they notice.

    python -m tools.mutation [MODULE ...] [--half mend|measure] [--minutes M] [--json FILE]

Like mutmut, but all mutants share one PostgreSQL and one Valkey: a fork for each mutant runs only the tests that come
through the changed line, the quickest of each file first. Texts are not changed. What survives is listed: some of it
changes nothing that can be seen. Who writes tests for what survives looks at one half only and measures by the other,
which they have not seen: a test that was written for a mutant says nothing about others.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.mutation.trying import ROOT, Tried, Trier

# Who may do what, whose turn work is, and what is kept; others, and their tests, are arguments.
MODULES = (
    "accounts/http.py",
    "accounts/middleware.py",
    "accounts/session_views.py",
    "accounts/setup_code.py",
    "people/ledger/undoing.py",
    "people/ledger/writing.py",
    "photos/media_folder.py",
    "photos/models/archive.py",
    "photos/models/leases.py",
    "photos/models/photo.py",
    "photos/storage.py",
    "photos/transactions.py",
    "photos/views/media.py",
)
TESTS = (
    "tests/access/test_media.py",
    "tests/accounts",
    "tests/config/test_operations.py",
    "tests/people/test_history.py",
    "tests/people/test_ledger.py",
    "tests/people/test_photo_page.py",
    "tests/photos/test_archives.py",
    "tests/photos/test_intake.py",
    "tests/photos/test_leases.py",
    "tests/photos/test_media_folder.py",
    "tests/photos/test_pages.py",
    "tests/photos/test_storage.py",
    "tests/photos/test_trash.py",
    "tests/photos/test_work_list.py",
)
# Thousands of rows say nothing more about a mutant.
LARGE = "5000"
NOTICED = ("killed", "timed out")


def figures(trier: Trier, seconds: float) -> dict[str, Any]:
    tried = trier.tried
    counted = [one for one in tried if one.fate != "cannot be tried"]
    noticed = sum(one.fate in NOTICED for one in counted)
    return {
        "modules": _by_module(counted),
        "mutants": len(counted),
        "noticed": noticed,
        "share": noticed / len(counted) if counted else None,
        "fates": dict(Counter(one.fate for one in tried)),
        "half": trier.half,
        "left": trier.left,
        "tests_left_out": trier.left_out,
        "minutes": round(seconds / 60, 1),
        "unnoticed": [
            f"{one.file}:{one.mutant.line} {one.mutant.what} ({one.fate})" for one in counted if one.fate not in NOTICED
        ],
    }


def _by_module(counted: list[Tried]) -> dict[str, str]:
    """Of each module how many were noticed of how many."""
    tried = Counter(one.file for one in counted)
    noticed = Counter(one.file for one in counted if one.fate in NOTICED)
    return {file: f"{noticed[file]} of {tried[file]}" for file in sorted(tried)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--half", choices=["mend", "measure"], help="without it both are tried")
    parser.add_argument("--minutes", type=float, default=20, help="no further mutant is begun after so many")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    trier = Trier([ROOT / module for module in options.modules], begun + 60 * options.minutes, options.half)
    pytest.main([*options.tests, "-q", "-p", "no:cacheprovider", "-k", f"not {LARGE}"], plugins=[trier])
    if not trier.tried:
        print("Nothing was tried.", file=sys.stderr)
        return 1
    found = figures(trier, time.monotonic() - begun)
    print(json.dumps(found, indent=1))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
