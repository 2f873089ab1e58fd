"""Makes the pictures of the README: a fresh Kith, photos anybody may show, and the real browser (`make screenshots`).

    python -m tools.screenshots [FOLDER]

FOLDER: where the pictures go; docs/screenshots without it. The photos are the portraits of the tests, each several
times as it might have been taken again, and pictures of scikit-image without people.
"""

import io
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser import arguments, chromium
from tests.config.conftest import open_folder
from tests.e2e.conftest import running_kith
from tests.e2e.test_1_story import (
    ADDRESSES,
    name_the_face,
    note_photo,
    open_photo,
    press,
    side_by_side,
    wait_for_question,
)
from tests.e2e.test_1_story import test_the_first_visit_makes_an_account_and_asks_about_faces as make_account
from tests.pictures import PORTRAITS, portraits
from tests.services import ROOT

FIRST_DAY = datetime(2023, 4, 8, 15, 10)  # as a camera notes it
BETWEEN = timedelta(hours=29, minutes=7)
WITHOUT_PEOPLE = ("coffee.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg")  # CC0, and NASA's
WORK_MS = 600_000  # until every photo is searched and grouped, on a slow machine
LOOKS = {"": ("light", 1280, 800, 1), "-phone": ("dark", 390, 844, 2)}
QUALITY = 84  # of WebP: below 300 KB each


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    with open_folder() as work, running_kith(work) as kith, sync_playwright() as playwright:
        expect.set_options(timeout=60_000)
        browser = playwright.chromium.launch(executable_path=str(chromium()), args=arguments())
        context = browser.new_context(base_url=kith.address, viewport={"width": 1280, "height": 800})
        context.set_default_timeout(60_000)
        page = context.new_page()
        make_library(page, work / "Album")
        for name, path in look_round(page):
            take_pictures(browser, context, name, path, folder)
        browser.close()


def make_library(page: Page, folder: Path) -> None:
    """Make an account, send the photos and name two of the three people."""
    make_account(page)
    page.on("response", note_photo)
    files = write_photos(folder)
    page.locator("input[type=file]").first.wait_for(state="attached")
    page.locator("input[type=file]:not([webkitdirectory])").first.set_input_files(files)
    expect(page.locator("[data-summary]")).to_have_text(f"{len(files)} added", timeout=WORK_MS)
    page.goto("/batches/1/")
    expect(page.locator(".batch").get_by_text("All done")).to_be_visible(timeout=WORK_MS)
    for file, name in (("obama-0.jpg", "Barack Obama"), ("biden-0.jpg", "Joe Biden")):
        open_photo(page, file)
        name_the_face(page, name)


def look_round(page: Page) -> Iterator[tuple[str, str]]:
    """Name and path of each picture, when there is what it is to show."""
    wait_for_question(page, "Is this Barack Obama?")
    yield "review", page.url
    press(page, "y")
    expect(page.locator(".toast-k")).to_contain_text("confirmed as Barack Obama")
    yield "photos", "/"
    yield "people", "/people/"
    yield "viewer", ADDRESSES["together.jpg"]


def take_pictures(browser: Browser, signed_in: BrowserContext, name: str, path: str, folder: Path) -> None:
    for suffix, (scheme, width, height, scale) in LOOKS.items():
        context = browser.new_context(
            base_url=signed_in.pages[0].url,
            storage_state=signed_in.storage_state(),
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]  # "light" or "dark"
            device_scale_factor=scale,
            has_touch=bool(suffix),
            is_mobile=bool(suffix),
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(path)
        for pile in page.locator("[data-open-pile]").all():
            pile.click()
        page.wait_for_load_state("networkidle")
        page.wait_for_function(
            "() => [...document.images].every((image) => image.complete || image.loading === 'lazy')"
        )
        file = folder / f"{name}{suffix}.webp"
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(file, quality=QUALITY, method=6)
        print(f"{file}: {file.stat().st_size / 1000:.0f} KB", flush=True)
        context.close()


# ---------- The photos


def write_photos(folder: Path) -> list[Path]:
    """The portraits as one might have taken them several times, all three people side by side, and some without any."""
    folder.mkdir()
    files: list[Path] = []
    for source in WITHOUT_PEOPLE:
        with Image.open(example(source)) as image:
            files.append(save(image.convert("RGB"), folder / f"{Path(source).stem}.jpg", len(files)))
    for source in (*PORTRAITS, "astronaut.png"):
        with Image.open(portraits() / source) as image:
            for number, taken in enumerate(taken_again(image.convert("RGB"))):
                files.append(save(taken, folder / f"{Path(source).stem}-{number}.jpg", len(files)))
    together = side_by_side(*(folder / name for name in ("obama-1.jpg", "biden-2.jpg", "astronaut-1.jpg")))
    files.append(save(together, folder / "together.jpg", len(files)))
    return files


def taken_again(image: Image.Image) -> Iterator[Image.Image]:
    width, height = image.size
    yield image
    yield ImageEnhance.Brightness(ImageOps.mirror(image)).enhance(1.1)
    yield ImageEnhance.Color(image.crop((width // 16, 0, width - width // 16, height * 15 // 16))).enhance(0.7)
    yield ImageOps.grayscale(ImageOps.mirror(image)).convert("RGB")


def save(image: Image.Image, path: Path, number: int) -> Path:
    """Write a photo with the time it was taken; each a day or two after the one before."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = f"{FIRST_DAY + number * BETWEEN:%Y:%m:%d %H:%M:%S}"
    image.thumbnail((2400, 2400))
    image.save(path, quality=92, exif=exif)
    return path


def example(name: str) -> Path:
    from skimage import data

    return Path(data.__file__).parent / name


if __name__ == "__main__":
    main()
