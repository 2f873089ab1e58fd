"""Asks the ML worker who is in a picture, and waits for the answer: the web's side.

The picture stays a file that is gone when the answer is there. The question is a Celery message that names it. The
answer is published to whoever listens, and so it is kept nowhere, neither in the broker's memory nor in its file.
"""

import functools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import redis
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError
from redis.client import PubSub
from redis.exceptions import RedisError

from accounts.models import User
from ml.geometry import BoundingBox
from people import tasks
from photos.sentences import in_words
from photos.uploading import IncomingFile
from photos.workers import is_working, missing_weights_notice

WAIT_SECONDS = 20.0
ASK_WHO_IS_THERE_AFTER = 3.0
CONNECT_SECONDS = 2.0

NOT_WORKING = _("Kith cannot look at pictures now: the part of it that finds faces is not running.")
BUSY = _("Kith is busy with the photos of a library and did not get to this picture. Try again in a moment.")
UNREACHABLE = _("Kith cannot look at pictures now: its queue does not answer. Try again in a moment.")


class NoAnswer(Exception):
    """Nobody looked at the picture; the message is a sentence that says why."""


class Unreadable(Exception):
    """The worker cannot read the picture, though it passed the gate; the message is a sentence that says so."""


@dataclass(frozen=True)
class SeenFace:
    """A face of a shown picture: where it is, who it is if anybody, and how probably.

    alike: the faces of the library that look most like it, if they were asked for.
    """

    box: BoundingBox
    person: int | None
    probability: float
    alike: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The size of a shown picture and its faces from left to right, or a sentence about what is in the way.

    is_unreadable: the trouble is the picture itself, so another try would not help.
    """

    width: int = 0
    height: int = 0
    faces: tuple[SeenFace, ...] = ()
    trouble: str = ""
    is_unreadable: bool = False


def ask(incoming: IncomingFile, owner: User, *, with_alike: bool = False) -> Answer:
    """Let the ML worker look at a received picture. Raises NoAnswer, and Unreadable."""
    notice = missing_weights_notice()
    if notice:
        raise NoAnswer(notice)
    name = incoming.lend()
    try:
        with _listening(name) as channel:
            # Dropped when nobody waits any more.
            tasks.recognise.apply_async((name, owner.pk, with_alike), expires=WAIT_SECONDS)
            answer = _await(channel)
    except (RedisError, OperationalError) as error:
        raise NoAnswer(UNREACHABLE) from error
    if answer.is_unreadable:
        raise Unreadable(in_words(answer.trouble))
    if answer.trouble:
        raise NoAnswer(in_words(answer.trouble))
    return answer


def reply(name: str, answer: Answer) -> None:
    """Tell who asked about a lent picture."""
    client().publish(_channel(name), json.dumps(asdict(answer)))


@functools.cache
def client() -> "redis.Redis":
    """The connections of this process to Redis or Valkey."""
    return redis.Redis.from_url(
        settings.KITH_REDIS_URL, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=CONNECT_SECONDS
    )


@contextmanager
def _listening(name: str) -> Iterator[PubSub]:
    """Listen for the answer. Begins before the question is asked, so that none is missed."""
    with PubSub(client().connection_pool) as channel:
        channel.subscribe(_channel(name))
        channel.get_message(timeout=CONNECT_SECONDS)  # that we do listen
        yield channel


def _await(channel: PubSub) -> Answer:
    begin = time.monotonic()
    answer = _message(channel, begin + ASK_WHO_IS_THERE_AFTER)
    if answer is None and not is_working("ml"):
        raise NoAnswer(NOT_WORKING)
    answer = answer or _message(channel, begin + WAIT_SECONDS)
    if answer is None:
        raise NoAnswer(BUSY)
    return answer


def _message(channel: PubSub, deadline: float) -> Answer | None:
    while (left := deadline - time.monotonic()) > 0:
        message = channel.get_message(ignore_subscribe_messages=True, timeout=left)
        if message is not None:
            return _answer(json.loads(message["data"]))
    return None


def _answer(values: dict[str, Any]) -> Answer:
    faces = tuple(
        SeenFace(BoundingBox(**face.pop("box")), alike=tuple(face.pop("alike")), **face) for face in values.pop("faces")
    )
    return Answer(faces=faces, **values)


def _channel(name: str) -> str:
    return f"kith:seen:{name}"
