"""What one agency may make of one document is bounded: what is recorded of its refused packets, how often it changes a
document, how many of its units report. What each costs must not grow with what went before."""

from __future__ import annotations

import hashlib
import json
import uuid
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from axis.core import edxml, parcel
from axis.core.hub import admission
from axis.core.message import Message, Route
from axis.infra import keystore
from axis.infra.record.tables import quarantine
from axis.services.hub import admit
from tests.line import CODES, document, recall, rest, small_home, status, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.line import Line

OTHERS = tuple(code for code in CODES if code != "G22")
FIRST = "G22,2026/11/23,1/TN-G22"


@contextmanager
def giving(line: Line) -> Iterator[Callable[[str, bytes], str]]:
    """Gives the hub a packet as an agency's own tool may sign it; the code of the refusal, "" when it is accepted."""
    keys = {code: keystore.load_signer(line.path / "keys", code) for code in ("G22", "H41")}
    with line.parts() as (hub, _):

        def give(code: str, data: bytes) -> str:
            converted = edxml.convert(data)
            body = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, keys[code], line.clock.now)
            admit.judge_again(hub, code, str(uuid.uuid4()), body, code, line.clock())
            with hub.store.reading() as reader:
                said = json.loads(reader.connection.execute(_NEWEST).scalar_one())
            return str(said["detail"]["codes"][0]) if said["event"] == "submission.refused" else ""

        yield give


_NEWEST = sa.text(
    "SELECT canonical FROM ledger WHERE canonical LIKE '%submission.accepted%' OR canonical LIKE '%submission.refused%'"
    " OR canonical LIKE '%submission.repeated%' ORDER BY id DESC LIMIT 1"
)


# -- What is recorded of a refusal ---------------------------------------------------------------------------------


def huge(number: int) -> bytes:
    """A packet with a thousand bad recipients and a DocumentId of 100,000 characters."""
    bad = b"<To><OrganId>" + b"x" * 3000 + b"</OrganId></To>"
    data = document(number, document_id="G22," + "x" * 100_000)
    return data.replace(b"<DocumentId>", bad * 900 + b"<DocumentId>", 1)


@pytest.mark.parametrize("says_who", [True, False])
def test_a_parcel_is_believed_only_where_the_broker_says_who_published_it(tmp_path: Path, *, says_who: bool) -> None:
    """The signature is good either way. What nobody is known to have published is put aside, and answered to nobody."""
    line = small_home(tmp_path / "home")
    converted, signer = edxml.convert(document()), keystore.load_signer(line.path / "keys", "G22")
    signed = parcel.build("document.edxml", converted.document, converted.attachments, signer, line.clock())
    with line.parts() as (hub, agencies):
        by_code = {one.code: one.broker for one in agencies}
        (by_code["G22"] if says_who else hub.broker).publish([Message("m1", Route("in", "G22"), signed)])
        rest(hub, agencies, line.clock)
        with hub.store.reading() as reader:
            kept = reader.connection.execute(sa.select(quarantine.c.code)).scalars().all()
    assert line.attachments("H41") == [hashlib.sha256(one).hexdigest() for one in converted.attachments if says_who]
    assert len(kept) == (not says_who)
    assert bool(line.receipts("G22")) is says_who


def test_a_refused_parcel_leaves_a_short_entry_and_an_answer_that_its_sender_can_read(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    key = keystore.load_signer(line.path / "keys", "G22")
    converted = edxml.convert(huge(1))
    body = parcel.build(parcel.DOCUMENT, converted.document, converted.attachments, key, line.clock.now)
    with line.parts() as (hub, _):
        admit.judge_again(hub, "G22", str(uuid.uuid4()), body, "G22", line.clock())
        with hub.store.reading() as reader:
            longest = reader.connection.execute(sa.text("SELECT max(length(canonical)) FROM ledger")).scalar_one()
            kept = reader.connection.execute(sa.text("SELECT max(length(document_id)) FROM refusal")).scalar_one()
    assert longest < 20_000
    assert kept == admission.MAX_SHOWN
    line.run()
    (said,) = line.receipts("G22").values()
    assert said.subject.document_id == ("G22," + "x" * 100_000)[: admission.MAX_SHOWN]
    assert len(said.statements[0].reasons) == 50


def test_a_packet_with_a_thousand_faults_has_a_short_report_and_a_short_row(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", huge(1))
    line.run()
    report = line.error("G22")
    assert len(json.dumps(report)) < 200_000
    assert len(report["findings"]) <= 100
    assert len(report["document_id"]) == admission.MAX_SHOWN
    with line.parts() as (_, agencies):
        (agency,) = (one for one in agencies if one.code == "G22")
        with agency.journal.reading() as reader:
            size = reader.connection.execute(sa.text("SELECT max(length(facts) + length(problems)) FROM outgoing"))
            assert size.scalar_one() < 200_000


# -- How often -----------------------------------------------------------------------------------------------------


def test_a_document_is_updated_so_often_in_a_day_and_again_the_day_after(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    with giving(line) as give:
        give("G22", document(1))
        for number in range(admission.CHANGES_A_DAY):
            assert give("G22", update(1, content=b"%d" % number)) == ""
        assert give("G22", update(1, content=b"one more")) == "CHANGES_TOO_OFTEN"
        assert give("G22", update(1, content=b"0")) == "", "what was accepted is answered again"
        assert give("G22", recall(1)) == "", "it can be taken back all the same"
        give("G22", document(2))
        assert give("G22", update(2, content=b"another document")) == ""
        give("G22", document(3))
        line.clock.now += timedelta(days=1)
        assert give("G22", update(3)) == ""


def test_a_change_that_came_too_often_is_taken_when_it_comes_again_a_day_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "CHANGES_A_DAY", 1)
    line = small_home(tmp_path / "home")
    with giving(line) as give:
        give("G22", document(1))
        give("G22", update(1))
        assert give("G22", update(1, content=b"b")) == "CHANGES_TOO_OFTEN"
        line.clock.now += timedelta(days=1)
        assert give("G22", update(1, content=b"b")) == ""


def test_so_many_units_report_on_one_document_and_those_that_have_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MAX_REPORTERS", 5)
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with giving(line) as give:  # H41 itself has reported, by its E.1
        assert [give("H41", status("03", sender=f"H41.{n}")) for n in range(1, 5)] == [""] * 4
        assert give("H41", status("03", sender="H41.5")) == "REPORTERS_TOO_MANY"
        assert give("H41", status("05", sender="H41.4")) == ""
        assert give("H41", status("06", sender="H41")) == ""


# -- What it costs -------------------------------------------------------------------------------------------------


@contextmanager
def database_steps() -> Iterator[list[int]]:
    """Counts the steps of SQLite's own machine, in tens: what is read, whatever the statements look like."""
    steps = [0]
    known: set[int] = set()

    def step() -> int:
        steps[0] += 1
        return 0

    def note(_: Any, cursor: Any, *__: Any) -> None:
        if id(cursor.connection) not in known:
            known.add(id(cursor.connection))
            cursor.connection.set_progress_handler(step, 10)

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield steps
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)


ROW = 1.5  # tens of steps for one row of an index and what it points to


def test_an_update_reads_when_those_of_a_day_came_and_nothing_else_of_those_before(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    with database_steps() as steps, giving(line) as give:
        give("G22", document(1, to=OTHERS))
        costs = []
        for number in range(1, 111):
            if number % 40 == 0:
                line.clock.now += timedelta(days=1)
            before = steps[0]
            assert give("G22", update(1, to=OTHERS, content=b"%d" % number)) == ""
            costs.append(steps[0] - before)
    tenth, fortieth, sixtieth, last = (sum(costs[n - 5 : n]) for n in (10, 40, 60, 110))
    assert fortieth - tenth < 5 * 30 * ROW, "of each the time alone"
    assert fortieth < 1.3 * tenth
    assert last < 1.1 * sixtieth, "and no more of them than a day may have"


def test_a_units_status_reads_that_of_each_other_unit_and_nothing_of_what_they_said_before(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with database_steps() as steps, giving(line) as give:
        costs = []
        for code, units in (("03", 150), ("04", 30), ("05", 30), ("06", 30)):
            for number in range(1, units + 1):
                before = steps[0]
                assert give("H41", status(code, sender=f"H41.{number}")) == ""
                costs.append(steps[0] - before)
    tenth, hundred_and_fiftieth, again, last = (sum(costs[n - 10 : n]) for n in (15, 150, 180, 240))
    assert hundred_and_fiftieth - tenth < 10 * 135 * ROW, "a row for each unit, of 200 at most"
    assert last < 1.1 * again


def test_the_fortieth_update_of_a_document_reads_as_much_as_the_tenth(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    with database_steps() as steps, giving(line) as give:
        give("G22", document(1, to=OTHERS))
        costs = []
        for number in range(1, 41):
            before = steps[0]
            assert give("G22", update(1, to=OTHERS, content=b"%d" % number)) == ""
            costs.append(steps[0] - before)
    assert sum(costs[35:]) < 1.1 * sum(costs[5:10])


def test_the_status_of_the_hundred_and_fiftieth_unit_reads_as_much_as_that_of_the_tenth(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    with database_steps() as steps, giving(line) as give:
        costs = []
        for number in range(1, 151):
            before = steps[0]
            assert give("H41", status("03", sender=f"H41.{number}")) == ""
            costs.append(steps[0] - before)
    assert sum(costs[140:]) < 1.2 * sum(costs[5:15])


def test_what_a_change_costs_is_taken_from_its_senders_allowance(tmp_path: Path) -> None:
    """A document counts once, to however many; a change of it once for each delivery that it touches."""
    line = small_home(tmp_path / "home")
    with line.parts() as (hub, agencies):
        spent: list[int] = []
        spend = hub.rate_limits.spend

        def noted(code: str, size: int, documents: int = 1) -> None:
            spent.append(documents if code == "G22" else 0)
            spend(code, size, documents)

        hub.rate_limits.spend = noted  # type: ignore[method-assign]
        for number, packet in enumerate((document(1, to=OTHERS), update(1, to=OTHERS), recall(1, to=OTHERS))):
            line.drop("G22", packet, f"{number}.edxml")
            line.clock.now += timedelta(minutes=1)
            before = sum(spent)
            rest(hub, agencies, line.clock, timedelta(seconds=1))
            assert sum(spent) - before == (1 if number == 0 else len(OTHERS))
