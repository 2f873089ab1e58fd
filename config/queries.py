"""Names the queries that take too long: their text, never what was put into it."""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

logger = logging.getLogger(__name__)

LONGEST = 1500  # characters


def note_if_slow(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    started = time.monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        seconds = time.monotonic() - started
        if seconds >= settings.KITH_SLOW_QUERY_SECONDS:
            logger.warning("A query took %.1f s: %s", seconds, " ".join(str(sql).split())[:LONGEST])


@receiver(connection_created, dispatch_uid="note slow queries")
def watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if note_if_slow not in connection.execute_wrappers:
        connection.execute_wrappers.append(note_if_slow)
