"""Photos by day and month: selecting them, albums, favourites, the trash, with mouse, keyboard, thumb and no script.

Goes on with the library of the story before it, and leaves it as it was.
"""

import re
import zipfile

import pytest
from playwright.sync_api import Browser, Download, Locator, Page, expect

from photos.pagination import PAGE_SIZE
from tests.e2e.conftest import LOOKS, Kith, violations

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}

# Notes how far things moved by themselves since the page was opened, and go on to.
WATCH_SHIFTS = """() => {
  window.shifts = []
  const called = ({ node, previousRect, currentRect }) =>
    `${node?.parentElement?.id} ${node?.nodeName} ${node?.id} from ${previousRect.y} to ${currentRect.y}`
  new PerformanceObserver((list) => {
    for (const { hadRecentInput, value, sources } of list.getEntries()) {
      if (!hadRecentInput && value > 0.003) window.shifts.push([value, ...sources.map(called)])
    }
  }).observe({ type: "layout-shift", buffered: true })
}"""


@pytest.fixture(autouse=True)
def _wide(page: Page) -> None:
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")


def tiles(page: Page) -> Locator:
    return page.locator(".rows > li")


def selected(page: Page) -> Locator:
    return page.locator("[data-selected-count]")


def toast(page: Page) -> Locator:
    return page.locator(".toast-k")


def take_back(page: Page) -> None:
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page)).to_contain_text("Undone")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.closest('.rows > li')?.id ?? document.activeElement.id"))


def test_ticks_ranges_and_days(page: Page):
    page.goto("/")
    tiles(page).nth(2).hover()
    tiles(page).nth(2).locator(".tick").click()
    expect(selected(page)).to_have_text("1")
    tiles(page).nth(6).locator(".tick").click(modifiers=["Shift"])
    expect(selected(page)).to_have_text("5")

    tiles(page).nth(4).locator("a").click()  # while something is ticked, a picture is a tick, too
    expect(selected(page)).to_have_text("4")
    expect(page).to_have_url(re.compile("/$"))

    page.keyboard.press("Escape")
    expect(page.locator("#selection")).to_be_hidden()
    day = page.locator("[data-select-day]").first
    day.click()
    expect(day).to_have_attribute("aria-pressed", "true")
    expect(selected(page)).to_have_text(str(page.locator(".rows").first.locator("li").count()))
    page.get_by_role("button", name="Clear the selection").click()
    expect(tiles(page).first.locator("input")).not_to_be_checked()


def test_an_album_is_made_filled_emptied_and_deleted_with_the_keyboard_alone(page: Page):
    page.goto("/")
    tiles(page).first.locator("a").focus()
    first = focused(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert focused(page) != first
    page.keyboard.press("Home")
    assert focused(page) == first
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowLeft")
    expect(selected(page)).to_have_text("3")

    button = page.get_by_role("button", name="Add to album")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#album-title-of-selection")).to_be_focused()
    page.keyboard.type("Keyboard")
    page.keyboard.press("Enter")
    expect(toast(page)).to_contain_text("3 photos added to Keyboard")
    expect(page.locator("#ask")).to_be_hidden()
    assert focused(page).startswith("photo-")  # the reader is still in the grid

    page.goto("/albums/")
    page.get_by_role("link", name=re.compile("Keyboard")).click()
    expect(page.locator("#photo-count")).to_have_text(re.compile("3 photos"))
    tiles(page).first.locator("a").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Select all 3").press("Enter")
    expect(selected(page)).to_have_text("3")
    tiles(page).first.locator("a").focus()
    page.keyboard.press("Space")  # all but one
    expect(selected(page)).to_have_text("2")
    page.get_by_role("button", name="Remove from album").press("Enter")
    expect(toast(page)).to_contain_text("2 photos removed from Keyboard")
    expect(page.locator("#photo-count")).to_have_text(re.compile("1 photo"))
    take_back(page)
    expect(page.locator("#photo-count")).to_have_text(re.compile("3 photos"))

    page.get_by_label("More for Keyboard").press("Enter")
    page.get_by_role("button", name="Delete album").press("Enter")
    expect(toast(page)).to_contain_text("Album Keyboard deleted")
    expect(page.get_by_role("link", name=re.compile("Keyboard"))).to_have_count(0)


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_a_finger_reaches_the_whole_tick_of_a_day(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/")
    page.locator(".day-tick").first.scroll_into_view_if_needed()

    reached = page.evaluate(
        """() => {
            const tick = document.querySelector(".day-tick")
            const { left, top, width, height } = tick.getBoundingClientRect()
            const isReached = (x, y) => document.elementFromPoint(x, y)?.closest(".day-tick") === tick
            const pixels = [...Array(44).keys()].map((pixel) => pixel + 0.5)
            return [
                pixels.filter((pixel) => isReached(left + pixel, top + height / 2)).length,
                pixels.filter((pixel) => isReached(left + width / 2, top + pixel)).length,
            ]
        }"""
    )

    assert min(reached) >= 43  # edges between two pixels


def test_a_photo_in_the_trash_takes_its_faces_along_and_brings_them_back(page: Page):
    counts = faces_of(page, "Barack Obama")
    page.goto("/people/")
    page.get_by_role("link", name=re.compile("Barack Obama")).first.click()
    photo = tiles(page).first.get_attribute("id")
    tiles(page).first.locator("a").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Move to trash").click()
    expect(toast(page)).to_contain_text("1 photo moved to the trash")

    assert faces_of(page, "Barack Obama") == counts - 1
    page.goto("/trash/")
    expect(page.locator(f"#{photo}")).to_be_visible()
    page.locator(f"#{photo} a").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Put back", exact=True).click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()
    assert faces_of(page, "Barack Obama") == counts


def faces_of(page: Page, name: str) -> int:
    """In how many photos the people page says somebody is."""
    page.goto("/people/")
    card = page.locator(".person-card").filter(has_text=name)
    return int(card.locator(".count").inner_text().split()[0]) if card.count() else 0


def test_deleting_for_good_is_asked_about_and_can_be_left(page: Page):
    page.goto("/")
    tiles(page).nth(3).hover()
    tiles(page).nth(3).locator(".tick").click()
    page.get_by_role("button", name="Move to trash").click()
    expect(toast(page)).to_be_visible()
    page.goto("/trash/")
    page.get_by_role("button", name="Empty the trash").click()
    expect(page.get_by_role("heading", name="Delete 1 photo for good?")).to_be_visible()
    page.get_by_role("link", name="Keep them").click()
    page.get_by_role("button", name="Put all back").click()
    expect(page.get_by_role("heading", name="The trash is empty")).to_be_visible()


def test_favourites_have_a_page_of_their_own(page: Page):
    page.goto("/")
    for place in (0, 1):
        tiles(page).nth(place).hover()
        tiles(page).nth(place).locator(".tick").click()
    page.get_by_role("button", name="Favourite", exact=True).click()
    expect(toast(page)).to_contain_text("2 photos are favourites")
    expect(page.locator(".favourite")).to_have_count(2)

    page.goto("/favourites/")
    expect(tiles(page)).to_have_count(2)
    tiles(page).first.hover()
    tiles(page).first.locator(".tick").click()
    page.get_by_role("button", name="Select all 2").click()
    page.get_by_role("button", name="No favourite").click()
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_visible()


def test_photos_get_a_date_and_the_scrubber_leads_to_it_and_back_to_the_place(page: Page):
    page.goto("/undated/")
    tiles(page).nth(1).hover()
    tiles(page).nth(1).locator(".tick").click()
    tiles(page).nth(3).locator(".tick").click(modifiers=["Shift"])
    page.locator("summary[aria-label='More for the selected photos']").click()
    page.get_by_role("button", name="Set the date").click()
    page.get_by_label("Day").fill("1998-05-03")
    page.get_by_role("button", name="Save").click()
    expect(toast(page)).to_contain_text("3 photos have a new date")
    undo = page.locator(".toast-k form").get_attribute("action")

    page.goto("/")
    slider = page.get_by_role("slider", name="Go to a month")
    slider.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("heading", name="May 1998")).to_be_visible()
    expect(page).to_have_url(re.compile("to=1998-05"))
    assert slider.get_attribute("aria-valuetext") == "May 1998"

    page.mouse.wheel(0, -400)  # up again: newer photos come in above, and nothing moves
    expect(page.locator(".month").nth(1)).to_be_attached()
    tile = page.locator("[data-month='1998-05'] .rows > li").nth(1)
    tile.scroll_into_view_if_needed()
    place = tile.get_attribute("id")
    tile.locator("a").click()
    expect(page).to_have_url(re.compile(r"/photos/\d+/"))
    page.go_back()
    expect(page).to_have_url(re.compile(f"at={str(place).removeprefix('photo-')}$"))
    expect(page.locator(f"#{place}")).to_be_in_viewport()

    page.goto("/")
    page.evaluate(
        "(action) => fetch(action, {method: 'POST', headers: JSON.parse(document.body.getAttribute('hx-headers'))})"
        ".then((reply) => reply.text())",
        undo,
    )
    page.goto("/undated/")
    expect(page.get_by_role("heading", name="May 1998")).to_have_count(0)


def test_reading_on_moves_nothing(page: Page):
    page.goto("/")
    expect(page.locator("#who-strip .strip a[href]").first).to_be_visible()
    page.evaluate(WATCH_SHIFTS)
    for _ in range(12):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(60)
    expect(page.locator("#older")).to_have_count(0)

    assert tiles(page).count() > PAGE_SIZE
    ids = page.locator("[id]").evaluate_all("all => all.map((each) => each.id)")
    assert len(ids) == len(set(ids))
    assert page.evaluate("window.shifts") == []


@pytest.mark.parametrize("address", ["/albums/1/", "/batches/1/"])
def test_what_comes_later_has_its_place_from_the_first_paint(page: Page, address: str):
    page.goto(address)
    expect(page.locator(".htmx-request")).to_have_count(0)
    expect(page.locator(".strip a[href]").first).to_be_visible()
    page.evaluate(WATCH_SHIFTS)
    page.wait_for_timeout(100)  # for what the browser noted so far

    assert page.evaluate("window.shifts") == []


def test_originals_are_downloaded_one_as_it_is_and_several_in_a_zip(page: Page, tmp_path):
    page.goto("/")
    tiles(page).first.hover()
    tiles(page).first.locator(".tick").click()
    with page.expect_download() as one:
        page.get_by_role("button", name="Download").click()
    assert one.value.suggested_filename.endswith((".jpg", ".png"))

    tiles(page).nth(4).locator(".tick").click(modifiers=["Shift"])
    with page.expect_download() as several:
        page.get_by_role("button", name="Download").click()
    assert len(names_in(several.value, tmp_path)) == 5


def names_in(download: Download, folder) -> list[str]:
    download.save_as(folder / "photos.zip")
    with zipfile.ZipFile(folder / "photos.zip") as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_who_is_in_some_photos(page: Page):
    page.goto("/people/")
    page.get_by_role("link", name=re.compile("Barack Obama")).first.click()
    tiles(page).first.hover()
    tiles(page).first.locator(".tick").click()
    page.get_by_role("button", name="Who is in these?").click()

    expect(page.get_by_role("heading", level=1, name="Who is in these?")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("Barack Obama"))).to_be_visible()


def test_on_a_phone_a_long_press_starts_and_taps_go_on(browser: Browser, page: Page, kith: Kith):
    context = browser.new_context(
        base_url=kith.address,
        viewport=PHONE,
        has_touch=True,
        is_mobile=True,
        storage_state=page.context.storage_state(),
    )
    phone = context.new_page()
    phone.goto("/")
    press_long(phone, tiles(phone).nth(1))
    expect(selected(phone)).to_have_text("1")
    tiles(phone).nth(2).locator("a").tap()
    expect(selected(phone)).to_have_text("2")
    expect(phone).to_have_url(re.compile("/$"))
    assert not phone.evaluate("document.documentElement.scrollWidth > innerWidth")
    boxes = [button.bounding_box() for button in phone.locator("#selection .btn").all() if button.is_visible()]
    assert all(box["height"] >= 44 and box["width"] >= 40 for box in boxes)

    phone.get_by_role("button", name="Move to trash").tap()
    expect(toast(phone)).to_contain_text("2 photos moved to the trash")
    toast(phone).get_by_role("button", name="Undo").tap()
    expect(toast(phone)).to_contain_text("Undone")
    context.close()


def press_long(page: Page, tile: Locator) -> None:
    tile.scroll_into_view_if_needed()
    box = tile.bounding_box()
    fingers = page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] * 0.7}
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    page.wait_for_timeout(600)
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_without_a_script_pages_follow_each_other_and_forms_do_the_rest(browser: Browser, page: Page, kith: Kith):
    context = browser.new_context(
        base_url=kith.address, viewport=WIDE, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    plain = context.new_page()
    plain.goto("/")
    first = tiles(plain).first.get_attribute("id")
    plain.get_by_role("link", name="Older photos").click()
    expect(tiles(plain).first).not_to_have_id(str(first))
    plain.get_by_role("link", name="Newer photos").click()
    expect(tiles(plain).first).to_have_id(str(first))

    tiles(plain).first.locator("input").check()
    tiles(plain).nth(1).locator("input").check()
    plain.get_by_role("button", name="Add to album").click()
    plain.locator("#album-title-of-selection").fill("Without a script")
    plain.get_by_role("button", name="Add", exact=True).click()
    expect(toast(plain)).to_contain_text("2 photos added to Without a script")
    toast(plain).get_by_role("button", name="Undo").click()
    expect(toast(plain)).to_contain_text("Undone")
    context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_its_pages_are_accessible_and_fit(page: Page, scheme: str, width: int):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    wrong = []
    for address in ("/", "/favourites/", "/undated/", "/trash/", "/albums/", "/albums/1/", "/people/in-these/"):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        if address == "/":
            tiles(page).first.locator("a").focus()
            page.keyboard.press("Space")
            page.wait_for_timeout(300)
        wrong += [f"{address}: {line}" for line in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{address} scrolls sideways")

    assert wrong == []
