"""Which faces something was written of and when, noted by PostgreSQL itself: nothing that writes can forget to."""

from datetime import timedelta
from typing import Any, Self

from django.db import connection, models
from django.db.models.functions import Now
from django.utils import timezone

from people.models.scored import Scored

KEPT_FOR = timedelta(days=2)
SWEPT_EVERY = timedelta(hours=6)  # to look at all notes takes as long as to group a photo
# Notes that the next suggestions go by (people.models.Scored) are kept for longer.
KEPT_FOR_SCORES = timedelta(days=30)


class FaceWriteQuerySet(models.QuerySet["FaceWrite"]):
    def since(self, horizon: int) -> Self:
        """Of transactions that had not ended at a horizon."""
        return self.filter(transaction__gte=horizon)

    def forget_old(self) -> None:
        oldest = self.order_by("transaction").values_list("transaction", "at").first()
        if oldest is None or oldest[1] > timezone.now() - KEPT_FOR - SWEPT_EVERY:
            return
        needed = Scored.objects.filter(at__gt=Now() - KEPT_FOR_SCORES).aggregate(first=models.Min("horizon"))["first"]
        if needed is None:
            self.filter(at__lt=Now() - KEPT_FOR).delete()
        elif oldest[0] < needed:
            self.filter(at__lt=Now() - KEPT_FOR, transaction__lt=needed).delete()

    def no_notes_of_suggestions(self) -> None:
        """Until the transaction ends, note no face because of its suggestion: for who knows what it writes."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('kith.suggesting', 'on', true)")


class FaceWrite(models.Model):
    """That a transaction inserted, changed or deleted a face, its suggestion, or the date of its photo.

    Written by triggers (people/migrations/0014 and 0023) alone. photo, cluster, person: of the face's row as it was
    before, where it was changed or deleted; the person, if a user had named it.
    """

    pk = models.CompositePrimaryKey("transaction", "face")
    transaction = models.BigIntegerField()  # its number: pg_current_xact_id()
    face = models.BigIntegerField()  # no foreign key, for it may be gone
    at = models.DateTimeField(db_default=Now())
    photo = models.BigIntegerField(null=True, blank=True)
    cluster = models.BigIntegerField(null=True, blank=True)
    person = models.BigIntegerField(null=True, blank=True)

    objects = FaceWriteQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Face {self.face} written by {self.transaction}"


def horizon() -> tuple[int, Any]:
    """The number below which all transactions have ended, and what must be equal where numbers are to be compared.

    The latter is another one after a restart, or when a table was emptied or restored: neither fires triggers.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_postmaster_start_time(),"
            " pg_relation_filenode('people_face'), pg_relation_filenode('people_facewrite')"
        )
        number, *identity = cursor.fetchone()
    return number, tuple(identity)


def lasting_horizon() -> tuple[int, list[Any]]:
    """The same for numbers that are stored beside the notes: a restart changes neither."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, system_identifier::text,"
            " pg_relation_filenode('people_face')::bigint, pg_relation_filenode('people_facewrite')::bigint"
            " FROM pg_control_system()"
        )
        number, *identity = cursor.fetchone()
    return number, identity
