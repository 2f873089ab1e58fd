"""Our own launcher of PostgreSQL; docs/decisions/0005 says why not the wheel's."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from config.embedded.account import Account, server_account
from config.embedded.binaries import server_programs
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home, make_folder
from config.embedded.process import StopSteps, spawn
from config.embedded.server import Report, Server

DATABASE = "kith"
ROLE = "kith"  # what Kith connects as: may make databases (for tests), not a superuser
ADMIN = "postgres"
MEGABYTE = 1024**2

SETTINGS = {
    "listen_addresses": "",  # a Unix socket only
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # Durability: PostgreSQL's defaults, named so that nobody's postgresql.conf weakens them.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # A lost session must not hold rows for ever. Django sets tighter limits of its own.
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "5min",
    "max_wal_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "jit": "off",  # compiling costs more than our short queries take
    "timezone": "UTC",
    # The log must not hold names or embeddings: neither statements nor the DETAIL of errors.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": "kith",
}


class PostgresServer(Server):
    name = "PostgreSQL"
    program = "postgres"
    # Fast: end the sessions and write a checkpoint. Immediate: recover at the next start.
    stop_steps: ClassVar[StopSteps] = ((signal.SIGINT, 60), (signal.SIGQUIT, 10))

    def __init__(self, home: Home) -> None:
        super().__init__(home.cluster, home.logs / "postgres.log")
        self.home = home

    def url(self, role: str = ROLE, database: str = DATABASE) -> str:
        """Return the URL of a database, good for psycopg, libpq's tools and django-environ."""
        folder = quote(str(self._socket_folder), safe="/")
        return f"postgres://{role}:{self._password(role)}@/{database}?host={folder}"

    def answers(self) -> bool:
        try:
            with self._connected(database="postgres") as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def is_main(self, process: psutil.Process) -> bool:
        try:
            return not process.cmdline()[0].startswith("postgres:")  # the title of a backend
        except (psutil.Error, IndexError):
            return False

    def prepare(self, report: Report) -> None:
        self.home.make()
        account = server_account(self.data)
        self._check_the_way_in(account)
        self._make_folders(account)
        if not (self.data / "PG_VERSION").exists():
            report("Making a new database.")
            self._make_cluster(account)
        # Nobody is left on the data directory, so whoever these files name, by a reused
        # number or in half a line, is not a server of ours. PostgreSQL would not start.
        for stale in (self.data / "postmaster.pid", self._socket_folder / ".s.PGSQL.5432.lock"):
            stale.unlink(missing_ok=True)

    def launch(self) -> subprocess.Popen[bytes]:
        account = server_account(self.data)
        settings = SETTINGS | {
            "shared_buffers": f"{shared_buffers_megabytes()}MB",
            "unix_socket_directories": str(self._socket_folder),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            return spawn(
                [str(self._programs(account) / "postgres"), "-D", str(self.data), *options],
                output=log,
                on_parent_death=signal.SIGINT,
                account=account,
                oom_score=-500,  # the last to go when memory runs out; its children are not
                environment=_environment()
                | {"PG_OOM_ADJUST_FILE": "/proc/self/oom_score_adj", "PG_OOM_ADJUST_VALUE": "0"},
                folder=Path("/"),
            )

    def complete(self) -> None:
        """Put role, database and extension in place, each only where it is missing."""
        with self._connected(database="template1") as connection:
            # pgvector is not a trusted extension. In the template it is in every new
            # database, test databases too, without a superuser.
            _have_vector(connection)
            _have_role(connection, self._password(ROLE))
        with self._connected(database="postgres") as connection:
            _have_database(connection)
        with self._connected(database=DATABASE) as connection:
            _have_vector(connection)

    @property
    def _socket_folder(self) -> Path:
        return self.home.sockets() / "postgres"

    def _password(self, role: str) -> str:
        return self.home.secret("postgres-password" if role == ROLE else "postgres-admin-password")

    @contextmanager
    def _connected(self, database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        url = self.url(ADMIN, database)
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            yield connection

    def _programs(self, account: Account | None) -> Path:
        return server_programs(account, self.home.programs)

    def _check_the_way_in(self, account: Account | None) -> None:
        closed = account and account.first_closed_folder(self.home.run)
        if account and closed:
            raise EmbeddedError(
                f"PostgreSQL will not run as root, so Kith runs it as the user '{account.name}',"
                f" who may not enter {closed}. Choose another folder, for example"
                f" KITH_HOME=/var/lib/kith, or allow it with: chmod o+x {closed}"
            )

    def _make_folders(self, account: Account | None) -> None:
        sockets = self.home.sockets()
        make_folder(sockets, self.home.run.stat().st_mode & 0o777)
        if sockets.stat().st_uid != os.geteuid():
            raise EmbeddedError(f"{sockets} belongs to another user. Remove it and start again.")
        for folder in (self.home.postgres, self._socket_folder):
            make_folder(folder, 0o700)
            folder.chmod(0o700)
            if account:
                os.chown(folder, account.uid, account.gid)

    def _make_cluster(self, account: Account | None) -> None:
        # Made beside its place and renamed, so that a cluster is complete or not there.
        unfinished = self.data.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        with self._password_file(account) as password_file:
            self._run_initdb(account, unfinished, password_file)
        unfinished.rename(self.data)

    def _run_initdb(self, account: Account | None, target: Path, password_file: Path) -> None:
        command = [
            str(self._programs(account) / "initdb"),
            f"--pgdata={target}",
            f"--username={ADMIN}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
            # Built in: an upgrade of the system's C library cannot change the order of
            # text and so break indexes.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        with self.log.open("ab") as log:
            process = spawn(command, output=log, account=account, environment=_environment(), folder=Path("/"))
        if process.wait() != 0:
            raise EmbeddedError(f"The database could not be made. The log {self.log} says:\n{self.log_tail()}")

    @contextmanager
    def _password_file(self, account: Account | None) -> Iterator[Path]:
        """A copy of the administrator's password that the account may read, for initdb."""
        with tempfile.NamedTemporaryFile("w", dir=self.home.postgres) as file:
            file.write(self._password(ADMIN))
            file.flush()
            if account:
                os.chown(file.name, account.uid, account.gid)
            yield Path(file.name)


def shared_buffers_megabytes() -> int:
    """A sixteenth of the memory: the photos' owner wants to use the machine as well."""
    sixteenth: int = psutil.virtual_memory().total // 16 // MEGABYTE
    return min(max(128, sixteenth), 1024)


def _environment() -> dict[str, str]:
    # Nothing of ours: a PGDATA or a locale from the user's shell must not leak in.
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _have_vector(connection: psycopg.Connection[Any]) -> None:
    connection.execute("SET client_min_messages = warning")
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute("ALTER EXTENSION vector UPDATE")  # a newer wheel brings a newer one


def _have_role(connection: psycopg.Connection[Any], password: str) -> None:
    role = sql.Identifier(ROLE)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))


def _have_database(connection: psycopg.Connection[Any]) -> None:
    name = sql.Identifier(DATABASE)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(ROLE)))
