"""Uploads as tests make them."""

import io
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from ml.images import readable_formats
from photos.uploading import IncomingFile, receive_local_file
from tests.pictures import drawing

readable_formats()  # registers the HEIC encoder, too


def encoded(image: Image.Image, format: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def sent(content: bytes, name: str = "IMG_1.jpg") -> SimpleUploadedFile:
    """A file as the test client sends it."""
    return SimpleUploadedFile(name, content)


@pytest.fixture
def arriving(tmp_path) -> Callable[..., IncomingFile]:
    """Makes a file arrive as an upload does."""

    def arrive(content: bytes | None = None, name: str = "IMG_1.jpg") -> IncomingFile:
        source = tmp_path / "source"
        source.write_bytes(encoded(drawing()) if content is None else content)
        return receive_local_file(source, name=name)

    return arrive
