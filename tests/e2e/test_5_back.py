"""Back: from a photo to the list it was opened from, at its place, also after a reload and without a script.

Goes on with the library of the story, and leaves it as it was.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Kith

BEFORE = "/albums/"  # what the reader looked at before the list
LISTS = ["/", "album", "/search/?q=Obama", "person", "/undated/", "/favourites/"]


@pytest.fixture(scope="module", autouse=True)
def _favourites(page: Page) -> Iterator[None]:
    """All photos of the first page are favourites meanwhile."""
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto("/")
    page.locator(".rows > li").first.hover()
    page.locator(".rows > li .tick").first.click()
    page.locator(".rows > li").nth(30).hover()
    page.locator(".rows > li .tick").nth(30).click(modifiers=["Shift"])
    page.get_by_role("button", name="Favourite", exact=True).click()
    expect(page.locator(".toast-k")).to_contain_text("31 photos are favourites")
    undo = page.locator(".toast-k form").get_attribute("action")
    yield
    page.goto("/")
    page.evaluate(
        "(action) => fetch(action, {method: 'POST', headers: JSON.parse(document.body.getAttribute('hx-headers'))})",
        undo,
    )


@pytest.fixture
def plain(browser: Browser, page: Page, kith: Kith) -> Iterator[Page]:
    """The same user without a script."""
    context = browser.new_context(
        base_url=kith.address,
        viewport={"width": 1280, "height": 500},
        java_script_enabled=False,
        storage_state=page.context.storage_state(),
    )
    yield context.new_page()
    context.close()


def go_to(page: Page, address: str) -> None:
    page.goto(BEFORE)
    if address == "person":
        page.goto("/people/")
        page.get_by_role("link", name=re.compile("Barack Obama")).first.click()
        expect(page).to_have_url(re.compile(r"/people/\d+/"))
    elif address == "album":
        page.locator(".album-card").last.click()
        expect(page).to_have_url(re.compile(r"/albums/\d+/"))
    else:
        page.goto(address)


def last_tile(page: Page) -> Locator:
    """A photo far down, of those that are here at once."""
    return page.locator(".rows > li").nth(min(page.locator(".rows > li").count(), 31) - 1)


def open_photo(page: Page, tile: Locator) -> str:
    """Open a photo; return its tile's selector."""
    tile.scroll_into_view_if_needed()
    place = f"#{tile.get_attribute('id')}"
    tile.locator("a").click()
    expect(page).to_have_url(re.compile(r"/photos/\d+/"))
    return place


@pytest.mark.parametrize("address", LISTS)
def test_back_leads_to_the_list_at_the_photos_place(page: Page, address: str):
    go_to(page, address)
    listed = page.url
    place = open_photo(page, last_tile(page))
    expect(page.locator("#viewer-dialog .pswp__img").first).to_be_visible()

    page.go_back()

    expect(page.locator("#viewer-dialog[open]")).to_have_count(0)
    expect(page.locator(place)).to_be_in_viewport()
    page.wait_for_timeout(300)  # a second step back would come now
    expect(page).to_have_url(listed)
    page.go_back()
    expect(page).to_have_url(re.compile(r"/people/(#.*)?$" if address == "person" else f"{BEFORE}$"))


@pytest.mark.parametrize("address", ["/", "album", "/search/?q=Obama"])
def test_back_after_a_reload_leads_there_too(page: Page, address: str):
    go_to(page, address)
    listed = page.url
    place = open_photo(page, last_tile(page))
    expect(page.locator("#viewer-dialog .pswp__img").first).to_be_visible()
    page.reload()
    expect(page.locator("main #viewer .pswp__img").first).to_be_visible()

    page.go_back()

    expect(page.locator("#viewer")).to_have_count(0)
    expect(page.locator(place)).to_be_in_viewport()
    expect(page).to_have_url(listed)


def test_back_and_forth_opens_the_photo_again(page: Page):
    go_to(page, "/")
    place = open_photo(page, last_tile(page))
    expect(page.locator("#viewer-dialog .pswp__img").first).to_be_visible()
    page.go_back()
    expect(page.locator("#viewer-dialog[open]")).to_have_count(0)

    page.go_forward()

    expect(page.locator("#viewer-dialog[open] .pswp__img").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#viewer-dialog[open]")).to_have_count(0)
    expect(page.locator(place)).to_be_in_viewport()
    expect(page).to_have_url(re.compile("/$"))


@pytest.mark.parametrize("address", LISTS)
def test_without_a_script_back_leads_to_the_list_too(plain: Page, address: str):
    go_to(plain, address)
    listed = plain.url
    place = open_photo(plain, last_tile(plain))

    plain.go_back()

    expect(plain).to_have_url(listed)
    expect(plain.locator(place)).to_be_in_viewport()
