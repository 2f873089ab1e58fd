"""`pk__any_of`: one of many numbers, sent as an array: psycopg takes 30 ms to read a query of a thousand parameters."""

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigAutoField, Lookup
from django.db.models.sql.compiler import SQLCompiler


@BigAutoField.register_lookup
class AnyOf(Lookup):
    lookup_name = "any_of"
    prepare_rhs = False
    rhs: Iterable[int]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        field, params = self.process_lhs(compiler, connection)
        return f"{field} = ANY(%s)", (*params, [int(number) for number in self.rhs])
