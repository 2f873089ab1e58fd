"""ZIP archives: honest ones, damaged ones, and attacks. The verdict says what becomes of each entry.

Of an archive that is refused as a whole there is one entry: the archive, here "".
"""

import struct
import zipfile

from PIL import Image

from tests.photos.corpus.png import zeros as packed_zeros
from tests.photos.corpus.sample import NOT_A_PHOTO, OK, Sample
from tests.photos.zips import declaring, overlapping, patched, with_link, zipped
from tests.pictures import encoded

IS_NESTED = "is an archive inside an archive and was left out"
IS_LINK = "is a link to a file and not a photo"
IS_LOCKED = "is locked with a password and was left out"
PACKED_ODDLY = "is packed in a way Kith does not read and was left out"
DAMAGED_INSIDE = "is damaged inside the archive and was left out"
HARMFUL = "is built to do harm: files in it share their bytes. Nothing was taken from it"
SWELLS = "would become more than 100 times as large. Nothing was taken from it"
TOO_MANY = "holds more than 50,000 files. Split it, or add its folder instead"
NO_DIRECTORY = "is not an archive Kith can read: its directory is missing"
BAD_DIRECTORY = "is damaged: its directory cannot be read"
TOO_LARGE = "is larger than 200 MB and was left out"


def photo(image: Image.Image) -> bytes:
    return encoded(image.resize((64, 48)))


def named(*names: str, method: int = zipfile.ZIP_DEFLATED):
    """An archive with a photo under each of these names, all different."""

    def make(image: Image.Image) -> bytes:
        photos = [photo(image.rotate(90 * number)) for number in range(len(names))]
        return zipped(list(zip(names, photos, strict=True)), method=method)

    return make


def holding(files: dict[str, bytes]):
    """A good photo, and these."""
    return lambda image: zipped({"good.jpg": photo(image)} | files)


def changed(**what: int):
    return lambda image: patched(named("1.jpg")(image), **what)


def claiming(entries: int):
    return lambda image: b"PK\x03\x04" + bytes(26) + declaring(entries)


def nest(image: Image.Image) -> bytes:
    content = zipped({"0.bmp": bytes(100_000)})
    for _ in range(5):
        content = zipped({f"lib {number}.zip": content for number in range(4)})
    return content


def zeros(image: Image.Image) -> bytes:
    """10 GB of zeros, packed block by block without packing each anew."""
    size, count = 190 * 1024**2, 55
    packed = packed_zeros(size)[2:-4]  # without what zlib puts around it
    body, directory = b"", b""
    for number in range(count):
        name = f"{number:02}.bmp".encode()
        fields = (20, 0, 8, 0, 0, 0, len(packed), size, len(name), 0)
        directory += struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\x01\x02", 20, *fields, 0, 0, 0, 0, len(body)) + name
        body += struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", *fields) + name + packed
    return body + directory + struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)


def damaged_inside(image: Image.Image) -> bytes:
    content = named("bad.jpg", "good.jpg", method=zipfile.ZIP_STORED)(image)
    start = content.index(b"\xff\xd8") + 700
    return content[:start] + bytes(30) + content[start + 30 :]


def cut(share: float):
    return lambda image: (content := named("1.jpg")(image))[: int(len(content) * share)]


def many(image: Image.Image) -> bytes:
    """50,001 entries that are there, each of nothing."""
    local = struct.pack("<4sHHHHHLLLHH", b"PK\x03\x04", 20, 0, 0, 0, 0, 0, 0, 0, 5, 0)
    bodies = [local + f"{number:05}".encode() for number in range(50_001)]
    head = struct.pack("<4sHHHHHHLLLHHHHHL", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0)
    directory = b"".join(head + struct.pack("<L", 35 * n) + f"{n:05}".encode() for n in range(50_001))
    # The end says 1: zipfile reads as many as there are.
    return b"".join(bodies) + directory + struct.pack(
        "<4sHHHHLLH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), 35 * 50_001, 0
    )  # fmt: skip


FOLDERS = ("Rome/1.jpg", "Rome/day 2/2.jpg", "3.jpg")
MIXED = {"good.jpg": OK, "bad.jpg": NOT_A_PHOTO, "a.txt": NOT_A_PHOTO}
JUNK = {"__MACOSX/._good.jpg": b"x", ".DS_Store": b"x", "Thumbs.db": b"x"}
DEEP = "/".join(["d"] * 200) + "/1.jpg"

SAMPLES = [
    Sample(f"archive, {kind}", make, verdict, name=f"{number}.zip")
    for number, (kind, make, verdict) in enumerate([
        ("folders", named(*FOLDERS), dict.fromkeys(FOLDERS, OK)),
        ("empty", lambda image: zipped({}), {}),
        ("path up", named("../../slip.jpg"), {"../../slip.jpg": OK}),
        ("absolute path", named("/etc/slip.jpg"), {"/etc/slip.jpg": OK}),
        ("path of Windows", named("..\\..\\slip.jpg"), {"..\\..\\slip.jpg": OK}),
        ("link", lambda image: with_link("secret.jpg", "/etc/passwd"), {"secret.jpg": IS_LINK}),
        ("entries that overlap", lambda image: overlapping(2_000, 1_000_000), {"": HARMFUL}),
        ("archives in archives", nest, {f"lib {number}.zip": IS_NESTED for number in range(4)}),
        ("10 GB of zeros", zeros, {"": SWELLS}),
        ("100,000 entries claimed", claiming(100_000), {"": TOO_MANY}),
        ("200 million entries claimed", claiming(200_000_000), {"": TOO_MANY}),
        ("50,001 entries, 1 claimed", many, {"": TOO_MANY}),
        ("200 folders deep", named(DEEP), {DEEP: OK}),
        ("locked", changed(flags=1), {"1.jpg": IS_LOCKED}),
        ("unknown packing", changed(method=99), {"1.jpg": PACKED_ODDLY}),
        ("packing that takes memory", changed(method=zipfile.ZIP_LZMA), {"1.jpg": PACKED_ODDLY}),
        ("cut in half", cut(0.5), {"": NO_DIRECTORY}),
        ("cut before its end", cut(0.99), {"": NO_DIRECTORY}),
        ("only its start", lambda image: b"PK\x03\x04" + image.tobytes()[:1_000], {"": NO_DIRECTORY}),
        ("damaged inside", damaged_inside, {"bad.jpg": DAMAGED_INSIDE, "good.jpg": OK}),
        ("entry of 4 GB claimed", changed(size=0xFFFFFFF0), {"1.jpg": TOO_LARGE}),
        ("entry smaller than claimed", changed(size=20_000), {"1.jpg": OK}),
        ("entry larger than claimed", changed(size=500), {"1.jpg": DAMAGED_INSIDE}),
        ("the same name twice", named("1.jpg", "1.jpg"), {"1.jpg": OK}),
        ("good and bad mixed", holding({"bad.jpg": b"Dear diary", "a.txt": b"x"}), MIXED),
        ("what computers put there", holding(JUNK), {"good.jpg": OK}),
        ("script as a name", named("<script>alert(1)</script>.jpg"), {"<script>alert(1)</script>.jpg": OK}),
    ])
]  # fmt: skip
