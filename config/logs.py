"""What Kith writes down: lines for people in the terminal, JSON in files, and no names in either of the files."""

import json
import logging
import logging.handlers
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Ours hold numbers of rows and no words of users. What libraries put into their lines is not ours to know.
OURS = ("accounts", "config", "kith", "ml", "people", "photos")
LONGEST = 2000  # characters of a message
FRAMES = 30
LARGEST_FILE = 10 * 1024**2
OLD = ".old.jsonl"


class JsonFormatter(logging.Formatter):
    """A line as one JSON object. Of an error it holds the kind and the place, not the words: they quote values."""

    def format(self, record: logging.LogRecord) -> str:
        from config.tracing import request_number, task_number

        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "program": os.environ.get("KITH_PROGRAM", ""),
            "process": record.process,
            "logger": record.name,
            "message": _message(record)[:LONGEST],
            "request": request_number.get(),
            "task": task_number.get(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _described(record.exc_info[1])
        return json.dumps({key: value for key, value in line.items() if value not in ("", None)}, default=str)


def logging_settings(*, level: str, style: str, file: str) -> dict[str, Any]:
    """Return Django's LOGGING. style: of the terminal, "plain" or "json". file: for JSON lines, too; "" for none."""
    handlers: dict[str, Any] = {
        "console": {"class": "logging.StreamHandler", "formatter": style, "filters": ["numbered"]},
    }
    everything = ["console"]
    if file:
        # Opened again when `up` has put the file aside.
        handlers["file"] = {
            "class": "logging.handlers.WatchedFileHandler",
            "filename": file,
            "formatter": "json",
            "delay": True,
        }
        everything.append("file")
    # Each request and each task: for programs that read.
    only_json = ["file"] if file else everything if style == "json" else []
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "plain": {"format": "{levelname} {name}: {message}", "style": "{"},
            "json": {"()": "config.logs.JsonFormatter"},
        },
        "filters": {"numbered": {"()": "config.errors.Numbered"}},
        "handlers": handlers,
        "root": {"handlers": everything, "level": level},
        "loggers": {
            "axes": {"level": "WARNING"},
            # Two lines for each wake-up, several a second while photos come in.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "config.tracing": {"handlers": only_json, "propagate": False},
        },
    }


def json_logger(name: str, file: Path) -> logging.Logger:
    """A logger that writes to this file alone."""
    logger = logging.getLogger(name)
    handler = logging.handlers.WatchedFileHandler(file, delay=True)
    handler.setFormatter(JsonFormatter())
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


def put_large_files_aside(folder: Path) -> None:
    """Keep of each log at most two files. Whoever writes into one notices, and opens a new one."""
    for file in folder.glob("*.jsonl"):
        try:
            if not file.name.endswith(OLD) and file.stat().st_size > LARGEST_FILE:
                file.replace(file.with_name(file.name.removesuffix(".jsonl") + OLD))
        except OSError:
            continue  # next time


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    request = getattr(record, "request", None)  # Django's, with the address in its arguments
    if request is not None:
        match = getattr(request, "resolver_match", None)
        return f"{getattr(record, 'status_code', '')} {match.route if match else ''}".strip()
    return str(record.msg)


def _described(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    cause = error.__cause__ or error.__context__
    described: dict[str, Any] = {
        "kind": f"{type(error).__module__}.{type(error).__qualname__}",
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        "sqlstate": getattr(error, "sqlstate", None),
        "errno": getattr(error, "errno", None),
        "cause": f"{type(cause).__module__}.{type(cause).__qualname__}" if cause else None,
    }
    return {key: value for key, value in described.items() if value is not None}
