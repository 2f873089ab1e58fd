"""What goes wrong and is put right: a merge by mistake, a suggestion said no to, and groups nobody wanted.

Runs on the library that the story left behind, with the real worker. The tests build on each other.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance, ImageOps
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_1_story import press, wait_for_question
from tests.pictures import portraits

MOST_RUNS = 3
SECONDS = 60  # until photos are searched, grouped and asked about, on a slow machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("mistakes")


def taken_again(folder: Path, source: str, name: str, *, brightness: float = 1.0) -> Path:
    """Another photo of the same person: a portrait the other way round."""
    path = folder / name
    with Image.open(portraits() / source) as image:
        mirrored = ImageOps.mirror(image.convert("RGB"))
        ImageEnhance.Brightness(mirrored).enhance(brightness).save(path, quality=92)
    return path


def upload(page: Page, *paths: Path) -> None:
    """Add photos, and wait until their faces are grouped."""
    page.goto("/upload/")
    page.locator("input[type=file]").first.wait_for(state="attached")
    page.locator("input[type=file]:not([webkitdirectory])").first.set_input_files(paths)
    expect(page.locator("[data-summary]")).to_have_text(re.compile(f"^{len(paths)} added"), timeout=60_000)
    page.goto("/")
    link = page.locator(".batch").first.get_by_role("link").last
    if link.count():  # else it is done already
        link.click()
        expect(page.locator(".batch").get_by_text("All done")).to_be_visible(timeout=120_000)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}, after {SECONDS} s")
        time.sleep(0.5)


def people(page: Page) -> dict[str, str]:
    """Named people, and in how many photos each is."""
    page.goto("/people/")
    cards = page.locator(".person-card")
    return {card.locator(".name").inner_text(): card.locator(".count").inner_text() for card in cards.all()}


def questions(page: Page) -> list[str]:
    """The keys of all questions in the queue; each is skipped."""
    keys: list[str] = []
    page.goto("/review/?again=1")
    while page.locator(".question").count():
        keys.append(page.locator("input[name=key]").get_attribute("value") or "")
        press(page, "s")
        expect(page.locator(f"input[name=key][value='{keys[-1]}']")).to_have_count(0)
    page.goto("/review/?again=1")
    return sorted(keys)


def groups(page: Page) -> list[str]:
    """The faces, by their pictures, of groups nobody has named."""
    pictures = []
    for address in ("/people/", "/people/unnamed/?kind=pairs", "/people/unnamed/?kind=strangers"):
        page.goto(address)
        pictures += [str(image.get_attribute("src")) for image in page.locator(".group-card img").all()]
    return sorted(pictures)


def asked_faces(page: Page) -> set[str]:
    return {str(field.get_attribute("value")) for field in page.locator("input[name=shown]").all()}


def row_of(page: Page, address: str, text: str) -> Locator:
    page.goto(address)
    return page.locator(".history li").filter(has_text=text).first


def test_a_merge_by_mistake_is_warned_of_and_taken_back_from_the_history(page: Page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
    before, asked_before = people(page), questions(page)
    assert {"Barack Obama", "Joe Biden"} <= before.keys()

    page.goto("/people/")
    page.get_by_role("link", name=re.compile("Joe Biden")).first.click()
    page.get_by_role("link", name="Merge").click()
    page.get_by_label("The same person").fill("Barack")
    page.get_by_role("option", name=re.compile("Barack Obama")).wait_for()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Both are in 1 photo")).to_be_visible()
    page.locator("[data-merge-button]").click()
    expect(page.locator(".toast-k").filter(has_text="merged into Barack Obama")).to_be_visible()
    assert "Joe Biden" not in people(page)

    row = row_of(page, "/history/?kind=merges", "merged into Barack Obama")
    row.get_by_role("button", name="Undo").click()
    expect(page.locator(".toast-k").filter(has_text="Undone.")).to_be_visible()

    assert people(page) == before
    wait_until(lambda: questions(page) == asked_before, "the queue does not ask what it asked before the merge")


def test_a_suggestion_said_no_to_is_never_made_again(page: Page, folder: Path):
    upload(page, taken_again(folder, "obama2.jpg", "again.jpg"))
    wait_for_question(page, "Is this Barack Obama?")
    refused = asked_faces(page)
    assert refused
    press(page, "n")
    expect(page.locator(".toast-k").filter(has_text="not Barack Obama")).to_be_visible()

    # New photos of the same man: his faces are grouped again, and he is asked about again, but for that face.
    upload(page, taken_again(folder, "obama3.jpg", "later.jpg"), taken_again(folder, "obama.jpg", "latest.jpg"))
    wait_for_question(page, "Is this Barack Obama?")

    asked = asked_faces(page)
    assert asked
    assert asked.isdisjoint(refused)
    settled = int(page.locator(".question header b.num").inner_text())
    assert settled <= 2
    press(page, "y")
    expect(page.locator(".toast-k").filter(has_text="confirmed as Barack Obama")).to_be_visible()
    page.goto("/review/?again=1")
    expect(page.get_by_role("heading", name="Is this Barack Obama?")).to_have_count(0)


def test_groups_that_were_taken_back_are_not_made_again(page: Page, folder: Path):
    before = groups(page)
    upload(
        page,
        taken_again(folder, "astronaut.png", "space.jpg"),
        taken_again(folder, "astronaut.png", "orbit.jpg", brightness=0.8),
    )
    wait_until(lambda: len(groups(page)) > len(before), "no group was made of three photos of one woman")
    after = groups(page)

    expect(row_of(page, "/history/?kind=groups&by=kith", "by Kith")).to_contain_text("group")
    undone = 0
    while groups(page) != before and undone < MOST_RUNS:  # each photo may have come in a run of its own
        page.goto("/history/?kind=groups&by=kith")
        page.get_by_role("button", name=re.compile("^Undo: ")).first.click()
        expect(page.locator(".toast-k").filter(has_text="Undone.")).to_be_visible()
        undone += 1
    assert groups(page) == before

    # The next run leaves them where the user wants them.
    upload(page, taken_again(folder, "astronaut.png", "moon.jpg", brightness=1.2))
    time.sleep(3)
    assert groups(page) == before

    for _ in range(undone):
        page.goto("/history/?kind=undone")
        page.get_by_role("button", name=re.compile("^Redo: ")).first.click()
        expect(page.locator(".toast-k").filter(has_text="Done again.")).to_be_visible()
    assert set(after) <= set(groups(page))
