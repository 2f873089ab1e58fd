"""PostgreSQL, Valkey and the disk go away and come back: nothing acknowledged is lost, and pages say so in plain words.

Each fault is real: processes are killed or stopped, a disk is full. The long forms are in tools/store_faults.py.
"""

import re
import resource
import threading
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
import redis
from psycopg import sql

from tests.stores.kith import frozen, full, kill, store_kith

pytestmark = pytest.mark.timeout(180)

STATEMENT_SECONDS = 5
BACK_SECONDS = 15  # until pages answer again
DRAINED_SECONDS = 90


@pytest.fixture(scope="module")
def kith():
    with store_kith(KITH_STATEMENT_SECONDS=str(STATEMENT_SECONDS)) as kith:
        yield kith


@pytest.fixture(autouse=True)
def _well(kith):
    """Each test finds it as it should be, and leaves it so."""
    kith.wait_until(lambda: kith.get("/").status == 200, BACK_SECONDS)
    yield
    kith.wait_until(lambda: kith.get("/").status == 200, BACK_SECONDS)
    kith.wait_until(lambda: kith.waiting() == 0, DRAINED_SECONDS)
    assert kith.parts() == []


_pictures = count(1)


def a_picture():
    """The number of one nobody has sent yet."""
    return next(_pictures)


def assert_says_one_moment(answer):
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "One moment" in answer.body
    assert "Kith cannot reach its database at the moment." in answer.body
    assert answer.headers["X-Request-ID"] in answer.body
    assert "Traceback" not in answer.body and "psycopg" not in answer.body


# --- Valkey


def test_without_valkey_uploads_are_taken_and_pages_work_and_all_is_done_afterwards(kith):
    kill(kith.valkey)

    answers = [kith.upload(a_picture()) for _ in range(3)]
    pages = [kith.get(path).status for path in ("/", "/status/", "/people/", "/upload/", "/settings/")]

    assert [answer.status for answer in answers] == [201] * 3
    assert max(answer.seconds for answer in answers) < 5, "without waiting for it"
    assert pages == [200] * 5
    kith.wait_until(lambda: kith.waiting() == 0, DRAINED_SECONDS)


def test_a_valkey_that_lost_everything_costs_a_moment(kith):
    client = redis.Redis.from_url(kith.services.redis_client_url)
    with frozen(kith.programs_of("io")):
        assert [kith.upload(a_picture()).status for _ in range(3)] == [201] * 3
        client.flushall()

    kith.wait_until(lambda: kith.waiting() == 0, DRAINED_SECONDS)


def test_a_frozen_valkey_holds_one_upload_up_for_seconds_and_loses_none(kith):
    with frozen(kith.valkey):
        answers = [kith.upload(a_picture()) for _ in range(3)]
        page = kith.get("/")

    assert [answer.status for answer in answers] == [201] * 3
    assert sum(answer.seconds > 4 for answer in answers) <= 2, "one in each process of the web"
    assert page.status == 200
    kith.wait_until(lambda: kith.waiting() == 0, DRAINED_SECONDS)


# --- PostgreSQL


def test_postgres_killed_while_files_arrive_loses_no_acknowledged_one(kith):
    answers, is_over = [], threading.Event()

    def send():
        while not is_over.is_set():
            answers.append(kith.upload(a_picture()))

    clients = [threading.Thread(target=send) for _ in range(3)]
    for client in clients:
        client.start()
    kith.wait_until(lambda: any(answer.status == 201 for answer in answers), 30)
    kill(kith.postgres)
    kith.wait_until(lambda: any(answer.status == 503 for answer in answers), 30, healing=False)
    assert_says_one_moment(kith.get("/"))

    kith.heal()
    seconds = kith.wait_until(lambda: kith.get("/").status == 200, BACK_SECONDS)
    acknowledged = sum(answer.status == 201 for answer in answers)
    kith.wait_until(lambda: sum(answer.status == 201 for answer in answers) > acknowledged, 30)
    is_over.set()
    for client in clients:
        client.join()

    assert {answer.status for answer in answers} <= {201, 503}
    stored = {row[0] for row in kith.rows("SELECT id FROM photos_photo")}
    assert {answer.json["photo"] for answer in answers if answer.status == 201} <= stored
    refused = next(answer for answer in answers if answer.status == 503)
    assert refused.json["message"].startswith("Kith cannot reach its database at the moment.")
    assert refused.headers["Retry-After"]
    print(f"200 again {seconds:.1f} s after the start")


def test_one_killed_backend_is_hardly_noticed(kith):
    kith.wait_until(lambda: bool(kith.backends()), 10)
    kill(kith.backends()[:1])

    kith.wait_until(lambda: kith.get("/").status == 200, BACK_SECONDS)


def test_a_frozen_postgres_is_not_waited_for(kith):
    with frozen(kith.postgres):
        page, upload = kith.get("/"), kith.upload(a_picture())

    assert_says_one_moment(page)
    assert upload.status == 503
    assert max(page.seconds, upload.seconds) < 3 * STATEMENT_SECONDS


def test_without_free_connections_pages_say_so_and_recover(kith):
    def limit(number):
        with psycopg.connect(kith.services.admin_database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE kith CONNECTION LIMIT {}").format(number))

    limit(0)
    with psycopg.connect(kith.services.admin_database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kith'")
    try:
        kith.wait_until(lambda: kith.get("/").status == 503, 10)
        assert_says_one_moment(kith.get("/"))
    finally:
        limit(-1)

    kith.wait_until(lambda: kith.get("/").status == 200, BACK_SECONDS)


# --- The disk


def test_a_full_disk_is_named_and_once_there_is_space_work_goes_on(kith):
    """As root on a disk of its own that is full. Where one may not mount, the web may write no file: that is EFBIG."""
    with frozen(kith.programs_of("io")):
        waiting = kith.upload(a_picture())
        with no_space(kith):
            refused, page = kith.upload(a_picture()), kith.get("/")
            left = kith.parts()

    assert waiting.status == 201
    assert refused.status == (507 if kith.has_own_disk else 500)
    assert refused.json["message"].endswith("the disk is full." if kith.has_own_disk else "the disk has a problem.")
    assert page.status == 200
    assert left == [], "what came in part takes no room"
    assert kith.upload(a_picture()).status == 201


def test_thumbnails_wait_for_space_and_go_on_by_themselves(kith):
    with no_space(kith, "io"), frozen(kith.programs_of("web")):
        kith.rows("UPDATE photos_photo SET stage = 'derivatives', attempts = 0 RETURNING id")
        log = kith.home / "logs" / "io.jsonl"
        kith.wait_until(lambda: "Thumbnails wait" in log.read_text(), 30)

    kith.wait_until(lambda: kith.waiting() == 0, 30)
    assert kith.rows("SELECT count(*) FROM photos_photo WHERE failure <> ''") == [(0,)]


@contextmanager
def no_space(kith, *programs):
    if kith.has_own_disk:
        with full(kith.media):
            yield
        return
    pids = [each.pid for name in programs or ("web",) for each in kith.programs_of(name)]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


# --- Operations


def test_numbers_of_all_processes_are_added_up(kith):
    for _ in range(24):  # so many that each process has some
        kith.get("/people/")

    numbers = kith.get("/metrics").body
    answered = {line for line in numbers.splitlines() if line.startswith("kith_requests_total") and "people:" in line}
    assert sum(float(line.split()[-1]) for line in answered if 'status="200"' in line) >= 24
    counting = list((kith.home / "run" / "metrics").glob("counter_*"))
    assert len(counting) >= 3, "two of the web, one of the worker"
    for name in ("kith_photos_waiting", "kith_photos_failed", "kith_worker_memory_bytes", "kith_last_sweep"):
        assert re.search(rf"^{name}\S* [0-9.e+]+$", numbers, re.MULTILINE), name


def test_no_name_no_title_and_no_token_gets_into_the_logs(kith):
    marked = "Xanthippe-Marked"
    kith.upload(a_picture(), name=f"{marked}.jpg")
    kith.post(kith.batch, {"name": f"{marked}.jpg"}, {"file": (f"{marked}.jpg", b"not a photo")})
    kith.post("/batches/", {"title": f"{marked} album", "expected": "1"})
    kith.post("/albums/new/", {"title": f"{marked} album"})
    for path in (f"/?q={marked}", f"/people/search/?name={marked}", f"/nothing/{marked}/", "/review/", "/history/"):
        kith.get(path)
    kith.post("/sign-in/", {"username": marked, "password": f"{marked}!"})
    with no_space(kith):
        kith.upload(a_picture(), name=f"{marked}.jpg")

    # What web and io write to the terminal is in web.log and io.log here, and in no file of a real Kith.
    names = ("web.jsonl", "io.jsonl", "postgres.log", "valkey.log")
    written = {name: (kith.home / "logs" / name).read_text() for name in names}
    assert "could not be stored" in written["web.jsonl"]
    for name, text in written.items():
        for secret in (marked, kith.session):
            assert secret not in text, f"{secret} in {name}"


def test_each_line_of_the_log_is_json_and_tasks_bear_the_number_of_the_request_that_asked_for_them(kith):
    answer = kith.upload(a_picture())
    kith.wait_until(lambda: kith.waiting() == 0, DRAINED_SECONDS)
    number = answer.headers["X-Request-ID"]

    lines = kith.json_lines("web") + kith.json_lines("io")
    programs = {line["program"] for line in lines if line.get("request") == number}
    assert programs == {"web", "io"}
    assert all({"time", "level", "logger", "process"} <= line.keys() for line in lines)


def test_readiness_says_what_is_missing(kith):
    assert kith.get("/healthz/ready").json["queue"] is True
    kill(kith.valkey)

    told = kith.get("/healthz/ready").json

    assert told["ready"] is True, "uploads are taken, pages work"
    assert told["queue"] is False
    kith.heal()


def test_a_worker_process_that_has_grown_too_large_is_replaced_after_its_task(kith):
    kith.stop_program("io")
    usual = kith.commands["io"]
    kith.commands["io"] = [*usual, "--max-memory-per-child=20000"]  # kilobytes: less than it needs to start
    try:
        kith.start_program("io")
        began = len(kith.json_lines("io"))
        answers = [kith.upload(a_picture()) for _ in range(2)]
        kith.wait_until(lambda: len({line["process"] for line in tasks_since(kith, began)}) > 2, 60)
    finally:
        kith.commands["io"] = usual
        kith.stop_program("io")
        kith.start_program("io")

    assert [answer.status for answer in answers] == [201] * 2


def tasks_since(kith, began):
    return [line for line in kith.json_lines("io")[began:] if line["message"] == "task"]
