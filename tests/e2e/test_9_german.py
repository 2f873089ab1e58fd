"""Kith in German: nothing of it is left in English, and its longer words fit, on a phone, too.

Runs after the story, on the library it left behind.
"""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import PATIENCE_MS, Kith
from tests.e2e.pages import visit

# Beside the pages that test_5_looks looks at.
MORE_PAGES = ("/search/?q=a", "/people/in-these/", "/history/?by=kith", "/nowhere/")

# Frequent words of the interface that German does not have.
ENGLISH = re.compile(
    r"\b(the|and|of|your|you|this|these|that|with|are|not|by|from|for|have|has|photos?|faces?|people|who|what|"
    r"yes|undo|redo|review|search|settings|show|named?d|no|it|them|choose|keep|delete|save|back|more)\b",
    re.IGNORECASE,
)
# Everything that is read: text, and what is only spoken or hinted at. Names that people and files bear are not ours,
# nor are titles of what others wrote, which say that they are English.
READ = """() => {
  let text = document.body.innerText
  for (const element of document.querySelectorAll("[lang=en]")) text = text.replace(element.innerText, "")
  const parts = [document.title, text]
  for (const name of ["aria-label", "placeholder", "title", "alt"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) parts.push(element.getAttribute(name))
  }
  return parts.join("\\n")
}"""
# Words that are cut off, or stand out of what they should be in.
CUT = """() => [...document.querySelectorAll("main :is(.btn, h1, h2, .chip, label, .card-k), .appnav a, .tabbar a")]
  .filter((element) => element.checkVisibility() && element.clientWidth > 1
    && element.scrollWidth > element.clientWidth + 1
    && getComputedStyle(element).display !== "inline" && getComputedStyle(element).textOverflow !== "ellipsis")
  .map((element) => element.outerHTML.slice(0, 120))"""
# Numbers of a drawing, or of a bar, that were written the German way: no browser reads them.
COMMAS = """() => [...document.querySelectorAll("svg *, progress")].flatMap((element) => [...element.attributes]
  .filter(({ name, value }) => ["x", "y", "cx", "cy", "r", "width", "height", "value", "max"].includes(name)
    && value.includes(",")).map(({ name, value }) => `${element.tagName} ${name}=${value}`))"""
NAMES = re.compile(
    r"\S+\.(?:jpe?g|png|webp|heic)|FaceNet.*|English|Joe Biden|Barack Obama|Wolfeschlegel.*?née|Story|"
    r"nobody-has-this-name|nothing-is-called-this|Labeled Faces in the Wild",
    re.IGNORECASE,
)


@pytest.fixture(scope="module")
def german(browser: Browser, kith: Kith, page: Page) -> Iterator[Page]:
    """The story's user in a browser that asks for German."""
    context = browser.new_context(
        base_url=kith.address, storage_state=page.context.storage_state(), locale="de-DE", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # "/nowhere/", and pages that ask about what a form sent
    assert [text for text in complaints if not re.search("status of (404|422)", text)] == []


def test_every_page_is_german_and_fits(german: Page, addresses: dict[str, str]):
    wrong = []
    for address in (*addresses.values(), *MORE_PAGES):
        visit(german, address)
        expect(german.locator(".htmx-request")).to_have_count(0)
        assert german.locator("html").get_attribute("lang") == "de"
        for width in (390, 1280):
            german.set_viewport_size({"width": width, "height": 844})
            wrong += [f"{address}, {width}: {line}" for line in not_german(german) + not_fitting(german)]

    assert wrong == []


def not_german(page: Page) -> list[str]:
    read = NAMES.sub("", page.evaluate(READ))
    return [line.strip() for line in read.splitlines() if ENGLISH.search(line)] + page.evaluate(COMMAS)


def not_fitting(page: Page) -> list[str]:
    wrong = [f"cuts off {element}" for element in page.evaluate(CUT)]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        wrong.append("scrolls sideways")
    return wrong


def test_scripts_speak_german_and_dates_are_german(german: Page):
    german.goto("/")
    german.goto(german.locator(".rows a").first.get_attribute("href") or "/")
    expect(german.get_by_role("heading", level=1)).to_have_text(re.compile(r"^(\w+tag|Mittwoch), \d+\. \w+ \d{4}$"))

    german.goto("/people/")
    field = german.locator(".group-card name-box input").first
    field.fill("Zzz")
    expect(german.get_by_role("option", name="„Zzz“ neu anlegen")).to_be_visible()
    field.fill("")


def test_the_language_can_be_chosen_and_given_back(german: Page):
    german.goto("/settings/")
    german.get_by_label("English").check()
    choice = german.locator("form[action='/language/']")
    choice.get_by_role("button").click()
    expect(german.locator("html")).to_have_attribute("lang", "en")
    expect(german.get_by_role("heading", level=1)).to_have_text("Settings")

    german.get_by_label("As the browser").check()
    choice.get_by_role("button").click()
    expect(german.get_by_role("heading", level=1)).to_have_text("Einstellungen")


def test_a_stranger_is_greeted_in_german_and_may_choose(browser: Browser, kith: Kith):
    context = browser.new_context(base_url=kith.address, locale="de-DE", viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto("/sign-in/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anmelden")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    context.close()
