"""How often a user may have a picture looked at. Counted in Redis, for all web processes together."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def turn_of(user: User) -> Iterator[None]:
    """Hold one of a user's turns. Raises TooMany, and NoAnswer where nobody can count."""
    try:
        _count(user)
        key, mark = _begin(user)
    except RedisError as error:
        raise NoAnswer(UNREACHABLE) from error
    try:
        yield
    finally:
        _end(key, mark)


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
        raise TooMany(
            f"That was a lot of pictures. Go on in {wait} second{'' if wait == 1 else 's'}.", retry_after=wait
        )


def _begin(user: User) -> tuple[str, str]:
    mark = uuid.uuid4().hex
    for number in range(AT_ONCE):
        key = f"kith:turn:{user.pk}:{number}"
        if client().set(key, mark, nx=True, ex=LONGEST_SECONDS):
            return key, mark
    raise TooMany("Kith is still looking at your other pictures. Try again in a moment.", retry_after=1)


def _end(key: str, mark: str) -> None:
    """End our turn, unless it ran out and is somebody else's by now."""
    try:
        client().eval("if redis.call('get', KEYS[1]) == ARGV[1] then redis.call('del', KEYS[1]) end", 1, key, mark)
    except RedisError:
        return  # it runs out
