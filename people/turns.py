"""How often a user may have a picture looked at, and how many of all users are at once.

Counted in Redis, for all web processes together.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from redis.exceptions import RedisError

from accounts.models import User
from people.inquiry import UNREACHABLE, NoAnswer, client

PER_MINUTE = 120  # two frames of a camera a second
AT_ONCE = 2
LONGEST_SECONDS = 180  # a turn whose process was killed ends by itself


class TooMany(Exception):
    """Not now; the message is a sentence that says so."""

    def __init__(self, sentence: str, *, retry_after: int) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class TooManyOthers(TooMany):
    """Not now, because of what others do."""


@contextmanager
def turn_of(user: User) -> Iterator[None]:
    """Hold one of a user's turns. Raises TooMany, TooManyOthers, and NoAnswer where nobody can count."""
    try:
        _count(user)
    except RedisError as error:
        raise NoAnswer(UNREACHABLE) from error
    ours = TooMany(_("Kith is still looking at your other pictures. Try again in a moment."), retry_after=1)
    everybodys = TooManyOthers(_("Kith is looking at the pictures of others. Try again in a moment."), retry_after=2)
    with (
        _held(f"kith:turn:{user.pk}", AT_ONCE, refusal=ours),
        _held("kith:turn:everybody", settings.KITH_SHOWN_AT_ONCE, refusal=everybodys),
    ):
        yield


def _count(user: User) -> None:
    """Count a turn of the minute that began with the first one."""
    key = f"kith:turns:{user.pk}"
    with client().pipeline() as together:
        together.set(key, 0, ex=60, nx=True)
        together.incr(key)
        together.ttl(key)
        _, turns, seconds_left = together.execute()
    if turns > PER_MINUTE:
        wait = max(seconds_left, 1)
        sentence = ngettext(
            "That was a lot of pictures. Go on in %(n)s second.",
            "That was a lot of pictures. Go on in %(n)s seconds.",
            wait,
        )
        raise TooMany(sentence % {"n": wait}, retry_after=wait)


@contextmanager
def _held(name: str, at_once: int, *, refusal: TooMany) -> Iterator[None]:
    """Hold one of as many turns of a name; without one that is free, raises the refusal."""
    try:
        taken = _begin(name, at_once)
    except RedisError as error:
        raise NoAnswer(UNREACHABLE) from error
    if taken is None:
        raise refusal
    try:
        yield
    finally:
        _end(*taken)


def _begin(name: str, at_once: int) -> tuple[str, str] | None:
    mark = uuid.uuid4().hex
    for number in range(at_once):
        key = f"{name}:{number}"
        if client().set(key, mark, nx=True, ex=LONGEST_SECONDS):
            return key, mark
    return None


def _end(key: str, mark: str) -> None:
    """End our turn, unless it ran out and is somebody else's by now."""
    try:
        client().eval("if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end", 1, key, mark)
    except RedisError:
        return  # it runs out
