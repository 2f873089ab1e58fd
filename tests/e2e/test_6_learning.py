"""Learning from answers in Settings: the owner learns, sees figures, turns it off and on, and loses no name.

Another user's library, of invented brothers and sisters, in the Kith of the story; it is gone afterwards.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from config.embedded import EmbeddedServices
from tests.e2e.conftest import LOOKS, PATIENCE_MS, Kith, environment, violations
from tests.e2e.test_5_looks import LOOKING, SMALL, keep_picture
from tests.services import ROOT

BOTH = [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
LEARNT_MS = 180_000  # a second or two, when nobody else wants the processor
NAME, PASSWORD = "lena", "correct-horse-battery"

MAKE = f"""
from django.conf import settings
from PIL import Image
from accounts.models import User
from tests.lookalikes import make_lookalikes
owner = User.objects.create_user("{NAME}", password="{PASSWORD}", face_analysis="on")
crop = settings.MEDIA_ROOT / "crops" / str(owner.pk) / "one.webp"
crop.parent.mkdir(parents=True)
Image.new("RGB", (160, 160), (90, 120, 110)).save(crop)
make_lookalikes(owner, crop=str(crop.relative_to(settings.MEDIA_ROOT)))
"""
STATE = """
SELECT f.id, n.name, f.tagged_by, f.cluster_id, f.is_ignored
FROM people_face f JOIN photos_photo p ON p.id = photo_id JOIN accounts_user u ON u.id = p.owner_id
LEFT JOIN people_person n ON n.id = person_id WHERE u.username = %s ORDER BY f.id
"""
DELETE = f"""
from accounts.models import User
from people import leaving
owner = User.objects.get(username="{NAME}")
leaving.leave(owner)
leaving.finish_leaving(owner)
"""


class Library:
    """The library in the database of a running Kith."""

    def __init__(self, kith: Kith) -> None:
        home = Path(psutil.Process(kith.process.pid).environ()["KITH_HOME"])
        self._environment, self._database = environment(home), EmbeddedServices(home).database_url

    def run(self, code: str) -> None:
        command = [sys.executable, "-c", f"import django; django.setup()\n{code}"]
        told = self._environment | {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        ended = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr

    def names(self) -> list:
        """The name and the group of every face."""
        with psycopg.connect(self._database) as database:
            return database.execute(STATE, [NAME]).fetchall()


@pytest.fixture(scope="module")
def library(kith: Kith) -> Iterator[Library]:
    library = Library(kith)
    library.run(MAKE)
    yield library
    library.run(DELETE)


@pytest.fixture
def tab(browser: Browser, kith: Kith, library: Library) -> Iterator[Page]:
    context = browser.new_context(
        base_url=kith.address, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("link", name="People").first).to_be_visible()
    yield page
    context.close()
    assert complaints == []


def test_the_owner_learns_sees_figures_turns_it_off_and_on_and_loses_no_name(tab: Page, library: Library):
    names = library.names()
    tab.goto("/settings/")
    section = tab.locator("#learning")
    expect(section.get_by_role("heading")).to_have_text("Learning from your answers")

    section.get_by_role("button", name="Learn now").click()
    expect(tab.locator(".toast-k")).to_contain_text("Kith will learn from your answers")
    expect(section.get_by_role("button", name="Cancel")).to_be_visible()
    looks_well(tab, "running")
    expect(section.get_by_text("In use", exact=True)).to_be_visible(timeout=LEARNT_MS)
    expect(section.get_by_role("row").nth(1)).to_contain_text("found right away")
    before, after = (float(cell) for cell in section.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts())
    assert after > before
    expect(section).to_contain_text("Learnt from 210 faces of 30 people")
    looks_well(tab, "used")
    assert library.names() == names
    assert len(names) == 270

    section.get_by_role("button", name="Stop using it").click()
    expect(section.get_by_text("Not in use", exact=True)).to_be_visible()
    assert library.names() == names

    section.get_by_role("button", name="Use it", exact=True).click()
    expect(section.get_by_text("In use", exact=True)).to_be_visible()
    assert library.names() == names
    tab.goto("/people/")
    expect(tab.locator(".person-card")).to_have_count(30)


def looks_well(tab: Page, name: str) -> None:
    """On a screen and on a phone, in both themes: accessible, in its place. Learning is over too soon for all four."""
    wrong = []
    for scheme, width in LOOKS if name == "running" else BOTH:
        tab.set_viewport_size({"width": width, "height": 844})
        tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # "light" or "dark"
        tab.locator("#learning").scroll_into_view_if_needed()
        tab.evaluate(LOOKING)
        keep_picture(tab, f"learning-{name}-{width}-{scheme}")
        wrong += tab.evaluate("(question) => looking.check(...question)", [width < 768, ", ".join(SMALL)])
        wrong += violations(tab)
    tab.set_viewport_size({"width": 1280, "height": 800})
    assert wrong == []
