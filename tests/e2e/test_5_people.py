"""The pages of people, as somebody tidies them up: hide, find, select, rename, move, merge, split, and undo of each.

Runs on the library of the story before it, at the size of a desktop, with the keyboard alone, and on a phone.
"""

import re
from collections.abc import Iterator

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Kith, violations
from tests.e2e.pages import visit
from tests.e2e.test_1_story import PASSWORD

LONG = "Wolfeschlegelsteinhausenbergerdorff " * 2 + "the Third of Hohenstein, née 👩‍👩‍👧‍👦"


@pytest.fixture(autouse=True)
def desktop(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")


@pytest.fixture(scope="module")
def phone(browser: Browser, kith: Kith) -> Iterator[Page]:
    context = browser.new_context(base_url=kith.address, viewport={"width": 390, "height": 844}, has_touch=True)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto("/sign-in/")
    page.locator("input[name=username]").fill("ruth")
    page.locator("input[type=password]").fill(PASSWORD)
    page.locator("main button").first.click()
    page.wait_for_url("**/")
    yield page
    context.close()
    assert complaints == []


def card(page: Page, name: str) -> Locator:
    return page.locator(".people-grid > li").filter(has=page.locator(".name", has_text=re.compile(f"^{name}$")))


def open_person(page: Page, name: str, tab: str = "") -> str:
    """Open the page of a person by their card; return its address."""
    page.goto("/people/")
    card(page, name).locator("a").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    address = re.sub(r"[?#].*", "", page.url)
    if tab:
        page.goto(f"{address}?tab={tab}")
    return address


def toast(page: Page, text: str) -> Locator:
    return page.locator(".toast-k").filter(has_text=text)


def undo(page: Page, text: str) -> None:
    """Take the last act back by the toast that tells of it."""
    toast(page, text).get_by_role("button", name="Undo").click()
    expect(toast(page, "Undone.")).to_be_visible()


def face_count(page: Page, name: str) -> int:
    open_person(page, name)
    return int(page.locator(".tabs .count").nth(1).inner_text())


def assert_accessible(page: Page) -> None:
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_a_person_is_hidden_by_the_cross_found_by_the_filter_and_brought_back(page: Page):
    page.goto("/people/")
    expect(card(page, "Joe Biden")).to_be_visible()
    card(page, "Joe Biden").hover()
    page.get_by_role("button", name="Hide Joe Biden").click()
    expect(toast(page, "Joe Biden hidden.")).to_be_visible()
    expect(card(page, "Joe Biden")).to_have_count(0)

    page.get_by_role("searchbox", name="Find a name").fill("bidén")
    expect(page.locator("#hidden[open]")).to_contain_text("Joe Biden")
    expect(page).to_have_url(re.compile("q=bid"))

    page.goto("/people/")
    page.get_by_text("Hidden people").click()
    page.get_by_role("button", name="Show Joe Biden").click()
    expect(card(page, "Joe Biden")).to_be_visible()


def test_hiding_is_undone_from_the_toast(page: Page):
    page.goto("/people/")
    card(page, "Joe Biden").hover()
    page.get_by_role("button", name="Hide Joe Biden").click()
    undo(page, "Joe Biden hidden.")
    expect(card(page, "Joe Biden")).to_be_visible()


def test_coming_back_leads_to_the_card_one_left_from(page: Page):
    open_person(page, "Joe Biden")
    page.go_back()

    expect(page).to_have_url(re.compile(r"/people/#person-\d+$"))
    expect(card(page, "Joe Biden").locator("a")).to_be_visible()


def test_faces_are_moved_to_somebody_new_and_undo_brings_them_back(page: Page):
    before = face_count(page, "Barack Obama")
    open_person(page, "Barack Obama", "faces")
    page.locator(".tile input").first.check()
    page.get_by_text("Move to...").click()
    box = page.get_by_role("combobox", name="Move to")
    expect(box).to_be_focused()
    box.fill("Barry")
    page.get_by_role("option", name="Create “Barry”").click()
    expect(toast(page, "1 face moved from Barack Obama to Barry")).to_be_visible()
    assert face_count(page, "Barry") == 1

    page.goto("/history/?kind=merges")
    page.locator(".history li").filter(has_text="to Barry").first.get_by_role("button", name=re.compile("Undo")).click()
    expect(toast(page, "Undone.")).to_be_visible()
    assert face_count(page, "Barack Obama") == before


def test_faces_can_be_sorted(page: Page):
    address = open_person(page, "Barack Obama", "faces")
    page.get_by_label("Sort faces").select_option("newest")

    expect(page).to_have_url(re.compile(f"{re.escape(address)}.*sort=newest"))
    assert_accessible(page)


def test_renaming_to_a_name_that_is_taken_asks_to_merge_or_to_keep_both(page: Page):
    address = open_person(page, "Joe Biden")
    page.get_by_text("Edit", exact=True).click()
    page.get_by_label("Name", exact=True).fill("barack obama")
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("There is already a")
    assert_accessible(page)
    page.get_by_role("link", name="Merge").click()
    expect(page.get_by_role("heading", level=2)).to_contain_text("the same person?")
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Joe Biden")


def test_a_namesake_gets_a_note_that_tells_them_apart(page: Page):
    open_person(page, "Barack Obama", "faces")
    face = page.locator(".tile input").first.get_attribute("value")
    page.locator(".tile input").first.check()
    page.get_by_text("Move to...").click()
    page.get_by_role("combobox", name="Move to").fill("joe biden")
    expect(page.get_by_role("option", name=re.compile("Joe Biden.*Is it this one"))).to_have_attribute(
        "aria-selected", "true"
    )
    page.get_by_role("combobox", name="Move to").fill("Joe Biden")
    page.get_by_role("option", name=re.compile("Another “Joe Biden”")).click()
    page.get_by_label("Note that tells this Joe Biden from the other").fill("from the choir")
    page.keyboard.press("Enter")

    expect(toast(page, "moved from Barack Obama to Joe Biden")).to_be_visible()
    page.goto("/people/?q=joe")
    expect(page.locator(".people-grid .note")).to_have_text("from the choir")
    expect(page.locator(".people-grid > li")).to_have_count(2)
    visit(page, f"POST {reverse('people:name-face', args=[face])}?name=Joe+Biden")  # as without JavaScript
    expect(page.get_by_role("heading", name="Which Joe Biden?")).to_be_visible()
    assert_accessible(page)
    page.goto("/history/?kind=merges")
    page.locator(".history li").filter(has_text="to Joe Biden").first.get_by_role(
        "button", name=re.compile("Undo")
    ).click()
    expect(toast(page, "Undone.")).to_be_visible()


def test_two_people_are_compared_merged_under_the_name_chosen_and_split_again(page: Page):
    obama, biden = face_count(page, "Barack Obama"), face_count(page, "Joe Biden")
    page.goto("/people/")
    page.get_by_role("button", name="Select").first.click()
    for name in ("Barack Obama", "Joe Biden"):
        card(page, name).locator("a").click()
    bar = page.get_by_role("group", name="Selected")
    expect(bar).to_contain_text("2 selected")
    assert_accessible(page)
    bar.get_by_role("button", name="Merge").click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Both are in 1 photo")
    expect(dialog.locator(".merge-strange img")).not_to_have_count(0)
    assert_accessible(page)
    dialog.get_by_role("radio", name=re.compile("Joe Biden")).check()
    dialog.get_by_role("button", name="Same person, merge").click()
    expect(toast(page, "merged into Joe Biden")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Joe Biden")

    page.get_by_role("link", name="Split").click()
    expect(page.locator(".part")).not_to_have_count(0)
    rows = page.locator(".part")
    assert rows.count() >= 2
    assert_accessible(page)
    rows.first.get_by_role("combobox").fill("Forty-four")
    page.get_by_role("option", name="Create “Forty-four”").click()
    expect(page.get_by_role("heading", name=re.compile("Is everybody here"))).to_be_visible()  # not sent yet
    page.get_by_role("button", name="Split", exact=True).click()
    expect(toast(page, "from Joe Biden to Forty-four")).to_be_visible()

    for text in ("to Forty-four", "merged into Joe Biden"):
        page.goto("/history/?kind=merges")
        page.locator(".history li").filter(has_text=text).first.get_by_role("button", name=re.compile("Undo")).click()
        expect(toast(page, "Undone.")).to_be_visible()
    assert (face_count(page, "Barack Obama"), face_count(page, "Joe Biden")) == (obama, biden)


def test_a_face_is_split_off_a_group_and_undo_puts_it_back(page: Page):
    page.goto("/people/")
    page.locator(".group-card > a").first.click()
    expect(page.get_by_role("heading", name="Who is this?")).to_be_visible()
    address, before = page.url, page.locator(".tile input").count()
    button = page.get_by_role("button", name="Split off the unticked")
    expect(button).to_be_hidden()
    page.locator(".tile input").first.uncheck()
    button.click()
    expect(toast(page, "split")).to_be_visible()
    expect(page.locator(".tile input")).to_have_count(before - 1)

    undo(page, "split")
    page.goto(address)
    expect(page.locator(".tile input")).to_have_count(before)

    page.get_by_role("link", name="Not one person").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is in this group?")
    assert_accessible(page)


def test_groups_are_named_together_with_the_keyboard_alone(page: Page):
    page.goto("/people/")
    before = page.locator(".people-grid > li").count()
    page.locator(".group-card .pick input").first.focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("group", name="Selected")).to_contain_text("1 selected")
    summary = page.get_by_role("group", name="Selected").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="One name for all groups selected")).to_be_focused()
    page.keyboard.type(LONG[:100])
    page.get_by_role("option", name=re.compile("Create")).wait_for()
    page.keyboard.press("Enter")
    expect(page.locator(".toast-k").filter(has_text="confirmed as Wolfe")).to_be_visible()
    expect(page.locator(".people-grid > li")).to_have_count(before + 1)
    assert_accessible(page)

    page.locator(".people-grid .name", has_text="Wolfe").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Wolfe")
    assert_accessible(page)
    page.set_viewport_size({"width": 360, "height": 740})
    assert_accessible(page)
    page.goto("/history/")
    page.locator(".history li").filter(has_text="Wolfe").first.get_by_role("button", name=re.compile("Undo")).click()
    expect(toast(page, "Undone.")).to_be_visible()


def test_a_name_that_begins_like_an_existing_one_never_makes_somebody_new(page: Page):
    open_person(page, "Barack Obama")
    page.get_by_role("link", name="Merge").click()
    box = page.get_by_role("combobox", name="The same person")
    expect(box).to_be_focused()
    page.keyboard.type("jo")
    page.get_by_role("option", name=re.compile("Joe Biden")).wait_for()
    expect(page.get_by_role("option")).to_have_count(1)  # nobody new can be merged with
    assert box.get_attribute("aria-expanded") == "true"
    active = box.get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_contain_text("Joe Biden")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("the same person"))).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_on_a_phone_a_long_press_selects_and_the_bar_merges(phone: Page):
    phone.goto("/people/")
    link = card(phone, "Joe Biden").locator("a")
    link.dispatch_event("pointerdown", {"pointerType": "touch", "bubbles": True})
    phone.wait_for_timeout(700)
    link.dispatch_event("pointerup", {"pointerType": "touch", "bubbles": True})
    link.dispatch_event("click")
    expect(phone).to_have_url(re.compile("/people/$"))
    bar = phone.get_by_role("group", name="Selected")
    expect(bar.locator("[data-picked]")).to_have_text("1")

    card(phone, "Barack Obama").locator("a").tap()
    expect(bar.locator("[data-picked]")).to_have_text("2")
    assert_accessible(phone)
    bar.get_by_role("button", name="Merge").tap()
    expect(phone.get_by_role("dialog")).to_contain_text("Which name stays?")
    assert_accessible(phone)
    phone.get_by_role("button", name="Close, merge nobody").tap()
    bar.get_by_role("button", name="Clear the selection").tap()
    expect(bar).to_be_hidden()


def test_on_a_phone_a_person_and_their_split_fit(phone: Page):
    phone.goto("/people/")
    card(phone, "Barack Obama").locator("a").tap()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Barack Obama")
    assert_accessible(phone)
    phone.get_by_role("link", name="Split").tap()
    expect(phone.get_by_role("heading", level=1)).to_contain_text("Is everybody here")
    assert_accessible(phone)
