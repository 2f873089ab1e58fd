"""Says what a file is that is no photo Kith can read, so that its owner knows what to do about it."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

from PIL import Image

HEAD_BYTES = 4096
MOST_BOXES = 100

# They complete a sentence that starts with the file's name.
NOT_A_PHOTO = "is not a photo Kith can read and was left out"
IS_DAMAGED = "is damaged and was left out"
IS_VIDEO = "is a video and not a photo, and was left out"
IS_RAW = "is a raw file of a camera, which Kith cannot read, and was left out"

PNG, MATROSKA, START_OF_SCAN = b"\x89PNG\r\n\x1a\n", b"\x1a\x45\xdf\xa3", b"\xff\xda"
VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ", b"M4V ", b"3gp")
# Of those whose header is all their own; the others are TIFF files in disguise.
RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"IIU\0", b"MMOR", b"II\x1a\0\0\0HEAPCCDR")
RAW_BRANDS = (b"crx ",)

NEW_SUBFILE_TYPE, SUB_IFDS, DNG_VERSION = 0x00FE, 0x014A, 0xC612
IS_REDUCED = 1  # a flag of the subfile type: there is a larger picture of the same in the file


def what_it_is(path: Path) -> str:
    """The reason to refuse a file no decoder recognises."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        is_cut_off = _is_cut_off(file, head)
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand.startswith(VIDEO_BRANDS) or head.startswith(MATROSKA) or head[8:11] == b"AVI":
        return IS_VIDEO
    if brand in RAW_BRANDS or head.startswith(RAW_STARTS):
        return IS_RAW
    return IS_DAMAGED if is_cut_off or head.startswith(PNG) else NOT_A_PHOTO


def _is_cut_off(file: BinaryIO, head: bytes) -> bool:
    """Whether a file that begins as a picture does says that there should be more of it."""
    length = os.fstat(file.fileno()).st_size
    if head.startswith(b"\xff\xd8\xff"):
        return length < HEAD_BYTES and START_OF_SCAN not in head
    if head.startswith((b"II*\0", b"MM\0*")) and len(head) >= 8:
        order = "<" if head.startswith(b"II") else ">"
        return bool(struct.unpack(f"{order}I", head[4:8])[0] >= length)
    return head[4:8] == b"ftyp" and _end_of_boxes(file, length) > length


def _end_of_boxes(file: BinaryIO, length: int) -> int:
    """Where the last box of a HEIC or AVIF file ends, by what its head says."""
    end = 0
    for _ in range(MOST_BOXES):
        file.seek(end)
        size = file.read(4)
        if len(size) < 4 or end >= length:
            break
        # 0: until the end of the file. 1: it is larger than can be said here.
        end += max(struct.unpack(">I", size)[0], 8)
    return end


def is_raw(image: Image.Image) -> bool:
    """Whether a TIFF file is a camera's raw file: Pillow would take the small preview in it for the photo."""
    tags = getattr(image, "tag_v2", {})
    return DNG_VERSION in tags or (SUB_IFDS in tags and bool(tags.get(NEW_SUBFILE_TYPE, 0) & IS_REDUCED))
