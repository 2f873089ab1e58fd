"""Are the tests of what must not break strong? Changes one thing at a time and counts the changes that they notice.

    python -m tools.mutation [MODULE ...] [--minutes M] [--json FILE]

Like mutmut, but all mutants share one PostgreSQL and one Valkey: a fork for each mutant runs only the tests that come
through the changed function, the quickest first. Texts are not changed. What survives is listed: some of it changes
nothing that can be seen.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.mutation.trying import ROOT, Trier

# Who may do what, whose turn work is, and what is kept; others, and their tests, are arguments.
MODULES = (
    "accounts/session_views.py",
    "accounts/setup_code.py",
    "photos/models/leases.py",
    "photos/storage.py",
    "photos/transactions.py",
)
TESTS = (
    "tests/accounts/test_sessions.py",
    "tests/accounts/test_setup_code.py",
    "tests/config/test_operations.py",
    "tests/photos/test_leases.py",
    "tests/photos/test_storage.py",
)
NOTICED = ("killed", "timed out")


def figures(trier: Trier, seconds: float) -> dict[str, Any]:
    tried = trier.tried
    counted = [one for one in tried if one.fate != "cannot be tried"]
    noticed = sum(one.fate in NOTICED for one in counted)
    return {
        "modules": sorted({one.file for one in tried}),
        "mutants": len(counted),
        "noticed": noticed,
        "share": noticed / len(counted) if counted else None,
        "fates": dict(Counter(one.fate for one in tried)),
        "left": trier.left,
        "tests_left_out": trier.left_out,
        "minutes": round(seconds / 60, 1),
        "unnoticed": [
            f"{one.file}:{one.mutant.line} {one.mutant.what} ({one.fate})" for one in counted if one.fate not in NOTICED
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("--tests", nargs="+", default=TESTS)
    parser.add_argument("--minutes", type=float, default=20, help="no further mutant is begun after so many")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    trier = Trier([ROOT / module for module in options.modules], begun + 60 * options.minutes)
    pytest.main([*options.tests, "-q", "-p", "no:cacheprovider"], plugins=[trier])
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
