"""All of Kith, started as a user starts it, and a browser in front of it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import arguments, chromium
from tests.config.conftest import open_folder
from tests.e2e.pages import addresses_of, rows_of_library, visit
from tests.services import KEPT, ROOT

READY_SECONDS = 300  # loading the networks, on a machine that does other things, too
# What a page is looked at in, beside test_5_looks: each theme and each width, but not each with each.
LOOKS = [("light", 1280), ("dark", 390)]
PATIENCE_MS = 30_000  # for a click or an expectation, on a machine that does other things, too
# A button halfway between the colours of two themes has the contrast of neither.
END_TRANSITIONS = """() => {
  for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish();
}"""
BROKE = re.compile(r"^.*(?:ERROR django\.request: |Traceback \(most recent).*$", re.MULTILINE)


@dataclass(frozen=True)
class Kith:
    """A running Kith: where it answers, and the process of `manage.py up`."""

    address: str
    process: subprocess.Popen


@pytest.fixture(scope="session", autouse=True)
def _database_beside_the_browser() -> Iterator[None]:
    """Playwright runs a loop in the tests' thread, and Django takes that for asynchronous code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="package")
def kith(models_dir: Path) -> Iterator[Kith]:
    """A freshly started Kith with an empty data folder; it fails on anything that broke in the server."""
    with open_folder() as folder:
        try:
            with running_kith(folder) as kith:
                yield kith
        finally:
            said = (folder / "up.log").read_text()
            print(said[-20_000:])
        assert BROKE.findall(said) == []


@contextmanager
def running_kith(folder: Path) -> Iterator[Kith]:
    """`manage.py up` with its home, and what it says, in a folder."""
    port = free_port()
    with (folder / "up.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port)],
            cwd=ROOT,
            env=environment(folder / "home"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{port}/healthz", folder / "up.log")
        yield Kith(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=arguments())
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def page(browser: Browser, kith: Kith) -> Iterator[Page]:
    """One tab for the whole story; it fails on anything the console complains about."""
    context = browser.new_context(base_url=kith.address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    requests: set[str] = set()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.add(request.url))
    yield page
    context.close()
    # The browser reports refused files (422) as errors, too; the page says more about them.
    assert [text for text in complaints if "status of 422" not in text] == []
    assert [url for url in requests if not re.match(rf"{kith.address}|data:|blob:", url)] == []


@pytest.fixture(scope="module")
def addresses(page: Page) -> Iterator[dict[str, str]]:
    """Name of the picture -> address, for each page of the library; a photo is in the trash meanwhile."""
    known = rows_of_library(page)
    visit(page, f"POST {reverse('photos:move-to-trash')}?photos={known['trashed']}")
    yield addresses_of(known)
    page.goto("/")
    visit(page, f"POST {reverse('photos:trash-restore')}?photos={known['trashed']}")


def violations(page: Page) -> list[str]:
    """What of a page, as it stands, shuts somebody out; one line each."""
    page.evaluate(END_TRANSITIONS)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html'][:160]}" for each in found]


def environment(home: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("KITH_", "DJANGO_", "PYTEST_"))}
    return inherited | {"KITH_HOME": str(home), "KITH_MODELS": str(KEPT / "models"), "PYTHONUNBUFFERED": "1"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until_ready(process: subprocess.Popen, url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"Kith did not start:\n{log.read_text()}")
