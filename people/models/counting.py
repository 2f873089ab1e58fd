"""Counts and the like beside rows, each by an index of its own.

Count() joins: two of them in one query multiply each other's rows, and what is joined is read whole.
"""

from typing import Any

from django.db import models


class CountOf(models.Subquery):
    """How many rows a query has that refers to the outer one with OuterRef."""

    template = "(SELECT count(*) FROM (%(subquery)s) counted)"

    def __init__(self, rows: "models.QuerySet[Any, Any]") -> None:
        super().__init__(rows.order_by(), output_field=models.IntegerField())


class LeastOf(models.Subquery):
    """The least of the only column of a query that refers to the outer one with OuterRef; of a slice, too."""

    template = "(SELECT min(value) FROM (%(subquery)s) AS least(value))"

    def __init__(self, rows: "models.QuerySet[Any, Any]") -> None:
        super().__init__(rows, output_field=models.FloatField())
