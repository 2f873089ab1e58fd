"""The Celery application. Messages only say "there is work": the work list is in PostgreSQL."""

import logging
import os
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

from celery import Celery, bootsteps
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_after_setup, worker_process_init, worker_shutting_down
from celery.worker.components import Beat

from photos import ending

# It warns of pickle for workers that run as root; ours accept nothing but JSON.
warnings.filterwarnings("ignore", category=SecurityWarning)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kith")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

logger = logging.getLogger(__name__)

LOOK_AFTER_BEAT_EVERY = 5.0  # seconds
WAKE_AFTER = 1.5  # seconds: by then also a session that had just begun counts as gone (photos.models.leases)
NICENESS = 10  # beside a busy process a tenth of a core; with 19 it would take an hour while photos arrive
MEMORY_BYTES = 6 * 1024**3  # of one process; with the networks and a group of photos it takes 2


@worker_shutting_down.connect
def hand_back(**kwargs: Any) -> None:
    """What a task has begun is finished; what it only holds goes back in line."""
    ending.ask()


@worker_process_init.connect
def send_due_work_again(**kwargs: Any) -> None:
    """A process of a worker starts, perhaps in place of one that was killed: its photos need not wait for beat."""
    from photos.broker import send_wakeup

    if wake_workers := app.tasks.get("people.tasks.wake_workers"):
        send_wakeup(wake_workers, after=WAKE_AFTER)


@worker_process_init.connect
def limit_memory(**kwargs: Any) -> None:
    """Let a photo that wants more than there is fail by itself, before the kernel ends whom it likes."""
    if sys.platform == "linux" and not Path("/dev/nvidiactl").exists():  # CUDA reserves far more than it uses
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


@worker_process_init.connect
def let_others_go_first(**kwargs: Any) -> None:
    """Nobody waits for what the training worker does: it takes what the processor has left."""
    if os.environ.get("KITH_PROGRAM") == "training":
        os.nice(NICENESS)


class LookAfterBeat(bootsteps.StartStopStep):
    """Celery starts beat beside a worker and never looks again: without it nothing lost is ever sent again."""

    def start(self, consumer: Any) -> None:
        # Anew with each connection to the broker: the timer forgets all when one is lost.
        for step in consumer.controller.steps:
            if isinstance(step, Beat) and step.obj is not None:
                consumer.timer.call_repeatedly(LOOK_AFTER_BEAT_EVERY, start_again_if_ended, (step, consumer.controller))


def start_again_if_ended(step: Beat, worker: Any) -> None:
    if not step.obj.is_alive() and not ending.is_asked():
        logger.warning("Beat has ended; starting it again.")
        step.obj = step.create(worker)
        step.start(worker)


app.steps["consumer"].add(LookAfterBeat)


@celeryd_after_setup.connect
def refuse_without_media(**kwargs: object) -> None:
    """End a worker whose photos are on a disk that is not there. Without a database it waits, as for any other work."""
    from django.apps import apps
    from django.conf import settings
    from django.db import DatabaseError, connections

    if not apps.is_installed("photos"):
        return
    from photos import media_folder

    try:
        sentence = media_folder.trouble()
    except DatabaseError:
        return
    finally:
        connections.close_all()  # before processes are forked
    if sentence:
        raise SystemExit(f"{sentence} ({settings.MEDIA_ROOT})")
