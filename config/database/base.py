"""The connection of a process to PostgreSQL.

statement_timeout is kept by the server, so a server that is frozen (a suspended virtual machine, a disk that hangs)
keeps nobody's time. Here the client looks at its own clock.
"""

from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

RV = TypeVar("RV")

LONGER_THAN_THE_SERVER = 5.0  # seconds: first it has its chance to end a statement, and to say so
CHECK_SECONDS = 3.0  # whether it is still there


class NoAnswer(psycopg.OperationalError):
    """The server has not answered in the time it has."""


class Connection(psycopg.Connection[Any]):
    """A connection that is given up when the server says nothing for longer than a statement may take."""

    patience: float | None = None  # seconds; None: for ever

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        if timeout is not None or self.patience is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience)
        except _WaitTimeout:
            self.pgconn.finish()  # what arrives now would be the answer to another question
            raise NoAnswer("the server does not answer") from None


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        self.isolation_level = IsolationLevel.READ_COMMITTED
        connection: Connection = Connection.connect(**conn_params)
        connection.patience = settings.KITH_STATEMENT_SECONDS + LONGER_THAN_THE_SERVER
        return connection

    def is_usable(self) -> bool:
        """Whether the server answers on this connection, soon."""
        connection: Any = self.connection
        if connection is None:
            return False
        patience, connection.patience = connection.patience, CHECK_SECONDS
        try:
            return bool(super().is_usable())
        finally:
            connection.patience = patience
