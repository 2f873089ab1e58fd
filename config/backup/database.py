"""The database as a file, by PostgreSQL's own tools: those of the embedded one, also for a server of your own."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo

from config.backup.layout import BackupError
from config.embedded import EmbeddedError
from config.embedded.binaries import postgres_tool

# Not part of a library. Who holds the first is signed in; the second say who signed in from where; the third are
# numbers of transactions of this one server.
LEFT_OUT = ("accounts_browsersession", "axes_*", "people_facewrite")
# What of a connection is to be handed on; the password goes another way, for everybody sees a command line.
TOLD = ("dbname", "user", "host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "service", "passfile")


def dump(target: Path, *, snapshot: str) -> None:
    """Write the database as an exported snapshot sees it. Raises BackupError."""
    left_out = [f"--exclude-table-data={name}" for name in LEFT_OUT]
    # The extension needs a superuser, and is there before Kith is.
    options = ["--format=custom", "--compress=gzip:1", "--exclude-extension=*", f"--snapshot={snapshot}"]
    _run("pg_dump", *options, *left_out, f"--file={target}")
    target.chmod(0o600)


def load(source: Path) -> None:
    """Fill an empty database, all of it or nothing. Raises BackupError."""
    _run("pg_restore", "--single-transaction", "--exit-on-error", str(source))


def clear(tables: Iterable[str]) -> None:
    """Drop tables, and functions of ours: an extension's are not."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")
        cursor.execute(
            "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            " AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"
        )
        for (function,) in cursor.fetchall():
            cursor.execute(f"DROP FUNCTION {function} CASCADE")


def tables() -> list[str]:
    with connection.cursor() as cursor:
        return [table.name for table in connection.introspection.get_table_list(cursor) if table.type in ("t", "p")]


def others_connected() -> int:
    """How many sessions besides ours use the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        count: int = cursor.fetchone()[0]
    return count


def server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version: str = cursor.fetchone()[0]
    return version.split()[0]


def _run(tool: str, *options: str) -> None:
    parameters = connection.get_connection_params()
    told = {key: parameters[key] for key in TOLD if parameters.get(key)}
    command = [_path_of(tool), f"--dbname={make_conninfo(**told)}", "--no-owner", "--no-acl", "--no-comments", *options]
    environment = dict(os.environ) | {"LC_ALL": "C"}
    if parameters.get("password"):
        environment["PGPASSWORD"] = str(parameters["password"])
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode != 0:
        raise BackupError(f"{tool} failed: {ended.stderr.strip()[-2000:]}")


def _path_of(tool: str) -> str:
    try:
        path = postgres_tool(tool)
    except EmbeddedError:
        path = Path()
    found = str(path) if path.is_file() else shutil.which(tool)
    if found is None:
        raise BackupError(f"PostgreSQL's program {tool} is missing. Install requirements.txt, or PostgreSQL's client.")
    return found
