"""Every page, in both themes, from a small phone to a wide screen: accessible, in its place, and quiet.

Runs on the library of the story and of the mistakes after it, which surely leave a group without a name: what the
story leaves depends on how fast the workers were. The pictures it takes are kept in var/test/screenshots.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import LOOKS, Kith, violations
from tests.e2e.pages import ACTS, FILES, OUTSIDE, PAGES, PARTS, named_addresses, visit
from tests.services import KEPT

SCREENSHOTS = KEPT / "screenshots"

# What is smaller than a finger, and why it may be.
SMALL = {
    ".skip": "seen only by somebody who came with the keyboard",
    ".visually-hidden": "not on the screen",
    ".library-map a": "circles are as large as their groups; the sizes 2x and 4x and the people page are beside them",
    ".sheet-handle": "its ::after reaches 44 px",
    ".scrubber a": "not shown on phones: the slider over them is",
    ".tag": "the photo of a face in review; it opens by a long press on the face, too",
    "p a, dd a, dt a, .muted a, .history a, .file-list a, .name": "links in a line of text",
    ".boxes a, .box": "boxes are as large as their faces; the list beside them names the same faces",
    "input.form-check-input, .tick": "the label around it is the target",
    ".day-tick": "44 px high and 40 wide, with nothing else to touch beside it",
}

LOOKING = (Path(__file__).parent / "looking.js").read_text()


# The smallest screen beside a phone's, the widest beside a usual one.
EXTREME = {390: 360, 1280: 2560}


@dataclass(frozen=True)
class Look:
    """How a page is looked at: the theme of the device and the width of its screen in pixels."""

    scheme: str
    width: int

    @property
    def is_phone(self) -> bool:
        return self.width < 768

    @property
    def height(self) -> int:
        return 844 if self.is_phone else 800

    def context(self, browser: Browser, kith: Kith, page: Page | None) -> BrowserContext:
        """A browser of its own, signed in as `page` is."""
        return browser.new_context(
            base_url=kith.address,
            storage_state=page.context.storage_state() if page else None,
            viewport={"width": self.width, "height": self.height},
            color_scheme=self.scheme,  # type: ignore[arg-type]  # "light" or "dark"
            has_touch=self.is_phone,
            reduced_motion="reduce",
        )


def test_every_address_is_looked_at_or_no_page() -> None:
    named = {name for name, _ in named_addresses()}

    assert named == {*PAGES, *ACTS, *PARTS, *FILES, "accounts:sign-in"}


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_are_accessible_and_fit(
    page: Page, browser: Browser, kith: Kith, addresses: dict[str, str], scheme: str, width: int
) -> None:
    assert looked_at(Look(scheme, width), browser, kith, page, addresses) == []


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_pages_of_strangers_are_accessible_and_fit(browser: Browser, kith: Kith, scheme: str, width: int) -> None:
    wrong = looked_at(Look(scheme, width), browser, kith, None, OUTSIDE)

    assert [line for line in wrong if "status of 404" not in line] == []


def looked_at(look: Look, browser: Browser, kith: Kith, page: Page | None, addresses: dict[str, str]) -> list[str]:
    """What is wrong with pages, one line each."""
    context = look.context(browser, kith, page)
    context.set_default_timeout(20_000)
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    wrong = []
    for name, address in addresses.items():
        visit(tab, address)
        expect(tab.locator(".htmx-request")).to_have_count(0)
        found = wrong_on(tab, look, name)
        found += [f"the console says: {text}" for text in said if "status of 422" not in text]  # a page that asks
        said.clear()
        wrong += [f"{address} ({look.scheme}, {look.width}): {line}" for line in found]
    context.close()
    return wrong


def wrong_on(tab: Page, look: Look, name: str) -> list[str]:
    """What is wrong with the page in this tab: at the width of the look, then at the extreme one of its kind."""
    tab.evaluate(LOOKING)
    found = fits(tab, look, name, look.width) + violations(tab)
    if moving := tab.evaluate("looking.moving()"):
        found.append(f"{moving} things move though the device asks for less motion")
    if not look.is_phone:
        found += unseen_focus(tab)
    tab.set_viewport_size({"width": EXTREME[look.width], "height": look.height})
    found += fits(tab, look, name, EXTREME[look.width])
    tab.set_viewport_size({"width": look.width, "height": look.height})
    return found


def fits(tab: Page, look: Look, name: str, width: int) -> list[str]:
    keep_picture(tab, f"{name}-{width}-{look.scheme}")
    found = tab.evaluate("(question) => looking.check(...question)", [look.is_phone, ", ".join(SMALL)])
    return [f"at {width}: {line}" for line in found]


def unseen_focus(tab: Page) -> list[str]:
    """Where somebody with a keyboard does not see where they are."""
    unseen = set()
    for _ in range(12):
        tab.keyboard.press("Tab")
        unseen.add(tab.evaluate("looking.unseenFocus()"))
    return [f"the focus is not seen: {element}" for element in unseen - {None}]


def keep_picture(tab: Page, name: str) -> Path:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.png"
    tab.screenshot(path=path)
    return path
