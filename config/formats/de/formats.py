"""How German writes dates: Django's own, with a comma before the time."""

DATETIME_FORMAT = "j. F Y, H:i"
