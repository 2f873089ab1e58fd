"""One run per owner at a time, also across machines: PostgreSQL holds the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from django.db import connection


class Job(IntEnum):
    """What may run only once per owner at the same time."""

    GROUPING = 1
    SUGGESTIONS = 2
    CLUSTERS = 3  # held for moments only: while groups are made, revived or dropped
    MAP = 4
    TRAINING = 5


@contextmanager
def one_at_a_time(job: Job, owner_id: int) -> Iterator[bool]:
    """Hold the lock while the block runs, also outside a transaction; False when somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [job, owner_id])
        is_ours = bool(cursor.fetchone()[0])
    try:
        yield is_ours
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [job, owner_id])


def wait_for_lock(job: Job, owner_id: int) -> None:
    """Take the lock until the transaction ends, after whoever has it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [job, owner_id])
