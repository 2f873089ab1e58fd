"""Fetches what the tests need before the first one runs: weights, portraits, a browser."""

from ml import weights
from tests.browser import chromium
from tests.pictures import portraits
from tests.services import KEPT


def main() -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    print(f"Portraits: {portraits()}")
    (KEPT / "models").mkdir(exist_ok=True)
    weights.fetch(KEPT / "models", report=print)
    print(f"Browser: {chromium()}")


if __name__ == "__main__":
    main()
