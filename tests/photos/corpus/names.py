"""Names of files. Each is sent with a good photo, and once more with what is no photo, which pages must then name."""

import unicodedata

from tests.photos.corpus.sample import Sample, saved

BOMB = "Z" + "\u0301\u0328\u20dd" * 60 + ".jpg"

# What it is, as it is sent, and as pages show it ("": the same).
NAMES = [
    ("path up", "../../x.jpg", ""),
    ("absolute path", "/etc/cron.d/x.jpg", ""),
    ("path of Windows", "C:\\Windows\\x.jpg", ""),
    ("NUL", "a\0.php.jpg", "a.php.jpg"),
    ("line break", "a\r\nSet-Cookie: x=1.jpg", "aSet-Cookie: x=1.jpg"),
    ("quotes", "a\"; filename='b.exe'; c.jpg", ""),
    ("255 letters", "n" * 251 + ".jpg", ""),
    ("4000 letters", "m" * 3_996 + ".jpg", "m" * 500),
    ("emoji", "\U0001f469\u200d\U0001f467 Oma.jpg", ""),
    ("turned around", "a\u202egpj.exe", "agpj.exe"),
    ("composed", "Zo\u00e9.jpg", ""),
    ("decomposed", "Zoe\u0301.jpg", "Zo\u00e9.jpg"),
    ("combining bomb", BOMB, ""),
    ("hidden file", ".htaccess", ""),
    ("device of Windows", "CON.jpg", ""),
    ("leading hyphen", "-rf.jpg", ""),
    ("only dots", "...", ""),
    ("only spaces", "   ", "Unnamed"),
    ("HTML", "<img src=x onerror=alert(1)>.jpg", ""),
    ("closing tag", "</li><script>alert(1)</script>", ""),
    ("template", "{{7*7}}{% debug %}.jpg", ""),
    ("format", "%s%(name)s{0}.jpg", ""),
    ("SQL", "'; DROP TABLE photos_photo; --.jpg", ""),
    ("letters nobody sees", "a\u200b\ufeff\u2060.jpg", ""),
    ("right to left", "\u05e9\u05dc\u05d5\u05dd.jpg", ""),
]


def _shown(name: str, shown: str) -> str:
    return shown or unicodedata.normalize("NFC", name)


SAMPLES = [Sample(f"name, {kind}", saved(), name=name, shown=_shown(name, shown)) for kind, name, shown in NAMES]
