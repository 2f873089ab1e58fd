"""Files that pretend to be something else, and files that are two things at once."""

import random
import struct

from PIL import Image

from tests.photos.corpus.formats import psd
from tests.photos.corpus.sample import NOT_A_PHOTO, Sample, constant, saved
from tests.photos.zips import zipped
from tests.pictures import encoded

SCRIPT = b"<html><body><script>alert(document.cookie)</script></body></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><circle r="9"/></svg>'
SVG_XXE = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg><text>&x;</text></svg>'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(/etc/passwd) (r) file\n"
PDF = b"%PDF-1.7\n1 0 obj\n<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>\nendobj\ntrailer<</Root 1 0 R>>\n"
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, 62, 1) + bytes(500)


def followed_by(tail: bytes, format: str = "JPEG"):
    return lambda image: encoded(image, format) + tail


def in_a_comment(tail: bytes):
    return lambda image: encoded(image, comment=tail)


def gif_and_script(image: Image.Image) -> bytes:
    """GIF89a/*...*/ is the start of a script, too."""
    content = encoded(image, "GIF")
    return content[:-1] + b"*/=1;alert(1);//" + content[-1:]


def zip_with(image: Image.Image) -> bytes:
    return zipped({"run.exe": b"MZ" + bytes(200)})


SAMPLES = [
    Sample("PNG named .jpg", saved("PNG"), name="really-png.jpg"),
    Sample("JPEG named .png", saved(), name="really-jpeg.png"),
    Sample("HEIC named .jpg", saved("HEIF"), name="really-heic.jpg"),
    Sample("JPEG named .JPEG", saved(), name="LOUD.JPEG"),
    Sample("JPEG named .jfif", saved(), name="a.jfif"),
    Sample("JPEG without an extension", saved(), name="no-extension"),
    Sample("JPEG with two extensions", saved(), name="photo.php.jpg"),
    Sample("JPEG named .html", saved(), name="photo.html"),
    Sample("HTML", constant(SCRIPT), NOT_A_PHOTO),
    Sample("SVG that acts when it is shown", constant(SVG), NOT_A_PHOTO),
    Sample("SVG with entities from outside", constant(SVG_XXE), NOT_A_PHOTO),
    Sample("PHP", constant(b"<?php system($_GET['c']); ?>"), NOT_A_PHOTO),
    Sample("PHP that begins as a GIF", constant(b"GIF89a<?php system($_GET['c']); ?>"), NOT_A_PHOTO),
    Sample("program, ELF", constant(ELF), NOT_A_PHOTO),
    Sample("program, Windows", constant(b"MZ\x90\0" + bytes(500)), NOT_A_PHOTO),
    Sample("EPS that reads a file", constant(EPS), NOT_A_PHOTO),
    Sample("PDF with a script", constant(PDF), NOT_A_PHOTO),
    Sample("PSD named .jpg", psd, NOT_A_PHOTO),
    Sample("ZIP named .jpg", zip_with, {"run.exe": NOT_A_PHOTO}),
    Sample("random 1 MB", constant(random.Random(1).randbytes(1_000_000)), NOT_A_PHOTO),
    Sample("JPEG and HTML behind it", followed_by(SCRIPT)),
    Sample("JPEG and a ZIP behind it", followed_by(zipped({"a.jpg": b"x"}))),
    Sample("JPEG with PHP in its comment", in_a_comment(b"<?php system($_GET['c']); ?>")),
    Sample("PNG and HTML behind it", followed_by(SCRIPT, "PNG")),
    Sample("GIF and a script", gif_and_script),
    Sample("text in front of a JPEG", lambda image: b"\n\n" + encoded(image), NOT_A_PHOTO),
]
