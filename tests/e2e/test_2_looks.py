"""Every page, in both themes and at both widths: accessible, and nothing scrolls sideways.

Runs after the story, on the library it left behind.
"""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PAGES = ("/", "/people/", "/review/?again=1", "/search/", "/recognise/", "/albums/", "/upload/", "/history/")
PAGES += ("/status/", "/settings/", "/settings/naming/")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit(page: Page, scheme: str, width: int):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    wrong = []
    for address in (*PAGES, *own_pages(page)):
        page.goto(address)
        page.wait_for_load_state("networkidle")
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        wrong += [f"{address}: {violation['id']}: {violation['help']}" for violation in violations]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            wrong.append(f"{address} scrolls sideways")

    assert wrong == []


def own_pages(page: Page) -> list[str]:
    """A photo, a person and a group of the library."""
    page.goto("/people/")
    found = []
    for pattern in (r"^/people/\d+/$", r"^/groups/\d+/$"):
        links = [link.get_attribute("href") or "" for link in page.locator("main a").all()]
        found += [href for href in links if re.match(pattern, href)][:1]
    page.goto("/")
    return [*found, page.locator(".rows a").first.get_attribute("href") or "/"]
