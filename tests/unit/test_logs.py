"""One event is one line, whatever is in it."""

from __future__ import annotations

import json
import logging

from axis.infra.logs import formatter


def _record(message: str) -> logging.LogRecord:
    return logging.LogRecord("axis.x", logging.WARNING, "", 0, message, None, None)


def test_nobody_writes_a_second_line_or_steers_a_terminal() -> None:
    hostile = 'a\nERROR forged\r\x1b[31m"\u202e\u2028b'
    for kind in ("text", "json"):
        line = formatter(kind).format(_record(hostile))
        assert len(line.splitlines()) == 1
        assert "\x1b" not in line
    assert json.loads(formatter("json").format(_record(hostile)))["message"] == hostile


def test_times_are_shown_in_viet_nam_with_the_offset() -> None:
    assert "+07:00 warning axis.x: hello" in formatter("text").format(_record("hello"))
