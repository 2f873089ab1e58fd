"""Pictures with faces, put together from the astronaut's portrait."""

from PIL import Image


def crowd(astronaut: Image.Image) -> Image.Image:
    """Four faces of different sizes."""
    picture = Image.new("RGB", (900, 600), (90, 110, 130))
    for size, place in ((512, (0, 0)), (256, (560, 20)), (160, (600, 320)), (110, (780, 450))):
        picture.paste(astronaut.resize((size, size)), place)
    return picture
