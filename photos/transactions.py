"""Acts that PostgreSQL may end in favour of another one: they are done again."""

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection, transaction
from psycopg import errors

P = ParamSpec("P")
R = TypeVar("R")

TRIES = 4
PAUSE = 0.1  # seconds; up to so long times the number of the try


def atomic_again(act: Callable[P, R]) -> Callable[P, R]:
    """Let an act be one transaction, done again when it met another in a deadlock.

    Inside of a larger transaction it is a part of that one, which alone can be done again.
    """
    once = transaction.atomic(act)

    @wraps(act)
    def until_done(*args: P.args, **kwargs: P.kwargs) -> R:
        for tried in range(1, TRIES):
            try:
                return once(*args, **kwargs)
            except OperationalError as error:
                if connection.in_atomic_block or not is_passing(error):
                    raise
            time.sleep(random.uniform(0, PAUSE * tried))  # noqa: S311  two that met must not meet again
        return once(*args, **kwargs)

    return until_done


def is_passing(error: OperationalError) -> bool:
    """Whether PostgreSQL rolled the transaction back only because of another one."""
    return isinstance(error.__cause__, (errors.DeadlockDetected, errors.SerializationFailure))
