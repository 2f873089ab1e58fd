"""The viewer: opened over any page, leafed through, zoomed, and faces drawn in it, by mouse, finger and keyboard.

Runs on the library that the story left behind, and leaves it as it was.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Kith, violations
from tests.e2e.test_1_story import ADDRESSES

DIALOG = "#viewer-dialog[open]"
EMBEDDED_MS = 60_000  # until a worker has cut out a face that was drawn, on a slow machine
PHOTO = ".pswp__img:not(.pswp__img--placeholder)"


@pytest.fixture(autouse=True)
def _wide(page: Page) -> None:
    page.emulate_media(color_scheme="light", reduced_motion="no-preference")
    page.set_viewport_size({"width": 1280, "height": 800})


@pytest.fixture
def phone(browser: Browser, kith: Kith, page: Page) -> Iterator[Page]:
    """The same user on a phone."""
    context = browser.new_context(
        base_url=kith.address,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        storage_state=page.context.storage_state(),
    )
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def open_drawing(page: Page, number: int) -> None:
    """Open one of the story's pictures without a face from the grid, wherever in it that is."""
    photo = ADDRESSES[f"drawing{number:03}.jpg"].split("/")[-2]
    page.goto(f"/?at={photo}")
    page.locator(f"#photo-{photo} a").click()
    expect(page.locator(f"{DIALOG} .pswp__img").first).to_be_visible()
    expect(page.locator("#about .face-row")).to_have_count(0)


def open_first(page: Page, address: str = "/", nth: int = 0) -> None:
    """Open a photo from a page's grid, and wait until it is on the stage."""
    page.goto(address)
    page.evaluate("window.sameDocument = true")
    page.locator(".rows a").nth(nth).click()
    expect(page.locator(f"{DIALOG} .pswp__img").first).to_be_visible()


def shown(page: Page) -> str:
    return page.locator("#viewer").get_attribute("data-photo") or ""


def turn(page: Page, key: str) -> str:
    """Press an arrow and wait for what is beside the photo; return the photo's id."""
    before = page.url
    page.keyboard.press(key)
    page.wait_for_function("(before) => location.href !== before", arg=before)
    expect(page.locator("#viewer-says")).not_to_be_empty()
    return shown(page)


def box_on_photo(page: Page) -> list[float]:
    """Where the first box is, in fractions of the photo as it is on the screen."""
    expect(page.locator(f".pswp__zoom-wrap:has(.boxes) {PHOTO}")).to_be_visible()
    return page.evaluate(
        """(chosen) => {
            const photo = document.querySelector(".boxes").closest(".pswp__zoom-wrap").querySelector(chosen)
            const [box, all] = [document.querySelector(".boxes .line"), photo].map((e) => e.getBoundingClientRect())
            return [(box.left - all.left) / all.width, (box.top - all.top) / all.height, box.width / all.width]
        }""",
        PHOTO,
    )


def test_a_photo_opens_over_its_page_and_escape_leads_back_to_its_tile(page: Page):
    open_first(page, nth=2)
    first = shown(page)
    following = turn(page, "ArrowRight")
    assert following != first
    expect(page).to_have_url(re.compile(rf"/photos/{following}/$"))

    page.keyboard.press("Escape")

    expect(page.locator(DIALOG)).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))
    assert page.evaluate("window.sameDocument")
    expect(page.locator(f"#photo-{following} a")).to_be_focused()


def test_leafing_goes_on_past_what_was_known_at_first_in_both_directions(page: Page):
    open_first(page, nth=6)
    start = shown(page)
    there = [turn(page, "ArrowLeft") for _ in range(6)]
    assert len({start, *there}) == 7
    expect(page.locator("#turns [rel=prev]")).to_have_count(0)
    back = [turn(page, "ArrowRight") for _ in range(6)]

    assert back == [*reversed(there[:-1]), start]
    page.keyboard.press("Escape")


def test_a_reload_gives_the_page_of_the_photo_and_back_the_grid(page: Page):
    open_first(page, nth=1)
    address = page.url

    page.reload()

    expect(page.locator("main #viewer .pswp__img").first).to_be_visible()
    expect(page).to_have_url(address)
    page.go_back()
    expect(page.locator(".rows a").first).to_be_visible()
    expect(page.locator("#viewer")).to_have_count(0)


def test_the_boxes_stay_glued_to_the_photo_when_it_is_zoomed(page: Page):
    page.goto(ADDRESSES["obama.jpg"])
    expect(page.locator(".pswp__img").first).to_be_visible()
    expect(page.locator(".pswp .boxes .box").first).to_be_visible()
    at_rest = box_on_photo(page)
    page.keyboard.press("z")
    expect(page.locator("[data-zoom]")).to_have_attribute("aria-pressed", "true")
    page.wait_for_timeout(500)
    page.keyboard.press("Shift+ArrowRight")

    assert box_on_photo(page) == pytest.approx(at_rest, abs=0.01)
    page.keyboard.press("z")
    expect(page.locator("[data-zoom]")).to_have_attribute("aria-pressed", "false")


def test_a_box_and_its_row_belong_together_and_b_hides_the_boxes(page: Page):
    page.goto(ADDRESSES["obama.jpg"])
    box = page.locator(".pswp .boxes .box").first
    box.hover()
    face = box.get_attribute("data-face")
    expect(page.locator(f"#face-{face}")).to_have_class(re.compile("lit"))
    page.locator(f"#face-{face}").hover()
    expect(box).to_have_class(re.compile("lit"))

    page.keyboard.press("b")
    expect(box).to_be_hidden()
    expect(page.locator("[data-boxes]")).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("b")
    expect(box).to_be_visible()
    page.keyboard.press("i")
    expect(page.locator("#about")).to_be_hidden()
    page.keyboard.press("i")
    expect(page.locator("#about")).to_be_visible()


def test_a_missing_face_is_drawn_with_the_mouse_embedded_and_taken_back(page: Page):
    open_drawing(page, 100)
    rows = page.locator("#about .face-row")
    photo = page.locator(".pswp__item[aria-hidden=false] .pswp__img").last.bounding_box()
    assert photo is not None
    page.get_by_role("button", name="Draw a face").click()
    left, top = photo["x"] + photo["width"] * 0.1, photo["y"] + photo["height"] * 0.1
    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + photo["width"] * 0.2, top + photo["height"] * 0.25, steps=5)
    page.mouse.up()

    expect(page.locator(".toast-k")).to_contain_text("1 face drawn by hand")
    expect(rows).to_have_count(1)
    expect(page.locator("#about input[name=name]:focus")).to_have_count(1)
    page.locator(".toast-k").hover()  # then it stays
    expect(rows.filter(has_text="Drawn by hand").locator("img.face")).to_be_visible(timeout=EMBEDDED_MS)
    page.locator(".toast-k").get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(0)
    page.keyboard.press("Escape")


def test_a_face_is_drawn_named_and_said_to_be_none_with_the_keyboard_alone(page: Page):
    open_drawing(page, 101)
    rows = page.locator("#about .face-row")
    page.keyboard.press("d")
    expect(page.locator(".draw-box")).to_be_focused()
    place = page.locator(".draw-box").bounding_box()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    moved = page.locator(".draw-box").bounding_box()
    assert place is not None
    assert moved is not None
    assert all(moved[side] > place[side] for side in ("x", "y", "width", "height"))
    page.keyboard.press("Enter")
    expect(page.locator("#about input[name=name]:focus")).to_have_count(1)
    page.keyboard.type("Drawn Person")
    expect(page.get_by_role("option", name="Create “Drawn Person”")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".toast-k")).to_contain_text("1 face confirmed as Drawn Person")
    expect(rows.filter(has_text="Drawn Person")).to_contain_text("You confirmed")

    page.keyboard.press("u")
    expect(page.locator(".toast-k")).to_contain_text("Undone")
    row = rows.filter(has_text="Drawn by hand")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    row.get_by_role("button", name="This is no face").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".toast-k")).to_contain_text("1 box is no face")
    expect(rows).to_have_count(0)
    page.keyboard.press("Escape")


def test_escape_leaves_the_drawing_first_and_a_box_on_a_face_is_answered_with_a_sentence(page: Page):
    page.goto(ADDRESSES["obama.jpg"])
    expect(page.locator(".pswp .boxes .box").first).to_be_visible()
    page.keyboard.press("d")
    expect(page.locator(".draw")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".draw")).to_have_count(0)
    expect(page).to_have_url(re.compile(ADDRESSES["obama.jpg"]))
    face = page.locator(".pswp .boxes .line").first.bounding_box()
    assert face is not None

    page.keyboard.press("d")
    page.mouse.move(face["x"] + 2, face["y"] + 2)
    page.mouse.down()
    page.mouse.move(face["x"] + face["width"] - 2, face["y"] + face["height"] - 2, steps=4)
    page.mouse.up()

    expect(page.locator(".toast-k")).to_contain_text("already")


def test_a_favourite_is_made_and_unmade_with_f_and_leafed_through(page: Page):
    page.goto(ADDRESSES["obama.jpg"])
    photo = shown(page)
    heart = page.get_by_role("button", name="Favourite", exact=True)
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".toast-k")).to_contain_text("1 photo is a favourite")
    page.keyboard.press("u")
    expect(heart).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".toast-k")).to_contain_text("Undone")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")

    open_first(page, "/favourites/")
    assert shown(page) == photo
    assert page.url.endswith(f"/photos/{photo}/?in=favourites")
    expect(page.locator("#turns a")).to_have_count(0)  # it is the only one
    page.keyboard.press("f")
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    expect(page.locator(DIALOG)).to_have_count(0)
    page.goto("/favourites/")
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_visible()


def test_what_is_no_face_leaves_the_list_and_comes_back(page: Page):
    page.goto(ADDRESSES["together.jpg"])
    rows = page.locator("#about > .face-row")
    expect(rows).to_have_count(2)
    first = rows.first
    first.locator("summary").click()
    first.get_by_role("button", name="This is no face").click()
    expect(rows).to_have_count(1)
    expect(page.locator(".pswp .boxes .box")).to_have_count(1)

    page.locator(".toast-k").get_by_role("button", name="Undo").click()

    expect(rows).to_have_count(2)
    expect(page.locator(".pswp .boxes .box")).to_have_count(2)


def test_question_mark_lists_the_keys(page: Page):
    page.goto(ADDRESSES["obama.jpg"])
    expect(page.locator(".pswp__img").first).to_be_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(page).to_have_url(re.compile(ADDRESSES["obama.jpg"]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_viewer_is_accessible_over_a_page(page: Page, scheme: str):
    page.emulate_media(color_scheme=scheme)
    open_first(page, nth=2)
    page.locator("#about h1").hover()

    assert violations(page) == []
    page.keyboard.press("d")
    expect(page.locator(".draw-box")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(page.locator(".draw")).to_have_count(0)
    page.keyboard.press("Escape")


def test_on_a_phone_a_swipe_turns_and_the_sheet_opens_and_shuts(phone: Page):
    open_first(phone, nth=5)
    before = shown(phone)
    swipe(phone, 320, 60)
    phone.wait_for_function("(before) => document.getElementById('viewer').dataset.photo !== before", arg=before)
    expect(phone.locator("#viewer-says")).not_to_be_empty()

    handle = phone.locator(".sheet-handle")
    expect(handle).to_have_attribute("aria-expanded", "true")
    handle.tap()
    expect(handle).to_have_attribute("aria-expanded", "false")
    expect(phone.get_by_role("button", name="Draw a face")).to_be_hidden()
    handle.tap()
    expect(phone.get_by_role("button", name="Draw a face")).to_be_visible()
    assert too_small(phone) == []
    assert not phone.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    assert violations(phone) == []
    phone.get_by_role("link", name="Back to photos").tap()
    expect(phone.locator(DIALOG)).to_have_count(0)


def test_on_a_phone_a_long_name_under_a_box_stays_on_the_photo(phone: Page):
    open_first(phone)
    phone.locator(".boxes text").first.wait_for()
    # Where a face is at an edge, and somebody of a long name.
    phone.evaluate(
        """() => {
            const text = document.querySelector(".boxes text")
            text.textContent = "Wolfeschlegelsteinhausenbergerdorff the Third of Hohenstein ".repeat(2)
            delete text.dataset.name
            text.closest("svg").setAttribute("x", "80%")
        }"""
    )
    phone.set_viewport_size({"width": 360, "height": 780})
    expect(phone.locator(".boxes text").first).to_have_text(re.compile("…$"))

    left, right = phone.evaluate(
        """() => {
            const { left, right } = document.querySelector(".boxes text").getBoundingClientRect()
            return [left, right]
        }"""
    )
    assert left >= 0
    assert right <= 360


def test_a_face_is_drawn_with_a_finger(phone: Page):
    open_drawing(phone, 102)
    rows = phone.locator("#about .face-row")
    photo = phone.locator(".pswp__item[aria-hidden=false] .pswp__img").last.bounding_box()
    assert photo is not None
    phone.get_by_role("button", name="Draw a face").tap()
    left, top = photo["x"] + photo["width"] * 0.1, photo["y"] + photo["height"] * 0.1
    swipe(phone, left, left + photo["width"] * 0.2, top=top, down=photo["height"] * 0.25)

    expect(rows).to_have_count(1)
    phone.locator(".toast-k").get_by_role("button", name="Undo").tap()
    expect(rows).to_have_count(0)


def test_without_javascript_the_page_shows_and_leafs(browser: Browser, kith: Kith, page: Page):
    state = page.context.storage_state()
    context = browser.new_context(base_url=kith.address, java_script_enabled=False, storage_state=state)
    plain = context.new_page()
    plain.goto(ADDRESSES["obama.jpg"])

    expect(plain.locator("#shot img")).to_be_visible()
    expect(plain.locator(".boxes .box").first).to_be_visible()
    plain.locator("#turns a").first.click()
    expect(plain).not_to_have_url(re.compile(ADDRESSES["obama.jpg"]))
    expect(plain.locator("#about h1")).to_be_visible()
    context.close()


def swipe(page: Page, start: float, end: float, *, top: float = 200, down: float = 0) -> None:
    """Draw a finger over the screen."""
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", (start, top))
    for step in range(1, 9):
        touch("touchMove", (start + (end - start) * step / 8, top + down * step / 8))
        page.wait_for_timeout(16)
    touch("touchEnd")


def too_small(page: Page) -> list[str]:
    """Buttons of the viewer that a finger would miss: below 44 pixels in a direction."""
    return page.evaluate(
        """() => {
            const buttons = document.querySelectorAll("#viewer :is(button, summary, input, .top a, .turn)")
            const isShown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.type !== "hidden"
            const side = (e) => Math.min(e.getBoundingClientRect().width, e.getBoundingClientRect().height)
            const sheet = ".sheet-handle" // as high as it looks, but a finger's width around it counts, too
            const small = [...buttons].filter((e) => isShown(e) && !e.matches(sheet) && side(e) < 43.5)
            return small.map((e) => e.outerHTML.slice(0, 120))
        }"""
    )
