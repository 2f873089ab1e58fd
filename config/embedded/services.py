"""The embedded PostgreSQL and Valkey of one home, as one thing to start and stop."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.home import Home
from config.embedded.lock import FolderLock
from config.embedded.postgres import ADMIN, PostgresServer
from config.embedded.process import wait_for
from config.embedded.server import START_LIMIT, Report, Server
from config.embedded.valkey import ValkeyServer


def _silently(sentence: str) -> None:
    """The report of a caller who does not want one."""


class EmbeddedServices:
    """Both servers of one home. Whoever starts them holds the home's lock until they stop.

    The URLs can be asked for at any time; they are computed from files.
    """

    def __init__(self, home: Path, *, postgres: bool = True, valkey: bool = True) -> None:
        self.home = Home(home.expanduser().resolve())
        self._postgres = PostgresServer(self.home)
        self._valkey = ValkeyServer(self.home)
        self._servers: list[Server] = []
        if postgres:
            self._servers.append(self._postgres)
        if valkey:
            self._servers.append(self._valkey)
        self._lock = FolderLock(self.home.run / "services.lock")

    @classmethod
    def needed(cls, home: Path, environment: Mapping[str, str] = os.environ) -> "EmbeddedServices":
        """The services that DATABASE_URL and REDIS_URL do not replace."""
        return cls(
            home,
            postgres=not environment.get("DATABASE_URL"),
            valkey=not environment.get("REDIS_URL"),
        )

    @property
    def database_url(self) -> str:
        """Kith's own database, as a role that is not a superuser."""
        return self._postgres.url()

    @property
    def admin_database_url(self) -> str:
        """The database `postgres` as its superuser, for maintenance and tests."""
        return self._postgres.url(ADMIN, "postgres")

    @property
    def redis_url(self) -> str:
        """Valkey, for Celery's broker."""
        return self._valkey.broker_url

    @property
    def redis_client_url(self) -> str:
        """Valkey, for redis-py and Django's cache; append ?db=1 for another database."""
        return self._valkey.client_url

    def start(self, report: Report = _silently) -> bool:
        """Start what is needed. Return False, having started nothing, if somebody else did.

        Call it from the main thread; the servers end when that thread ends.
        """
        if not self._servers:
            return True
        self.home.make()
        if not self._lock.acquire():
            return False
        try:
            for server in self._servers:
                server.start(report)
        except BaseException:
            self.stop()
            raise
        return True

    def stop(self, report: Report = _silently) -> None:
        """Stop what we started, the database last; do nothing if it was somebody else."""
        if not self._lock.is_held:
            return
        try:
            for server in reversed(self._servers):
                report(f"Stopping {server.name}.")
                server.stop()
        finally:
            self._lock.release()

    def restart_ended(self, report: Report = _silently) -> None:
        """Start again each server of ours that has ended by itself."""
        for server in self._servers:
            if server.has_ended():
                report(f"{server.name} has ended unexpectedly.")
                server.start(report)

    def answer(self) -> bool:
        """Return whether every service answers, whoever started it."""
        return all(server.answers() for server in self._servers)

    def start_or_join(self, report: Report = _silently) -> bool:
        """Return once the services answer; True if they are ours and we must stop them."""
        for _ in wait_for(START_LIMIT, pause=0.2):
            if self.start(report):
                return True
            # Who holds the lock is starting them, using them, or just stopping them.
            if self.answer():
                return False
        raise EmbeddedError(
            f"Another Kith (process {self._lock.read()}) holds {self.home.path}, but its services"
            " do not answer. End that process and try again."
        )


@contextmanager
def running(home: Path, report: Report = _silently) -> Iterator[EmbeddedServices]:
    """Have the services running: those of `manage.py up`, or our own until the end."""
    services = EmbeddedServices.needed(home)
    services.start_or_join(report)
    try:
        yield services
    finally:
        services.stop(report)
