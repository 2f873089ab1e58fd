"""Which rows of faces were written when, noted by PostgreSQL itself: nothing that writes faces can forget to."""

from datetime import timedelta
from typing import Any, Self

from django.db import connection, models
from django.db.models.functions import Now

KEPT_FOR = timedelta(days=2)


class FaceWriteQuerySet(models.QuerySet["FaceWrite"]):
    def since(self, horizon: int) -> Self:
        """Of transactions that had not ended at a horizon."""
        return self.filter(transaction__gte=horizon)

    def forget_old(self) -> None:
        self.filter(at__lt=Now() - KEPT_FOR).delete()


class FaceWrite(models.Model):
    """That a transaction inserted, changed or deleted a face. Written by triggers (people/migrations/0011) alone."""

    pk = models.CompositePrimaryKey("transaction", "face")
    transaction = models.BigIntegerField()  # its number: pg_current_xact_id()
    face = models.BigIntegerField()  # no foreign key, for it may be gone
    at = models.DateTimeField(db_default=Now())

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
