"""Leases: for how long something of the work list is in somebody's hands, and whether that somebody still lives.

A worker has its database session as its name. PostgreSQL ends the session of a process that is killed, and so knows
at once whose hands are gone: nobody has to keep a pulse, and no clock but the database's counts.
"""

from django.db import models
from django.db.models.functions import Now

# Longer than anything takes: only a process that neither works nor dies is waited for so long.
LEASE = "5 minutes"
# No lease and no pause is that long: the clock was set back.
LONGEST = "10 minutes"
# A session that began after the list of sessions was read is not on it: nobody takes from so young a one.
YOUNG_SECONDS = 1
LONGEST_NAME = 40

# Sessions of other roles show no start; a NULL among them would make NOT IN say nothing of any.
_SESSIONS = (
    "SELECT pid || '@' || extract(epoch FROM backend_start) FROM pg_stat_activity WHERE backend_start IS NOT NULL"
)


class Holder(models.Func):
    """The name of this session, for `held_by`."""

    template = f"({_SESSIONS} AND pid = pg_backend_pid())"
    output_field = models.CharField()


class _IsGone(models.Func):
    """Whether the session named so has ended; not of "", which is nobody."""

    template = (
        "(nullif(split_part(%(expressions)s, '@', 2), '')::numeric"
        f" < extract(epoch FROM now()) - {YOUNG_SECONDS} AND %(expressions)s NOT IN ({_SESSIONS}))"
    )
    output_field = models.BooleanField()


class _In(models.Func):
    """A moment so far from the start of this transaction, by the database's clock."""

    arity = 1
    template = "(now() + %(expressions)s::interval)"
    output_field = models.DateTimeField()


def until(interval: str) -> models.Func:
    """The end, by the database's clock, of a lease or pause that starts now: "5 minutes"."""
    return models.Func(models.Value(interval), template="(clock_timestamp() + %(expressions)s::interval)")


def is_free() -> models.Q:
    """Of rows with `lease_until` and `held_by`: those in nobody's hands."""
    return (
        models.Q(lease_until=None)
        | models.Q(lease_until__lt=Now())
        | models.Q(lease_until__gt=_In(models.Value(LONGEST)))
        | models.Q(_IsGone("held_by"))
    )
