"""One run per owner at a time, also across machines: PostgreSQL holds the lock."""

from enum import IntEnum

from django.db import connection


class Job(IntEnum):
    """What may run only once per owner at the same time."""

    GROUPING = 1
    SUGGESTIONS = 2


def try_lock(job: Job, owner_id: int) -> bool:
    """Take the lock until the transaction ends; False when somebody else has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [job, owner_id])
        return bool(cursor.fetchone()[0])


def wait_for_lock(job: Job, owner_id: int) -> None:
    """Take the lock until the transaction ends, after whoever has it now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [job, owner_id])
