"""The decoding gate: which pictures pass, and in what words the others are refused."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from photos import decoding
from tests.pictures import drawing, encoded

MAX_PIXELS = 100_000_000


def inspect(tmp_path: Path, content: bytes) -> decoding.Inspected:
    path = tmp_path / "picture"
    path.write_bytes(content)
    return decoding.inspect(path, max_pixels=MAX_PIXELS)


def sixteen_bit() -> Image.Image:
    return Image.fromarray(np.linspace(0, 65535, 64 * 48, dtype=np.uint16).reshape(48, 64))


def rotated(orientation: int) -> dict[str, Image.Exif]:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


def animated() -> bytes:
    frames = [drawing(64, 48, seed=seed) for seed in range(3)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


GOOD = {
    "JPEG": encoded(drawing(64, 48)),
    "progressive JPEG": encoded(drawing(64, 48), progressive=True),
    "grey JPEG": encoded(drawing(64, 48).convert("L")),
    "CMYK JPEG": encoded(drawing(64, 48).convert("CMYK")),
    "PNG": encoded(drawing(64, 48), "PNG"),
    "PNG with alpha": encoded(drawing(64, 48).convert("RGBA"), "PNG"),
    "palette PNG": encoded(drawing(64, 48).convert("P"), "PNG"),
    "1-bit PNG": encoded(drawing(64, 48).convert("1"), "PNG"),
    "16-bit PNG": encoded(sixteen_bit(), "PNG"),
    "WebP": encoded(drawing(64, 48), "WEBP"),
    "HEIC": encoded(drawing(64, 48), "HEIF"),
    "AVIF": encoded(drawing(64, 48), "AVIF"),
    "TIFF": encoded(drawing(64, 48), "TIFF"),
    "BMP": encoded(drawing(64, 48), "BMP"),
    "animated GIF": animated(),
    "JPEG with HTML behind it": encoded(drawing(64, 48)) + b"<script>alert(1)</script>",
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_picture_passes_and_gets_its_derivatives(kind, tmp_path):
    seen = inspect(tmp_path, GOOD[kind])
    small, large = tmp_path / "small", tmp_path / "large"

    decoding.derive(tmp_path / "picture", small=small, large=large)

    assert (seen.width, seen.height) == (64, 48)
    for path in (small, large):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("WEBP", "RGB", (64, 48))


BAD = {
    "empty": (b"", "is empty"),
    "one byte": (b"\xff", "is not a photo"),
    "text": (b"Dear diary", "is not a photo"),
    "HTML": (b"<html><script>alert(1)</script></html>", "is not a photo"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "is not a photo"),
    "PDF": (b"%PDF-1.7\n1 0 obj\n", "is not a photo"),
    "program": (b"\x7fELF" + bytes(200), "is not a photo"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a photo"),
    "truncated JPEG": (encoded(drawing())[:4000], "is damaged"),
    "truncated PNG": (encoded(drawing(), "PNG")[:20000], "is damaged"),
    "truncated WebP": (encoded(drawing(), "WEBP")[:500], "is damaged"),
    "truncated HEIC": (encoded(drawing(), "HEIF")[:1500], "is damaged"),
    "too many pixels": (encoded(Image.new("1", (20_000, 6_000)), "PNG"), "has 120 megapixels"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_refused_in_words(kind, tmp_path):
    content, reason = BAD[kind]

    with pytest.raises(decoding.Rejected, match=reason):
        inspect(tmp_path, content)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_and_derivatives_are_of_the_upright_picture(orientation, tmp_path):
    seen = inspect(tmp_path, encoded(drawing(64, 48), **rotated(orientation)))
    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    upright = (48, 64) if orientation >= 5 else (64, 48)
    assert (seen.width, seen.height) == upright
    with Image.open(tmp_path / "small") as image:
        assert image.size == upright
        assert not image.getexif()


def test_a_tiny_picture_is_a_picture(tmp_path):
    assert inspect(tmp_path, encoded(Image.new("RGB", (1, 1)), "PNG")).width == 1


def test_a_picture_in_another_colour_space_becomes_srgb(tmp_path):
    # A profile whose red is sRGB's blue and the other way round: easy to see if it was heeded.
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"\0tmp").replace(b"bXYZ", b"rXYZ").replace(b"\0tmp", b"bXYZ")
    red = Image.new("RGB", (64, 48), (250, 20, 20))
    (tmp_path / "picture").write_bytes(encoded(red, "PNG", icc_profile=swapped))

    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    with Image.open(tmp_path / "small") as image:
        r, _, b = image.getpixel((32, 24))
    assert b > 200
    assert r < 60


def test_a_colour_profile_nobody_can_read_is_ignored(tmp_path):
    (tmp_path / "picture").write_bytes(encoded(drawing(64, 48), icc_profile=b"garbage" * 50))

    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    assert (tmp_path / "small").exists()


def test_metadata_of_the_camera_is_read(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Google", "Pixel 8"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:03 14:22:10"
    exif.get_ifd(0x8825).update({1: "N", 2: (41.0, 53.0, 24.0), 3: "E", 4: (12.0, 29.0, 32.0)})
    (tmp_path / "picture").write_bytes(encoded(drawing(64, 48), exif=exif))

    derived = decoding.derive(tmp_path / "picture", small=tmp_path / "s", large=tmp_path / "l")

    assert derived.taken_at == "2024-05-03T14:22:10"
    assert derived.camera == "Google Pixel 8"
    assert derived.latitude == pytest.approx(41.89)
    assert derived.longitude == pytest.approx(12.4922, abs=1e-3)


def test_how_a_picture_was_taken_is_read(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({
        0x829A: 0.004, 0x829D: 1.7, 0x8827: 100, 0x920A: 6.8, 0xA405: 24, 0xA434: " Pixel lens ", 0x9209: 0x19,
    })  # fmt: skip
    (tmp_path / "picture").write_bytes(encoded(drawing(64, 48), exif=exif))

    exposure = decoding.details(tmp_path / "picture").exposure

    assert exposure.pop("seconds") == pytest.approx(0.004)
    assert exposure == {
        "aperture": 1.7, "iso": 100, "focal_mm": 6.8, "focal_35mm": 24, "lens": "Pixel lens", "flash": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    "written", [{}, {0x829A: 0.0}, {0x8827: (0, 0)}, {0x829D: "wide"}, {0xA434: b"\xff"}, {0x9209: "on"}]
)
def test_an_exposure_that_cannot_be_is_left_out(written, tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(written)
    (tmp_path / "picture").write_bytes(encoded(drawing(64, 48), exif=exif))

    assert decoding.details(tmp_path / "picture").exposure == {}


@pytest.mark.parametrize(
    "written", ["0000:00:00 00:00:00", "9999:99:99 99:99:99", "yesterday", "\0\0", "9999:01:01 00:00:00"]
)
def test_a_date_that_cannot_be_is_no_date(written, tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = written
    exif.get_ifd(0x8825).update({1: "N", 2: (91.0, 0.0, 0.0), 3: "E", 4: (12.0, 29.0, 32.0)})
    (tmp_path / "picture").write_bytes(encoded(drawing(64, 48), exif=exif))

    derived = decoding.derive(tmp_path / "picture", small=tmp_path / "s", large=tmp_path / "l")

    assert derived.taken_at is None
    assert derived.latitude is None


def server() -> int:
    servers = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "photos.decoding.server"], capture_output=True, text=True, check=True
    )
    return int(servers.stdout.split()[0])


def test_the_decoding_process_comes_back_after_it_was_killed(tmp_path):
    inspect(tmp_path, GOOD["JPEG"])
    os.kill(server(), signal.SIGKILL)

    assert inspect(tmp_path, GOOD["PNG"]).media_type == "image/png"


def test_a_picture_that_asks_for_too_much_memory_harms_nobody(tmp_path):
    header = io.BytesIO()
    Image.new("RGB", (9_000, 9_000)).save(header, "TIFF", compression="tiff_deflate")

    # 81 MP pass the pixel cap; damaged data behind a good header must not.
    with pytest.raises(decoding.Rejected):
        inspect(tmp_path, header.getvalue()[:2000])
    assert inspect(tmp_path, GOOD["JPEG"]).width == 64


def test_an_interrupted_question_does_not_answer_the_next_one(tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt(*_):
        raise Interrupted

    large = tmp_path / "large"
    large.write_bytes(encoded(drawing(3000, 3000), "PNG"))
    inspect(tmp_path, GOOD["PNG"])
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    try:
        with pytest.raises(Interrupted):
            decoding.inspect(large, max_pixels=MAX_PIXELS)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert inspect(tmp_path, GOOD["PNG"]).width == 64


def test_a_decoding_process_that_hangs_is_replaced(tmp_path, monkeypatch):
    inspect(tmp_path, GOOD["PNG"])
    hanging = server()
    os.kill(hanging, signal.SIGSTOP)
    # Enough for a new process to start on a busy machine.
    monkeypatch.setattr("photos.decoding.gate.ANSWER_SECONDS", 10)

    assert inspect(tmp_path, GOOD["PNG"]).width == 64
    assert server() != hanging


def test_a_decoder_that_prints_does_not_answer():
    talking = (
        "import os; from photos.decoding import jobs, server; "
        "jobs.JOBS['talk'] = lambda: os.write(1, b'noise\\n') and {'said': True}; server.serve()"
    )
    question = json.dumps({"number": 7, "job": "talk", "arguments": {}})

    run = subprocess.run([sys.executable, "-c", talking], input=question, capture_output=True, text=True, check=True)

    answer = json.loads(run.stdout)
    assert (answer["number"], answer["result"]) == (7, {"said": True})
    assert "noise" in run.stderr


@pytest.mark.parametrize("target", ["/dev/full", "/nowhere/a.part"])
def test_a_derivative_that_cannot_be_written_is_no_damage(tmp_path, target):
    (tmp_path / "picture").write_bytes(GOOD["JPEG"])

    with pytest.raises(OSError, match="No s"):  # "No space left", "No such file"
        decoding.derive(tmp_path / "picture", small=Path(target), large=Path(target))


@pytest.mark.parametrize(("mode", "height"), [("RGBA", 9_990), ("LA", 9_990), ("I;16", 9_000), ("P", 9_990)])
def test_what_the_upload_takes_gets_its_thumbnails(tmp_path, mode, height):
    path = tmp_path / "picture"
    Image.new(mode, (10_000, height)).save(path, "PNG", compress_level=1)

    decoding.inspect(path, max_pixels=MAX_PIXELS)
    decoding.derive(path, small=tmp_path / "small", large=tmp_path / "large")

    with Image.open(tmp_path / "large") as image:
        assert max(image.size) == 2048


def test_a_huge_grey_picture_of_16_bits_keeps_its_brightness(tmp_path):
    Image.fromarray(np.full((100, 8_000), 30_000, dtype=np.uint16)).save(tmp_path / "picture", "PNG")

    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    with Image.open(tmp_path / "large") as image:
        assert image.getpixel((1000, 10)) == pytest.approx((117, 117, 117), abs=2)


def test_transparency_of_a_huge_picture_is_put_on_white(tmp_path):
    Image.new("RGBA", (8_000, 100), (200, 0, 0, 0)).save(tmp_path / "picture", "PNG")

    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    with Image.open(tmp_path / "large") as image:
        assert image.getpixel((1000, 10)) == pytest.approx((255, 255, 255), abs=2)


@pytest.mark.parametrize(
    ("side", "large"),
    [(2400, 2400), (2500, 2048), (3839, 2048), (4000, 2000), (4608, 2304), (6000, 2048), (8160, 2040)],
)
def test_the_large_derivative_takes_what_the_jpeg_decoder_gives_where_that_will_do(tmp_path, side, large):
    (tmp_path / "picture").write_bytes(encoded(drawing(side, 300)))

    decoding.derive(tmp_path / "picture", small=tmp_path / "small", large=tmp_path / "large")

    for name, wanted in (("large", large), ("small", 720)):
        with Image.open(tmp_path / name) as image:
            assert max(image.size) == wanted
