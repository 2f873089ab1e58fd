"""What a browser has to fetch, compressed, and how soon a page answers to a key, by the browser's own clock."""

import statistics

import pytest
from playwright.sync_api import Page

HEAVIEST = 150_000  # bytes of scripts and styles of a first page, compressed
SLOWEST_MS = 200  # from a key or a click to the next paint

PAGES = ("/", "/people/", "/review/?again=1", "/search/", "/albums/", "/map/", "/history/", "/settings/", "/upload/")

# Bytes over the wire of what blocks or may run on the page; a cached file counts nothing, so the cache is off.
WEIGHT = """() => performance.getEntriesByType("resource")
    .filter((entry) => /\\.(js|css)(\\?|$)/.test(entry.name) || entry.name.includes("/jsi18n/"))
    .map((entry) => [new URL(entry.name).pathname, entry.encodedBodySize])"""

WATCH = """() => {
    window.slow = []
    new PerformanceObserver((list) => window.slow.push(...list.getEntries().map((entry) => entry.duration)))
        .observe({ type: "event", durationThreshold: 16, buffered: true })
}"""


@pytest.fixture
def uncached(page: Page):
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    yield page
    session.send("Network.setCacheDisabled", {"cacheDisabled": False})
    session.detach()


def test_no_page_is_heavy(uncached: Page):
    heavy = {}
    for address in PAGES:
        uncached.goto(address)
        uncached.wait_for_load_state("networkidle")
        files = uncached.evaluate(WEIGHT)
        assert files
        heavy[address] = sum(size for _, size in files)

    print({address: f"{size / 1000:.0f} KB" for address, size in heavy.items()})
    assert max(heavy.values()) <= HEAVIEST, heavy


@pytest.mark.parametrize(
    ("address", "keys"),
    [
        ("/", ["/", "a", "Escape", "Tab", "Tab"]),
        ("/people/", ["/", "a", "n", "Escape"]),
        ("/review/?again=1", ["a", "a", "x", "?", "Escape"]),
    ],
)
def test_pages_answer_to_keys_at_once(page: Page, address: str, keys: list[str]):
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.evaluate(WATCH)
    for key in keys * 3:
        page.keyboard.press(key)
        page.wait_for_timeout(120)
    slow = page.evaluate("window.slow")

    # What was faster than 16 ms is not even listed.
    assert not slow or statistics.median(slow) < SLOWEST_MS
    assert len([duration for duration in slow if duration >= SLOWEST_MS]) <= len(slow) // 20
