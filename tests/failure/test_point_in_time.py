"""The record is put back to a moment with PostgreSQL's own tools, and the line goes on as after any restore."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from axis.errors import Corrupted, Fault
from axis.infra.record import ledger
from axis.services.operate import reconcile
from tests.failure.test_standby import opened, opened_hub
from tests.line import document, rest, small_home
from tests.servers import PostgreSql

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.postgres
@pytest.mark.timeout(180)
def test_the_record_goes_back_to_a_moment_and_what_came_after_it_comes_again(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    server = PostgreSql()
    try:
        wal = server.archive()
        server.start()
        with opened(line, server.url(), new=True) as (hub, agencies):
            line.drop("G22", document(1, content=b"1"), "1.edxml")
            rest(hub, agencies, line.clock)
        backup = server.base_backup()
        with opened(line, server.url()) as (hub, agencies):
            line.drop("G22", document(2, content=b"2"), "2.edxml")
            rest(hub, agencies, line.clock)
            moment = server.ask("SELECT clock_timestamp()")
            time.sleep(0.1)
            line.drop("G22", document(3, content=b"3"), "3.edxml")
            rest(hub, agencies, line.clock)
            assert server.ask("SELECT count(*) FROM submission") == "3"
        written = server.ask("SELECT pg_walfile_name(pg_switch_wal())")
        while not (wal / written).exists():
            time.sleep(0.1)
        server.stop("immediate")  # its disk is lost
        server.recover(backup, wal, moment)
        while server.ask("SELECT pg_is_in_recovery()") == "t":
            time.sleep(0.1)
        assert server.ask("SELECT string_agg(code, ' ' ORDER BY axis_id) FROM submission") == "1/TN-G22 2/TN-G22"
        parcels = "SELECT count(*) FROM submission JOIN parcel ON digest = body_digest"
        assert server.ask(parcels) == "2", "with their bytes"
        with pytest.raises(Corrupted) as caught, opened(line, server.url()):
            pass
        assert caught.value.fault is Fault.RECORD_OLD, "nobody goes on before an operator has said so"
        with opened_hub(line, server.url()) as hub:
            gap = reconcile.accept_restored(hub, line.clock())
            assert gap is not None
        with opened(line, server.url()) as (hub, agencies):
            rest(hub, agencies, line.clock)
            with hub.store.reading() as reader:
                ledger.check(reader)
        assert server.ask("SELECT count(*) FROM submission WHERE code = '3/TN-G22'") == "1", "it has come again"
        assert server.ask("SELECT string_agg(DISTINCT state, ' ') FROM delivery") == "HANDED_OVER"
        assert line.kinds("H41") == ["new", "new", "new"], "and nothing is shown twice"
    finally:
        server.remove()
