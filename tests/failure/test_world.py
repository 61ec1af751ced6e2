"""What a database cannot do for a while is nobody's fault: documents and receipts wait, and none is refused for it. What
fails while others pass is put aside, and nothing else is."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.core.hub import decide, receipts
from axis.core.ledger import Entry
from axis.core.message import Route
from axis.errors import Fault, Unavailable
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from axis.infra.record import find, quarantine, registries, search, tables
from axis.infra.record.store import HubStore
from axis.services import run as loops
from axis.services.agency import judge, take
from axis.services.hub import admit
from tests.failure.test_poison import damage
from tests.line import document, rest, small_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from axis.core.hub.draft import Draft
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.line import Line
    from tests.servers import PostgreSql


class Crash(BaseException):
    """The process died."""


class OnPostgres:
    """A small line whose hub's record is on PostgreSQL, as a user whom an administrator may take rights from."""

    def __init__(self, line: Line, owner: Database, hub: Hub, agencies: list[Agency]) -> None:
        self.line = line
        self.owner = owner
        self.hub = hub
        self.agencies = agencies

    def sql(self, *statements: str) -> None:
        with self.owner.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def send_home(self) -> None:
        """The hub's connections end; what it does next it does with new ones."""
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")

    def agencies_work(self, *codes: str) -> None:
        for _ in range(2):
            for one in self.agencies:
                if one.code in codes:
                    loops.agency_round(one, self.line.clock())

    def hub_tries(self, times: int) -> list[Fault]:
        """As services/run does it: what a failed round has taken comes again. The faults that it met."""
        met = []
        for _ in range(times):
            try:
                loops.hub_round(self.hub, self.line.clock())
            except Unavailable as error:
                met.append(error.fault)
                self.hub.broker.close()
        return met

    def to_rest(self) -> None:
        self.line.clock.now += timedelta(minutes=30)
        rest(self.hub, self.agencies, self.line.clock)


@pytest.fixture
def served(tmp_path: Path, postgres: PostgreSql) -> Iterator[OnPostgres]:
    with on_postgres(tmp_path, postgres) as opened:
        yield opened


@contextmanager
def on_postgres(tmp_path: Path, postgres: PostgreSql) -> Iterator[OnPostgres]:
    line = small_home(tmp_path / "home", codes=("G22", "H41"))
    url = postgres.record(f"world{abs(hash(tmp_path))}")
    owner = Database(url)
    owner.create(tables.TABLES)
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS app")
        connection.exec_driver_sql("CREATE ROLE app LOGIN")
        connection.exec_driver_sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO app")
        connection.exec_driver_sql("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app")
    database = Database(url.replace("axis@", "app@"))
    with line.parts() as (embedded_hub, agencies):
        with embedded_hub.store.reading() as reader:
            registry = reader.payload(registries.newest(reader))
        now = line.clock()
        with HubStore(database).transaction() as tx:
            registries.keep(tx, 1, registry, now, (), Entry(now, "HUB", "registry.issued"))
        broker = EmbeddedBroker(embedded_hub.store.database, None)
        hub = bootstrap.hub_part(bootstrap.open_home(line.path), database, broker)
        yield OnPostgres(line, owner, hub, agencies)
        broker.close()
    database.close()
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY app")
        connection.exec_driver_sql("DROP ROLE app")
    owner.close()


DENIED = (("REVOKE INSERT ON delivery FROM app",), ("GRANT INSERT ON delivery TO app",))
READ_ONLY = (("ALTER ROLE app SET default_transaction_read_only = on",), ("ALTER ROLE app RESET ALL",))
IDLE = (("ALTER ROLE app SET idle_in_transaction_session_timeout = '1ms'",), ("ALTER ROLE app RESET ALL",))


@pytest.mark.postgres
def test_what_a_database_refuses_is_tried_until_it_works_and_no_document_is_refused(served: OnPostgres) -> None:
    sent = 0
    for trouble, mended in (DENIED, READ_ONLY, IDLE):
        served.sql(*trouble)
        served.send_home()
        for _ in range(4):
            sent += 1
            served.line.drop("G22", document(sent, content=b"%d" % sent), f"{sent}.edxml")
        served.agencies_work("G22")
        met = served.hub_tries(2 * admit.MAX_ATTEMPTS)
        assert set(met) == {Fault.STORE_DOWN}
        served.sql(*mended)
        if trouble != READ_ONLY[0]:  # who has met a server that cannot be written asks anew by himself
            served.send_home()
        served.to_rest()
    assert len(served.line.attachments("H41")) == sent == 12
    assert served.line.files("G22", "failed") == []
    with served.hub.store.reading() as reader:
        assert quarantine.found(reader) == []


@pytest.mark.postgres
def test_a_receipt_that_cannot_be_recorded_for_a_while_is_recorded_afterwards(served: OnPostgres) -> None:
    served.line.drop("G22", document(1))
    served.agencies_work("G22")
    served.hub_tries(3)
    served.agencies_work("H41")  # hands over, and says so
    served.sql("REVOKE INSERT ON statement FROM app")
    assert set(served.hub_tries(2 * admit.MAX_ATTEMPTS)) == {Fault.STORE_DOWN}
    served.sql("GRANT INSERT ON statement TO app")
    served.to_rest()
    with served.hub.store.reading() as reader:
        (found,) = find.find(reader, "1/TN-G22").exact
        assert [row["state"] for row in search.deliveries(reader, found["axis_id"])] == ["HANDED_OVER"]
    assert served.line.events("H41") == [], "nobody was told that a receipt was refused"
    assert "E.1 H41" in served.line.events("G22")


@pytest.mark.postgres
def test_a_message_whose_id_no_database_can_store_stops_nothing(served: OnPostgres) -> None:
    served.line.drop("G22", document(1))
    served.agencies_work("G22")
    with served.agencies[0].broker._database.begin() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.text("UPDATE queue_message SET message_id = :id"), {"id": "a\0b"})
    served.hub.broker.receive([Route("in", "G22", urgent) for urgent in (True, False)], limit=9, max_bytes=9, timeout=0)
    served.hub.broker.close()  # it comes again
    assert served.hub_tries(1) == []
    served.to_rest()
    assert len(served.line.attachments("H41")) == 1


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judging a document raises `broken.error` while `broken.applies` to the document."""

    class Broken:
        error: BaseException = RuntimeError("a bad installation")
        applies: Callable[[bytes], bool] = staticmethod(lambda _: False)

    judge = admit.admission.judge

    def judged(parcel: Any, *arguments: Any, **named: Any) -> Any:
        if Broken.applies(parcel.content):
            raise Broken.error
        return judge(parcel, *arguments, **named)

    monkeypatch.setattr(admit.admission, "judge", judged)
    return Broken


def failing_rounds(line: Line, times: int) -> list[Fault]:
    met = []
    with line.parts() as (hub, agencies):
        for one in agencies:
            loops.agency_round(one, line.clock())
            loops.agency_round(one, line.clock())
        for _ in range(times):
            try:
                loops.hub_round(hub, line.clock())
            except Unavailable as error:
                met.append(error.fault)
                hub.broker.close()
    return met


def test_a_hub_that_fails_with_everything_refuses_nothing(tmp_path: Path, broken: Any) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, content=b"1"), "1.edxml")
    line.run()
    broken.applies = lambda _: True
    for number in (2, 3, 4):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    assert failing_rounds(line, 2 * admit.MAX_ATTEMPTS) == [Fault.HUB_BROKEN] * 2 * admit.MAX_ATTEMPTS
    broken.applies = lambda _: False
    line.run()
    assert line.files("G22", "failed") == []
    assert len(line.attachments("H41")) == 4


def test_a_hub_that_dies_of_everything_at_each_start_refuses_nothing(tmp_path: Path, broken: Any) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, content=b"1"), "1.edxml")
    line.run()
    broken.error, broken.applies = Crash(), lambda _: True
    for number in (2, 3):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    for _ in range(3 * admit.MAX_ATTEMPTS):
        with pytest.raises(Crash):
            line.run()
    broken.applies = lambda _: False
    line.run()
    assert line.files("G22", "failed") == []
    assert len(line.attachments("H41")) == 3


@pytest.mark.parametrize("error", [RuntimeError("our bug"), Crash()])
def test_a_lone_document_that_breaks_the_hub_is_put_aside_where_an_earlier_one_still_passes(
    tmp_path: Path, broken: Any, error: BaseException
) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, content=b"1"), "1.edxml")
    line.run()
    broken.error, broken.applies = error, lambda content: b"poison" in content
    line.drop("G22", document(2, subject="poison"), "2.edxml")
    deaths = 0
    for _ in range(2 * admit.MAX_ATTEMPTS):
        try:
            line.run()
        except Crash:
            deaths += 1
    assert deaths == (0 if isinstance(error, RuntimeError) else admit.MAX_ATTEMPTS + 1)
    (finding,) = line.error("G22", "2.edxml")["findings"]
    assert (finding["code"], finding["retry"]) == ("QUARANTINED", True)


def test_whether_another_passes_is_seen_also_where_the_last_one_is_damaged(tmp_path: Path, broken: Any) -> None:
    line = small_home(tmp_path / "home")
    for number in (1, 2):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
        line.run()
    damage(line, "G22,2026/11/23,2/TN-G22")
    broken.applies = lambda content: b"poison" in content
    line.drop("G22", document(3, subject="poison"), "3.edxml")
    line.run()
    assert line.error("G22", "3.edxml")["findings"][0]["code"] == "QUARANTINED"


def test_the_first_document_of_all_waits_for_another_before_it_is_blamed(tmp_path: Path, broken: Any) -> None:
    line = small_home(tmp_path / "home")
    broken.applies = lambda content: b"poison" in content
    line.drop("G22", document(1, subject="poison"), "1.edxml")
    assert set(failing_rounds(line, 2 * admit.MAX_ATTEMPTS)) == {Fault.HUB_BROKEN}
    assert line.files("G22", "failed") == []
    line.drop("G22", document(2, content=b"2"), "2.edxml")
    line.run()
    assert len(line.attachments("H41")) == 1
    assert line.error("G22", "1.edxml")["findings"][0]["code"] == "QUARANTINED"


def test_a_receipt_that_breaks_the_hub_is_kept_and_not_answered_and_recorded_when_that_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))

    def raises(*_: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(receipts, "_apply", raises)
        line.run()
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    assert line.events("H41") == []
    with line.parts() as (hub, _):
        with hub.store.reading() as reader:
            (kept,) = quarantine.found(reader)
        assert kept["agency"] == "H41"
        from axis.services.operate import dead_ends

        dead_ends.choose(hub, "retry", kept["id"], "đã sửa lỗi", line.clock())
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert json.dumps(line.events("G22")).count("E.1 H41") == 1


def test_a_message_that_nobody_can_judge_now_keeps_nothing_else_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the world that only one message meets: it waits, and the mail of the others goes its way."""
    line = small_home(tmp_path / "home")
    record = decide.record

    def full(draft: Draft, candidate: Any, *more: Any) -> None:
        if b"large" in candidate.parcel.content:
            raise OSError(28, "No space left on device")
        record(draft, candidate, *more)

    monkeypatch.setattr(decide, "record", full)
    line.drop("G22", document(1, subject="large"), "1.edxml")
    line.drop("G22", document(2, content=b"2"), "2.edxml")
    met = []
    with line.parts() as (hub, agencies):
        for _ in range(3 * admit.MAX_ATTEMPTS):
            for one in agencies:
                loops.agency_round(one, line.clock())
            try:
                loops.hub_round(hub, line.clock())
            except Unavailable as error:
                met.append(error.fault)
                hub.broker.close()
        assert set(met) == {Fault.STORE_DOWN}
        assert len(line.attachments("H41")) == 1
        assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
    monkeypatch.undo()
    line.run()
    assert len(line.attachments("H41")) == 2
    assert line.files("G22", "failed") == []


def test_an_adapter_without_a_file_handle_left_rejects_no_mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))

    def full(*_: Any) -> Any:
        raise OSError(24, "Too many open files")

    with line.parts() as (hub, agencies):
        by_code = {one.code: one for one in agencies}
        for _ in range(2):
            loops.agency_round(by_code["G22"], line.clock())
            loops.hub_round(hub, line.clock())
        with monkeypatch.context() as patch, pytest.raises(Unavailable):
            patch.setattr(judge, "verify_mail", full)
            take.take(by_code["H41"], line.clock())
        assert hub.broker.dead_depth() == 0
    line.run()
    assert len(line.attachments("H41")) == 1
