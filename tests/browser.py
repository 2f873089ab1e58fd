"""The browser the tests drive: the one found, otherwise one that is installed now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
)


def chromium() -> Path:
    """Return the browser's program, installing it if need be. Exits with a sentence if that fails."""
    found = _found() or _installed()
    if found is None:
        sys.exit(
            "The browser tests need Chromium. Install it (on Debian: apt-get install chromium; "
            "elsewhere: .venv/bin/playwright install chromium) and run the tests again."
        )
    return found


def arguments() -> list[str]:
    """Switches for a browser that talks to nobody else; root has no sandbox to run it in."""
    return [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(QUIET)


def _found() -> Path | None:
    for name in NAMES:
        if program := shutil.which(name):
            return Path(program)
    return _of_playwright()


def _of_playwright() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        program = Path(playwright.chromium.executable_path)
    return program if program.exists() else None


def _installed() -> Path | None:
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment)
        subprocess.run(["apt-get", "install", "-y", "-qq", "chromium"], check=False, env=environment)
    else:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    return _found()
