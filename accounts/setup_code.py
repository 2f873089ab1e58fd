"""The setup code: whoever makes the first account from elsewhere shows with it that they also started Kith."""

import ipaddress
import os
import secrets
import tempfile
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
LENGTH = 8  # 2**40 codes: at a thousand tries a second, found after 17 years


def is_asked_for(request: HttpRequest) -> bool:
    """Not on the machine itself: then only who can sign in there can open the page, and the terminal is theirs."""
    return settings.KITH_IS_ELSEWHERE or not _is_this_machine(str(request.META.get("REMOTE_ADDR", "")))


def setup_code() -> str:
    """The code, made on first use, in two groups of letters and digits."""
    path = _path()
    if not path.exists():
        letters = [secrets.choice(LETTERS) for _ in range(LENGTH)]
        _write_once(path, "".join(letters))
    code = path.read_text().strip()
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def is_setup_code(text: str) -> bool:
    """Whether this is the code, however it was typed."""
    return constant_time_compare(_plain(text), _plain(setup_code()))


def forget_setup_code() -> None:
    """It was good for one account."""
    _path().unlink(missing_ok=True)


def _plain(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalnum())


def _path() -> Path:
    return Path(settings.KITH_HOME) / "setup-code"


def _write_once(path: Path, text: str) -> None:
    # mkstemp closes the file to others; link refuses an existing name, so of two processes at once one wins.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
