"""The main path with the keyboard alone: upload, review, undo, search. The mouse is never used."""

import re
from pathlib import Path

from PIL import Image, ImageEnhance
from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_1_story import press, wait_for_question
from tests.pictures import portraits

NAME = "Barack Obama"
MOST_STOPS = 80


def test_upload_review_undo_and_search_need_no_mouse(page: Page, tmp_path: Path):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto("/albums/")
    upload_one(page, taken_again(tmp_path / "keys.jpg"))

    wait_for_question(page, f"Is this {NAME}?")
    press(page, "y")
    expect(page.locator(".toast-k").filter(has_text=f"confirmed as {NAME}")).to_be_visible()
    press(page, "u")
    expect(page.get_by_text("Undone.")).to_be_visible()
    wait_for_question(page, f"Is this {NAME}?")
    press(page, "y")
    expect(page.locator(".toast-k").filter(has_text=f"confirmed as {NAME}")).to_be_visible()

    press(page, "/")
    expect(
        page.get_by_role("combobox", name="Search").or_(page.get_by_role("searchbox", name="Search"))
    ).to_be_focused()
    page.keyboard.type(NAME[:6])
    expect(page.locator(".search-offers .offer").filter(has_text=NAME)).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search/\?p=\d+"))
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
    tab_to(page, page.locator(".rows a").first)
    page.keyboard.press("Enter")
    expect(page.locator(".face-row").filter(has_text=NAME).first).to_be_visible()


def upload_one(page: Page, path: Path) -> None:
    tab_to(page, page.get_by_role("banner").get_by_role("link", name="Upload", exact=True))
    page.keyboard.press("Enter")
    dialog = page.locator("#upload-dialog")
    expect(dialog).to_be_visible()
    with page.expect_file_chooser() as chosen:  # before the keys: the browser is told to ask us instead of a person
        tab_to(page, dialog.locator("input[type=file]").first)
        page.keyboard.press("Enter")
    chosen.value.set_files(path)
    expect(dialog.locator("[data-summary]")).to_have_text(re.compile("1 added"), timeout=60_000)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def taken_again(path: Path) -> Path:
    """Another photo of somebody who has a name already."""
    with Image.open(portraits() / "obama3.jpg") as image:
        ImageEnhance.Brightness(image.convert("RGB")).enhance(0.9).save(path, quality=91)
    return path


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until the target has the focus."""
    for _ in range(MOST_STOPS):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{MOST_STOPS} times Tab did not lead to {target}")
