"""One log line for one event, for people or as JSON. Control characters are escaped: nobody writes a second line."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from axis.core.instant import local, to_text


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = local(datetime.fromtimestamp(record.created, UTC))
        line = f"{moment} {record.levelname.lower()} {record.name}: {escape(record.getMessage())}"
        return line + (f" | {escape(self.formatException(record.exc_info))}" if record.exc_info else "")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        value = {
            "time": to_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            value["exception"] = self.formatException(record.exc_info)
        return json.dumps(value)  # ASCII only: every control character is escaped


def formatter(kind: str) -> logging.Formatter:
    """``text`` or ``json``."""
    return _Json() if kind == "json" else _Text()


def escape(message: str) -> str:
    """`message` on one line, unprintable characters as Python writes them."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
