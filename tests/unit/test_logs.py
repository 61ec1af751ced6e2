"""One event is one line, whatever is in it."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import sqlalchemy as sa

from axis.errors import Fault, rejected
from axis.infra.database import Database
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


SECRET = "V/v điều động cán bộ"


def _told(kind: str) -> str:
    """The line about the exception that is being handled."""
    record = logging.LogRecord("axis.x", logging.ERROR, "", 0, "it failed", None, sys.exc_info())
    return formatter(kind).format(record)


def test_what_was_being_stored_or_read_never_gets_into_the_log_with_an_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'x.db'}")
    table = sa.Table("t", sa.MetaData(), sa.Column("subject", sa.Text, primary_key=True))
    with database.begin() as connection:
        table.create(connection)
        connection.execute(table.insert().values(subject=SECRET))

    def stored_twice() -> None:
        with database.begin() as connection:
            connection.execute(table.insert().values(subject=SECRET))

    def our_own_bug() -> None:
        {}[SECRET]

    def refused() -> None:
        raise rejected(Fault.NOT_FOUND, SECRET)

    for fails, named in ((stored_twice, "IntegrityError"), (our_own_bug, "KeyError"), (refused, "NOT_FOUND")):
        for kind in ("text", "json"):
            try:
                fails()
            except Exception:
                line = _told(kind)
            assert SECRET not in line
            assert json.dumps(SECRET)[1:-1] not in line
            assert named in line
            assert fails.__name__ in line, "where it was"
    database.close()


def test_an_error_of_the_system_is_told_with_its_reason(tmp_path: Path) -> None:
    try:
        (tmp_path / "nothing").read_bytes()
    except OSError:
        assert "No such file" in _told("text")
