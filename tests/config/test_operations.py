"""What Kith writes down and tells those who keep it running, in one process. tests/stores tries it in several."""

import json
import logging
import os
import re
import subprocess
import sys
import threading

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction

from config import errors, logs
from config.logs import JsonFormatter, json_logger, put_large_files_aside
from config.management.commands.up import (
    IO_MEMORY_KILOBYTES,
    ML_MEMORY_KILOBYTES,
    TRAINING_MEMORY_KILOBYTES,
    programs,
)
from people.models import Person
from photos import transactions
from photos.transactions import TRIES, atomic_again
from tests.factories import make_person, make_photo, make_user
from tests.services import ROOT

LOOPBACK = {"REMOTE_ADDR": "127.0.0.1"}


# --- Logs


def a_record(message="", *args, name="people.views", error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.ERROR, __file__, 1, message, args, info)


def written(record):
    return json.loads(JsonFormatter().format(record))


def test_an_error_is_written_as_its_kind_and_place_without_the_values_it_quotes():
    try:
        try:
            raise psycopg.errors.UniqueViolation("Key (name)=(Grace) already exists")
        except psycopg.Error as cause:
            raise ValueError("no such person: Grace") from cause
    except ValueError as error:
        line = written(a_record("A person was not saved", error=error))

    assert "Grace" not in json.dumps(line)
    assert line["error"]["kind"] == "builtins.ValueError"
    assert line["error"]["cause"] == "psycopg.errors.UniqueViolation"
    assert any("test_operations.py" in place for place in line["error"]["at"])


def test_of_lines_by_libraries_only_the_sentence_is_written_not_what_was_put_into_it():
    assert written(a_record("Login of %s failed", "Grace", name="axes.attempts"))["message"] == "Login of %s failed"
    assert written(a_record("Photo %d failed", 7))["message"] == "Photo 7 failed"


def test_a_large_log_is_put_aside_and_whoever_writes_goes_on_in_a_new_one(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "LARGEST_FILE", 500)
    logger = json_logger("kith.test", tmp_path / "web.jsonl")
    logger.info("x" * 600)

    put_large_files_aside(tmp_path)
    logger.info("first of the new one")
    put_large_files_aside(tmp_path)

    assert "first of the new one" in (tmp_path / "web.jsonl").read_text()
    assert "x" * 600 in (tmp_path / "web.old.jsonl").read_text()


@pytest.mark.django_db
def test_a_slow_query_is_named_without_its_parameters(settings, caplog):
    settings.KITH_SLOW_QUERY_SECONDS = 0.05
    with caplog.at_level(logging.WARNING, "config.queries"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.06), %s", ["Grace"])
        cursor.execute("SELECT 1")

    (record,) = caplog.records
    assert re.match(r"A query took 0\.\d s: SELECT pg_sleep\(0\.06\), %s$", record.getMessage())


# --- Pages of what broke


@pytest.fixture
def broken(monkeypatch):
    """Every page raises this."""

    def by(error, cause=None):
        error.__cause__ = cause

        def fail(*args, **kwargs):
            raise error

        monkeypatch.setattr("photos.views.timeline.render", fail)

    return by


def test_what_nobody_foresaw_has_a_page_with_the_number_of_the_request_and_no_trace(signed_in, broken):
    broken(RuntimeError("Grace"))
    signed_in.raise_request_exception = False

    answer = signed_in.get("/")

    assert answer.status_code == 500
    assert answer["X-Request-ID"] in answer.text
    assert "Grace" not in answer.text and "RuntimeError" not in answer.text


def test_a_full_disk_has_a_page_of_its_own(signed_in, broken):
    broken(OSError(28, "No space left on device"))
    signed_in.raise_request_exception = False

    answer = signed_in.get("/", headers={"accept-language": "de"})

    assert answer.status_code == 507
    assert "Der Datenträger ist voll" in answer.text


@pytest.mark.django_db(transaction=True)
def test_a_look_that_failed_in_a_restart_is_tried_once_more(signed_in, monkeypatch):
    monkeypatch.setattr(errors, "PAUSE", 0)
    signed_in.raise_request_exception = False
    from photos.views import timeline

    render, tried = timeline.render, []

    def fail_once(*args, **kwargs):
        tried.append(args)
        if len(tried) == 1:
            raise OperationalError from psycopg.errors.CrashShutdown()
        return render(*args, **kwargs)

    monkeypatch.setattr(timeline, "render", fail_once)

    assert signed_in.get("/").status_code == 200
    assert len(tried) == 2


# --- Deadlocks


@pytest.mark.django_db(transaction=True)
def test_acts_that_meet_in_a_deadlock_are_both_done():
    owner = make_user()
    first, second = make_person(owner, "A"), make_person(owner, "B")
    both_hold_one = threading.Barrier(2)
    failed = []

    @atomic_again
    def rename(one, other, held):
        Person.objects.filter(pk=one.pk).update(name="C")
        if not held:  # only the first time: then they do not meet again
            held.append(True)
            both_hold_one.wait(10)
        Person.objects.filter(pk=other.pk).update(name="D")

    def run(one, other):
        try:
            rename(one, other, [])
        except OperationalError as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failed == []


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_that_lasts_is_given_up_and_inside_of_a_transaction_nothing_is_repeated(monkeypatch):
    tried, pauses = [], []
    monkeypatch.setattr(transactions.time, "sleep", pauses.append)

    @atomic_again
    def always():
        tried.append(True)
        raise OperationalError from psycopg.errors.DeadlockDetected()

    with pytest.raises(OperationalError):
        always()
    assert len(tried) == TRIES
    # Two that met wait at random, so that they do not meet again, and nobody waits for a second.
    assert len(set(pauses)) == TRIES - 1
    assert all(0 <= pause < 1 / (TRIES - 1) for pause in pauses)

    with pytest.raises(OperationalError), transaction.atomic():
        always()
    assert len(tried) == TRIES + 1


# --- Who may know


@pytest.mark.django_db
def test_numbers_are_for_this_machine_only_and_not_for_a_server_of_others(client, settings):
    settings.MEDIA_ROOT.mkdir(exist_ok=True)
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.168.1.7").status_code == 404

    settings.KITH_IS_ELSEWHERE = True
    assert client.get("/metrics").status_code == 404
    assert client.get("/healthz/ready").json() == {"ready": True}


@pytest.mark.django_db
def test_with_a_token_only_who_has_it_may_know(client, settings):
    settings.KITH_METRICS_TOKEN = "abc"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer abd"}).status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer abc"}).status_code == 200
    assert "workers" in client.get("/healthz/ready", headers={"authorization": "Bearer abc"}).json()


@pytest.mark.django_db
def test_the_work_list_is_told_by_stage(client, settings):
    settings.KITH_METRICS_TOKEN = "abc"
    owner = make_user()
    make_photo(owner, stage="faces")
    make_photo(owner, stage="faces", failure="could not be read")

    numbers = client.get("/metrics", headers={"authorization": "Bearer abc"}).text

    assert 'kith_photos_waiting{stage="faces"} 1' in numbers
    assert "kith_photos_failed 1" in numbers
    assert "kith_database_up 1" in numbers


# --- Memory


def test_every_worker_is_told_when_its_process_has_grown_too_large(tmp_path):
    limits = {"io": IO_MEMORY_KILOBYTES, "ml": ML_MEMORY_KILOBYTES, "training": TRAINING_MEMORY_KILOBYTES}
    commands = {program.name: program.command for program in programs("127.0.0.1", 8000, tmp_path)}

    for name, limit in limits.items():
        assert f"--max-memory-per-child={limit}" in commands[name]


# --- Who goes first


def test_learning_has_a_queue_and_a_worker_of_its_own_which_lets_all_others_go_first(tmp_path):
    learning = {name for name, route in settings.CELERY_TASK_ROUTES.items() if route["queue"] == "training"}
    assert learning == {"people.tasks.learn_from_answers"}
    started = {program.name: program for program in programs("127.0.0.1", 8000, tmp_path)}
    served = {
        name: program.command[program.command.index("-Q") + 1]
        for name, program in started.items()
        if "-Q" in program.command
    }
    assert served == {"io": "io", "ml": "ml", "training": "training"}
    assert started["training"].environment["OMP_NUM_THREADS"] == "1"

    code = "import os; from config.celery import let_others_go_first; let_others_go_first(); print(os.nice(0))"
    for program, niceness in (("training", min(os.nice(0) + 10, 19)), ("io", os.nice(0))):
        told = os.environ | {"KITH_PROGRAM": program}
        said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=told, capture_output=True, text=True)
        assert int(said.stdout) == niceness
