"""Who is this? A dropped picture, a pasted one and a camera, in the library that the story left behind."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page, expect

from tests.browser import arguments, chromium
from tests.e2e.conftest import LOOKS, PATIENCE_MS, Kith, violations
from tests.e2e.test_1_story import PASSWORD, side_by_side
from tests.pictures import encoded, portraits

WIDTH, HEIGHT = 640, 480

DROP = """async ([selector, name, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File([bytes], name, { type: "image/jpeg" }))
  for (const type of ["dragenter", "dragover", "drop"]) {
    const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer })
    document.querySelector(selector).dispatchEvent(event)
  }
}"""
PASTE = """([data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0))
  const clipboardData = new DataTransfer()
  clipboardData.items.add(new File([bytes], "pasted.jpg", { type: "image/jpeg" }))
  document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }))
}"""


@pytest.fixture(scope="module")
def camera(tmp_path_factory) -> Path:
    """What the browser takes for a camera: a film of one portrait that stands still."""
    path = tmp_path_factory.mktemp("camera") / "camera.y4m"
    with Image.open(portraits() / "obama2.jpg") as image:
        frame = ImageOps.pad(image.convert("RGB"), (WIDTH, HEIGHT)).convert("YCbCr")
    luma, *colours = np.moveaxis(np.asarray(frame), 2, 0)
    halved = [plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)).astype(np.uint8) for plane in colours]
    film = b"FRAME\n" + b"".join(plane.tobytes() for plane in (luma, *halved))
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode() + film)
    return path


@pytest.fixture(scope="module")
def page(kith: Kith, camera: Path, page: Page) -> Iterator[Page]:
    """A tab of a browser that has a camera; it fails on anything the console complains about."""
    switches = [
        *arguments(),
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]
    browser = page.context.browser.browser_type.launch(executable_path=str(chromium()), args=switches)
    context = browser.new_context(base_url=kith.address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto("/sign-in/")
    tab.get_by_label("User name").fill("ruth")
    tab.locator("input[type=password]").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    tab.wait_for_url("/")
    yield tab
    browser.close()
    assert [text for text in complaints if "status of 422" not in text] == []


def test_the_page_is_found_from_search(page: Page):
    page.goto("/search/")
    page.get_by_role("link", name="Recognise a picture").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Recognise a picture")


def test_a_dropped_picture_is_not_uploaded_but_its_people_are_named(page: Page):
    picture = encoded(side_by_side(portraits() / "obama3.jpg", portraits() / "astronaut.png"))
    page.evaluate(DROP, ["[data-look-at]", "party.jpg", base64.b64encode(picture).decode()])

    row = page.locator(".face-row").filter(has_text="Barack Obama")
    expect(row).to_contain_text("% sure", timeout=60_000)
    expect(page.locator(".face-row").filter(has_text="No one you have named")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("Barack Obama and one you have not named")
    expect(page.get_by_role("dialog")).to_have_count(0)
    box = page.locator("a.box.yes")
    assert "Barack Obama" in (box.get_attribute("aria-label") or "")
    box.focus()
    page.keyboard.press("Enter")
    expect(row).to_be_focused()
    row.get_by_role("link", name="Barack Obama").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Barack Obama")


def test_a_pasted_picture_works_too_and_a_broken_one_is_named(page: Page):
    page.goto("/recognise/")
    picture = (portraits() / "biden.jpg").read_bytes()
    page.evaluate(PASTE, [base64.b64encode(picture).decode()])
    expect(page.locator(".face-row")).to_have_count(1, timeout=60_000)

    page.evaluate(PASTE, [base64.b64encode(picture[:5000]).decode()])
    expect(page.locator("[data-problem]")).to_contain_text("pasted.jpg is damaged.")
    expect(page.locator(".face-row")).to_have_count(0)


def test_the_camera_names_who_is_in_front_of_it_until_it_is_stopped(page: Page):
    page.goto("/recognise/")
    page.get_by_role("button", name="Use the camera").press("Enter")

    expect(page.locator(".face-row").filter(has_text="Barack Obama")).to_be_visible(timeout=60_000)
    expect(page.locator("a.box.yes")).to_be_visible()
    with page.expect_response("**/recognise/") as next_look:  # it goes on looking
        pass
    assert next_look.value.ok
    expect(page.locator(".face-row")).to_have_count(1)

    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator("a.box")).to_have_count(0)
    expect(page.locator(".face-row")).to_have_count(0)
    assert page.locator("video").evaluate("video => video.srcObject") is None


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_answer_is_accessible_and_fits(page: Page, scheme: str, width: int):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/recognise/")
    page.locator("input[name=picture]").set_input_files(portraits() / "obama.jpg")
    expect(page.locator(".face-row").first).to_be_visible(timeout=60_000)

    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_without_javascript_a_form_answers(page: Page):
    context = page.context.browser.new_context(
        base_url=page.url.rsplit("/", 2)[0], storage_state=page.context.storage_state(), java_script_enabled=False
    )
    plain = context.new_page()
    plain.goto("/recognise/")
    plain.locator("input[name=picture]").set_input_files(portraits() / "obama2.jpg")
    plain.get_by_role("button", name="Who is this?").click()

    expect(plain.locator(".face-row").filter(has_text="Barack Obama")).to_contain_text("% sure", timeout=60_000)
    context.close()
