"""ZIP archives for tests, among them such as no honest program writes."""

import io
import stat
import struct
import warnings
import zipfile
import zlib


def zipped(files: dict[str, bytes] | list[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An ordinary archive; the same name may occur twice in a list."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items() if isinstance(files, dict) else files:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with warnings.catch_warnings(action="ignore"):  # about the same name twice
                archive.writestr(info, content)
    return buffer.getvalue()


def with_link(name: str, target: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system = 3
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return buffer.getvalue()


def patched(archive: bytes, *, flags: int | None = None, size: int | None = None, method: int | None = None) -> bytes:
    """An archive whose every header says something else than what is true."""
    changed = bytearray(archive)
    for signature, flags_at, method_at, size_at in ((b"PK\x03\x04", 6, 8, 22), (b"PK\x01\x02", 8, 10, 24)):
        start = changed.find(signature)
        while start >= 0:
            if flags is not None:
                struct.pack_into("<H", changed, start + flags_at, flags)
            if method is not None:
                struct.pack_into("<H", changed, start + method_at, method)
            if size is not None:
                struct.pack_into("<L", changed, start + size_at, size)
            start = changed.find(signature, start + 4)
    return bytes(changed)


def overlapping(entries: int, inflated: int) -> bytes:
    """Many names for one packed block of zeros: a few kB that declare `entries` times `inflated` bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(inflated)) + packer.flush()
    crc = zlib.crc32(bytes(inflated))
    name = b"zeros.bmp"
    local = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 8, 0, 0, crc, len(packed), inflated, len(name), 0) + name
    central = b"".join(
        struct.pack(
            "<4sHHHHHHLLLHHHHHLL",
            b"PK\x01\x02", 20, 20, 0, 8, 0, 0, crc, len(packed), inflated, len(name), 0, 0, 0, 0, 0, 0,
        )
        + name
        for _ in range(entries)
    )  # fmt: skip
    body = local + packed
    return body + central + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, entries, entries, len(central), len(body), 0)


def declaring(entries: int) -> bytes:
    """A zip64 archive that claims so many entries, and a directory of their size, and holds none."""
    size = entries * 46
    end64 = struct.pack("<4sQHHLLQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, entries, entries, size, 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return end64 + locator + end
