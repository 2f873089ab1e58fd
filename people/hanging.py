"""Ends a worker that hangs over a photo: what hangs inside a decoder cannot be interrupted, only killed."""

import logging
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

# For a group of photos, which takes seconds. On a machine that is busy with other things it takes longer, but then the
# processor is not ours meanwhile.
LIMIT_SECONDS = 30.0
PROCESSOR_SECONDS = 15.0
LAST_LIMIT_SECONDS = 100.0  # also of one that waits for something that never comes; before Celery ends the task
LOOK_EVERY = 1.0


def result_of(future: "Future[T]", *, before_the_end: Callable[[], object]) -> T:
    """Wait for what another thread works out. If it hangs, do what is left to do and kill this process."""
    began, spent = time.monotonic(), time.process_time()
    while not wait([future], timeout=LOOK_EVERY).done:
        waited, used = time.monotonic() - began, time.process_time() - spent
        if waited > LAST_LIMIT_SECONDS or (waited > LIMIT_SECONDS and used > PROCESSOR_SECONDS):
            logger.error("This process hangs and is ended.")
            before_the_end()
            os.kill(os.getpid(), signal.SIGKILL)
    return future.result()
