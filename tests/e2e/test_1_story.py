"""The main job from end to end: the four things a user can do, in one browser, on real photos.

The tests build on each other, in this order: it is one user's first evening.
"""

import re
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page, Response, expect

from tests.e2e.conftest import LOOKS, Kith, violations
from tests.pictures import PORTRAITS, drawing, portraits

DRAWN = 190
MOST_GIGABYTES = 2.5
PASSWORD = "correct-horse-battery"

ADDRESSES: dict[str, str] = {}  # file name -> address of the photo's page


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder of 200 photos: real portraits, two people side by side, drawings without a face, and trouble."""
    folder = tmp_path_factory.mktemp("upload") / "Family"
    folder.mkdir()
    for name in (*PORTRAITS, "astronaut.png"):
        (folder / name).write_bytes((portraits() / name).read_bytes())
    side_by_side(folder / "obama.jpg", folder / "biden.jpg").save(folder / "together.jpg", quality=92)
    for number in range(DRAWN):
        drawing(320, 240, seed=number).save(folder / f"drawing{number:03}.jpg")
    (folder / "twin.jpg").write_bytes((folder / "obama.jpg").read_bytes())
    (folder / "broken.jpg").write_bytes((folder / "biden.jpg").read_bytes()[:5000])
    return folder


def side_by_side(*paths: Path) -> Image.Image:
    height = 700
    parts = []
    for path in paths:
        with Image.open(path) as image:
            parts.append(ImageOps.contain(image.convert("RGB"), (2000, height)))
    together = Image.new("RGB", (sum(part.width for part in parts), height))
    left = 0
    for part in parts:
        together.paste(part, (left, 0))
        left += part.width
    return together


def test_the_first_visit_makes_an_account_and_asks_about_faces(page: Page):
    page.goto("/")
    expect(page).to_have_url(re.compile("/welcome/$"))
    is_for_everybody(page)
    page.get_by_label("User name").fill("ruth")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main button[type=submit], main form button").first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Shall Kith look for faces in your photos?")
    is_for_everybody(page)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Choose one")).to_be_visible()
    page.get_by_text("Yes, find people").click()
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile("/upload/$"))


def test_a_dropped_folder_is_sent_and_trouble_is_named(page: Page, folder: Path):
    page.on("response", note_photo)
    page.locator("input[type=file]").first.wait_for(state="attached")
    page.locator("input[type=file]:not([webkitdirectory])").first.set_input_files(sorted(folder.iterdir()))

    broken = page.locator(".file-list li").filter(has_text="broken.jpg")
    expect(broken).to_contain_text("is damaged and was left out", timeout=120_000)
    expect(page.locator("[data-summary]")).to_have_text("198 added, 1 duplicate, 1 left out", timeout=120_000)


def test_the_batch_counts_every_stage_survives_a_reload_and_finishes(page: Page):
    page.goto("/")
    card = page.locator(".batch")
    expect(card).to_be_visible()
    page.reload()
    expect(page.locator(".rows img").first).to_be_visible(timeout=60_000)

    link = card.get_by_role("link").last
    link.click()
    expect(page).to_have_url(re.compile(r"/batches/\d+/$"))
    expect(page.locator(".batch").get_by_text("All done")).to_be_visible(timeout=300_000)
    expect(page.get_by_text("1 left out")).to_be_visible()
    expect(page.get_by_text("1 already in your library")).to_be_visible()


def test_naming_one_face_brings_suggestions_for_others_within_seconds(page: Page):
    page.goto("/people/")
    expect(page.locator(".group-card").first).to_be_visible()
    open_photo(page, "obama2.jpg")
    name_the_face(page, "Barack Obama")

    wait_for_question(page, "Is this Barack Obama?")


def test_a_key_confirms_and_u_takes_it_back(page: Page):
    before = questions_left(page)
    press(page, "y")
    expect(page.locator(".toast-k").filter(has_text="confirmed as Barack Obama")).to_be_visible()

    press(page, "u")
    expect(page.get_by_text("Undone.")).to_be_visible()
    wait_for_question(page, "Is this Barack Obama?")
    assert questions_left(page) >= before - 1
    press(page, "y")
    expect(page.locator(".toast-k").filter(has_text="confirmed as Barack Obama")).to_be_visible()


def test_a_no_is_kept_for_ever(page: Page):
    open_photo(page, "biden.jpg")
    name_the_face(page, "Joe Biden")
    wait_for_question(page, "Is this Joe Biden?")
    press(page, "n")
    expect(page.get_by_text(re.compile("not Joe Biden"))).to_be_visible()

    time.sleep(3)  # long enough for suggestions to be made again
    page.goto("/review/")
    expect(page.get_by_role("heading", name="Is this Joe Biden?")).to_have_count(0)


def test_another_name_can_be_picked(page: Page):
    open_photo(page, "together.jpg")
    unnamed = page.locator(".face-row").filter(has=page.locator("input[name=name]"))
    unnamed.locator("input[name=name]").fill("Joe")
    page.get_by_role("option", name=re.compile("Joe Biden")).wait_for()
    page.keyboard.press("Enter")

    expect(page.locator(".face-row").filter(has_text="Joe Biden").filter(has_text="You confirmed")).to_be_visible()


def test_an_answer_can_be_taken_back_from_the_history(page: Page):
    page.goto("/history/")
    first = page.locator(".history li").first
    expect(first).to_contain_text("Joe Biden")
    first.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Undone.")).to_be_visible()
    page.goto("/history/")
    page.locator(".history li").first.get_by_role("button", name=re.compile("Redo")).click()
    expect(page.get_by_text("Done again.")).to_be_visible()


def test_photos_are_found_by_several_people(page: Page):
    page.goto("/search/?q=obama")
    expect(page).to_have_url(re.compile(r"p=\d+"))
    assert found_photos(page) >= 3

    page.get_by_text("Add a person").click()
    page.get_by_role("link", name=re.compile("^Joe Biden")).click()
    expect(page.get_by_text(re.compile("^1 photo")).first).to_be_visible()
    page.get_by_role("link", name="Any of").click()
    assert found_photos(page) >= 4


def test_a_photo_shows_its_faces_with_their_names(page: Page):
    open_photo(page, "together.jpg")

    boxes = page.locator(".stage a.box")
    assert boxes.count() == 2
    labels = [box.get_attribute("aria-label") for box in boxes.all()]
    assert any("Barack Obama" in label for label in labels), labels
    assert any("Joe Biden" in label for label in labels), labels


def test_no_program_took_too_much_memory(kith: Kith):
    """Peak resident memory of every process since it started, where the system tells it."""
    peaks = {}
    for process in psutil.Process(kith.process.pid).children(recursive=True):
        status = Path(f"/proc/{process.pid}/status")
        if status.exists():
            kilobytes = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            peaks[" ".join(process.cmdline())[-80:]] = int(kilobytes[1]) / 1e6 if kilobytes else 0.0

    print(sorted(peaks.items(), key=lambda item: -item[1])[:4])
    assert max(peaks.values(), default=0.0) < MOST_GIGABYTES


def test_photos_go_into_an_album(page: Page):
    page.goto("/")
    page.locator(".rows > li").first.hover()
    page.locator(".rows > li .tick").first.click()
    page.locator(".rows > li").nth(2).hover()
    page.locator(".rows > li .tick").nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Add to album").click()
    page.locator("#album-title-of-selection").fill("Story")
    page.keyboard.press("Enter")
    expect(page.locator(".toast-k")).to_contain_text("3 photos added to Story")


def is_for_everybody(page: Page) -> None:
    """Look at a page that is shown once, in each theme and each width."""
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 800})


def note_photo(response: Response) -> None:
    """Remember where each photo is shown, from the server's answer to its upload."""
    if response.url.endswith("/files/") and response.status == 201:
        answer = response.json()
        ADDRESSES[answer["name"]] = answer["url"]


def open_photo(page: Page, name: str) -> None:
    page.goto(ADDRESSES[name])
    expect(page.locator(".face-row").first).to_be_visible()


def name_the_face(page: Page, name: str) -> None:
    """Give the first unnamed face of the open photo a new name."""
    page.locator(".face-row input[name=name]").first.fill(name)
    page.get_by_role("option", name=re.compile("Create")).wait_for()
    page.get_by_role("option", name=re.compile("Create")).click()
    expect(page.locator(".face-row").filter(has_text=name)).to_be_visible()


def press(page: Page, key: str) -> None:
    """Press a key as fast as a person can: the page ignores keys for 0.2 s after a new question.

    On a busy machine the question is there some time before the page begins to count.
    """
    page.wait_for_timeout(700)
    page.keyboard.press(key)


def wait_for_question(page: Page, heading: str) -> None:
    """Open the review queue until it asks this, skipping what else it asks; suggestions take seconds."""
    deadline, seen = time.monotonic() + 30, []
    while time.monotonic() < deadline:
        page.goto("/review/?again=1")
        for _ in range(12):
            title = page.get_by_role("heading", level=1)
            seen.append(title.inner_text())
            if seen[-1] == heading:
                return
            if "?" not in seen[-1]:
                break
            key = page.locator("input[name=key]").first.get_attribute("value")
            press(page, "s")
            expect(page.locator(f"input[name=key][value='{key}']")).to_have_count(0)
        time.sleep(0.5)
    pytest.fail(f"The review queue never asked: {heading}, but {', '.join(dict.fromkeys(seen))}")


def questions_left(page: Page) -> int:
    return int(page.locator(".appnav .pill").text_content() or 0)


def found_photos(page: Page) -> int:
    text = page.get_by_text(re.compile(r"^\d+ photos?")).first.inner_text()
    return int(text.split()[0])
