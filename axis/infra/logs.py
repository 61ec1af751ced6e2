"""One log line for one event, for people or as JSON. Control characters are escaped: nobody writes a second line.

Of an exception the log has its type and its way, not its words: a database, a parser or a bug of ours may quote a
subject or a name in them, and a log is read by others than the record. The whole trace of a command is in the home.
"""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from pathlib import PurePath

from axis.core.instant import local, to_text
from axis.errors import AxisError

CHAIN, FRAMES = 5, 20  # exceptions of a chain, and calls of each, that are told


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = local(datetime.fromtimestamp(record.created, UTC))
        line = f"{moment} {record.levelname.lower()} {record.name}: {escape(record.getMessage())}"
        if traced := getattr(record, "traceparent", ""):
            line += f" traceparent={escape(traced)}"
        return line + (f" | {escape(_told(record))}" if record.exc_info else "")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        value = {
            "time": to_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if traced := getattr(record, "traceparent", ""):
            value["traceparent"] = traced
        if record.exc_info:
            value["exception"] = _told(record)
        return json.dumps(value)  # ASCII only: every control character is escaped


def _told(record: logging.LogRecord) -> str:
    told: list[str] = []
    error = record.exc_info[1] if record.exc_info else None
    while error is not None and len(told) < CHAIN:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        way = " < ".join(f"{PurePath(one.filename).name}:{one.lineno} {one.name}" for one in reversed(frames))
        told.append(f"{type(error).__name__}{_facts(error)} at {way or '?'}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "; after ".join(told)


def _facts(error: BaseException) -> str:
    """What of it is certainly nobody's content."""
    original = getattr(error, "orig", None) or error
    if state := getattr(original, "sqlstate", None):
        constraint = getattr(getattr(original, "diag", None), "constraint_name", None)
        return f" [SQLSTATE {state}{f', {constraint}' if constraint else ''}]"
    if isinstance(error, OSError) and error.errno is not None:
        return f" [{error.strerror}]"
    return f" [{', '.join(one.fault.code for one in error.problems)}]" if isinstance(error, AxisError) else ""


def formatter(kind: str) -> logging.Formatter:
    """``text`` or ``json``."""
    return _Json() if kind == "json" else _Text()


def escape(message: str) -> str:
    """`message` on one line, unprintable characters as Python writes them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
