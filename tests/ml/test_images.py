import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from ml.images import MIN_SIDE, UnreadableImage, open_upright, readable_formats


def saved(image: Image.Image, format: str = "PNG", **options) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, format, **options)
    file.seek(0)
    return file


def corner_picture() -> Image.Image:
    """Grey, with a red top left corner: shows which way is up."""
    image = Image.new("RGB", (60, 40), (128, 128, 128))
    image.paste((255, 0, 0), (0, 0, 20, 20))
    return image


SIDEWAYS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", SIDEWAYS)
def test_every_exif_orientation_is_turned_upright(orientation):
    turn = SIDEWAYS[orientation]
    stored = corner_picture() if turn is None else corner_picture().transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation

    upright = open_upright(saved(stored, exif=exif))

    assert upright.tobytes() == corner_picture().tobytes()


@pytest.mark.parametrize("orientation", [0, 9, 99, 65535])
def test_a_senseless_orientation_is_passed_over(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation

    assert open_upright(saved(corner_picture(), exif=exif)).size == (60, 40)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode):
    image = Image.new(mode, (30, 20))
    format = "TIFF" if mode in ("CMYK", "YCbCr", "I", "F", "PA") else "PNG"
    if mode == "PA":
        image = image.convert("P")

    opened = open_upright(saved(image, format))

    assert opened.mode == "RGB"
    assert opened.size == (30, 20)


def test_sixteen_bit_grey_keeps_its_tones():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)

    opened = open_upright(saved(Image.fromarray(ramp)))

    assert np.abs(np.asarray(opened)[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_dark_sixteen_bit_picture_is_not_brightened():
    dark = Image.fromarray(np.full((4, 4), 200, dtype=np.uint16))

    assert np.asarray(open_upright(saved(dark))).max() == 0


def test_floats_from_zero_to_one_are_grey_levels():
    ramp = Image.fromarray(np.linspace(0, 1, 256, dtype=np.float32)[None].repeat(4, axis=0))

    assert np.asarray(open_upright(saved(ramp, "TIFF")))[0, -1].tolist() == [255, 255, 255]


def test_what_is_transparent_becomes_white():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))

    assert np.asarray(open_upright(saved(clear))).min() == 255


def test_cmyk_jpeg_keeps_its_colours():
    red = Image.new("RGB", (32, 32), (200, 30, 30)).convert("CMYK")

    colour = np.asarray(open_upright(saved(red, "JPEG", quality=95))).mean(axis=(0, 1))

    assert colour[0] > 150
    assert colour[1:].max() < 80


@pytest.mark.parametrize(
    ("format", "size", "expected"),
    [
        ("JPEG", (MIN_SIDE * 2, 1000), (MIN_SIDE, 500)),
        ("JPEG", (MIN_SIDE * 2 - 1, 1000), (MIN_SIDE * 2 - 1, 1000)),
        ("JPEG", (1000, MIN_SIDE * 4), (250, MIN_SIDE)),
        ("JPEG", (3000, 2), (3000, 2)),
        ("JPEG", (MIN_SIDE * 8, 3), (MIN_SIDE, 1)),
        ("PNG", (MIN_SIDE * 3, 900), (MIN_SIDE, 300)),
        ("PNG", (640, 480), (640, 480)),
    ],
)
def test_a_photo_much_bigger_than_needed_is_reduced(format, size, expected):
    assert open_upright(saved(Image.new("RGB", size), format)).size == expected


def test_a_smaller_side_may_be_asked_for():
    assert open_upright(saved(Image.new("RGB", (800, 600)), "JPEG"), min_side=200).size == (200, 150)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "HEIF", "AVIF"])
def test_every_format_of_ours_can_be_read(format):
    assert format in readable_formats()
    assert open_upright(saved(corner_picture(), format)).size == (60, 40)


def test_a_path_may_be_given(tmp_path):
    corner_picture().save(tmp_path / "a.png")

    assert open_upright(tmp_path / "a.png").size == (60, 40)
    assert open_upright(str(tmp_path / "a.png")).size == (60, 40)


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\xff\xd8\xff", b"<svg onload=alert(1)>", b"%!PS-Adobe-3.0 EPSF-3.0", b"GIF89a", b"II*\0"]
)
def test_what_is_no_image_is_refused_in_a_sentence(content):
    with pytest.raises(UnreadableImage, match=r"^The image cannot be read: .+\.$"):
        open_upright(io.BytesIO(content))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_cut_short_is_refused(random, format, share):
    noise = Image.fromarray(random.integers(0, 256, size=(200, 200, 3), dtype=np.uint8))
    content = saved(noise, format).getvalue()

    with pytest.raises(UnreadableImage):
        open_upright(io.BytesIO(content[: int(len(content) * share)]))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImage):
        open_upright(tmp_path / "none.jpg")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_flipped_bytes_give_an_image_or_a_refusal_but_nothing_else(random, format):
    content = saved(corner_picture().resize((120, 80)), format).getvalue()
    for _ in range(60):
        damaged = np.frombuffer(content, dtype=np.uint8).copy()
        places = random.integers(0, len(damaged), size=5)
        damaged[places] ^= random.integers(1, 256, size=5, dtype=np.uint8)
        with contextlib.suppress(UnreadableImage):
            assert open_upright(io.BytesIO(damaged.tobytes())).mode == "RGB"
