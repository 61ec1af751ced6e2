"""The hub's record was put back to an older backup: what it no longer knows may have happened all the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap
from axis.core import parcel, receipt
from axis.core.identity import uuid7
from axis.core.instant import whole
from axis.core.message import Message, Route
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.infra import payloads
from axis.infra.record import quarantine, tables
from axis.services import run as loops
from axis.services.agency import publish, submit, take
from axis.services.hub import admit
from axis.services.operate import dead_ends, reconcile
from tests.line import Line, document, recall, replacement, small_home, status, update

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

NUMBER = "1/TN-G22"
SOON = timedelta(minutes=9)  # before an adapter publishes by itself what was not answered


@pytest.fixture
def line(tmp_path: Path) -> Line:
    """One document handed over long ago, so that the record has something to be put back to."""
    made = small_home(tmp_path / "home", codes=("G22", "H41", "G06"))
    made.drop("G22", document(9), "first.edxml")
    made.run()
    return made


def back_up(line: Line) -> Path:
    """A backup of the home's database as it is now."""
    copy = line.path.parent / "backup.db"
    with closing(sqlite3.connect(line.path / "axis.db")) as now, closing(sqlite3.connect(copy)) as kept:
        now.backup(kept)
    line.clock.now += timedelta(hours=1)
    return copy


def put_back(line: Line, backup: Path) -> reconcile.Gap:
    """The hub's tables alone are as in the backup; broker and adapters know what happened since. The operator says that
    it is known."""
    line.clock.now += timedelta(hours=1)
    with closing(sqlite3.connect(line.path / "axis.db", isolation_level=None)) as connection:
        connection.execute("ATTACH ? AS old", (str(backup),))
        connection.execute("BEGIN")
        for table in tables.TABLES:
            if table.info.get("only") == "postgresql":
                continue
            if table is not payloads.payload:
                connection.execute(f"DELETE FROM main.{table.name}")
            connection.execute(f"INSERT OR IGNORE INTO main.{table.name} SELECT * FROM old.{table.name}")
        connection.execute("COMMIT")
    with bootstrap.embedded_parts(bootstrap.open_home(line.path), restored=True) as (hub, _):
        gap = reconcile.accept_restored(hub, line.clock())
    assert gap is not None
    return gap


def only(*codes: str) -> Callable[[Hub, list[Agency]], None]:
    def leave(_hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code in codes]

    return leave


def step_by_step(line: Line, code: str) -> None:
    """What this agency's outbox holds is accepted, and nothing of it is sent on yet."""
    with line.parts() as (hub, agencies):
        sender = next(one for one in agencies if one.code == code)
        submit.collect(sender, line.clock())
        publish.publish(sender, line.clock())
        admit.step(hub, line.clock())


def said(line: Line, event: str) -> list[str]:
    """Who has signed this about document 1, as its sender holds it."""
    return sorted(
        r.issuer
        for r in line.receipts("G22").values()
        for s in r.statements
        if s.event.code == event and r.subject.document_id.endswith(NUMBER)
    )


def quarantined(line: Line) -> list[str]:
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        return [str(row["code"]) for row in quarantine.found(reader)]


def test_an_acceptance_of_before_does_not_stop_what_is_to_be_sent_again(line: Line) -> None:
    """It was still on its way when the record was put back; the record does not know it."""
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    (name,) = [n for n in line.files("G22", "receipts") if ".A.1." in n and b",1/TN" in parcel.peek(_read(line, n))[1]]
    accepted = _read(line, name)
    put_back(line, backup)

    def late(hub: Hub, agencies: list[Agency]) -> None:
        sender = next(one for one in agencies if one.code == "G22")
        loops.hub_round(hub, line.clock())
        sender.open()
        take.take(sender, line.clock())
        hub.broker.publish([Message("late", Route("out", "G22"), accepted)])
        take.take(sender, line.clock())

    line.run(before=late)
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}


def test_what_was_due_to_be_published_once_more_is_not_taken_for_accepted(line: Line) -> None:
    """Its acceptance lay in the sender's queue when the record was put back, and comes with the registry that says so;
    by its adapter's clock the time to wait for it had passed, or was set back."""
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    step_by_step(line, "G22")
    with line.parts() as (hub, _):
        loops.hub_round(hub, line.clock())
    put_back(line, backup)
    line.run()
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}
    assert line.kinds("H41") == ["new", "new"], "nothing is shown twice"


def _read(line: Line, name: str) -> bytes:
    return (line.folder("G22", "receipts") / name).read_bytes()


# -- Recalls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["in the gap", "just then", "before the sender has heard of it"])
def test_what_the_recipient_has_is_never_withdrawn_for_certain(line: Line, when: str) -> None:
    """Handed over in the gap; the recall comes too late then, or the record, which knows nothing, is asked."""
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    if when == "in the gap":
        line.drop("G22", recall(1), "r.edxml")
        line.run()
    put_back(line, backup)
    if when == "before the sender has heard of it":  # its adapter takes the recall in first, then the registry
        line.drop("G22", recall(1), "r.edxml")
    line.run(before=only("G22"), patience=timedelta(0))
    if when == "just then":
        line.drop("G22", recall(1), "r.edxml")
    line.run()
    assert said(line, "W.1") == []
    assert "H41" in said(line, "W.2")
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}
    assert line.stages(NUMBER)["H41"] == ["recall OPEN"], "a clerk is asked"
    assert line.kinds("H41") == ["new", "new", "recall"], "nothing is shown twice"
    assert quarantined(line) == []


def test_what_lay_in_the_outbox_when_the_backup_was_made_may_have_left_it(line: Line) -> None:
    line.drop("G22", document(1), "1.edxml")
    step_by_step(line, "G22")
    backup = back_up(line)
    line.run()
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}
    put_back(line, backup)
    line.drop("G22", recall(1), "r.edxml")
    line.run()
    assert (said(line, "W.1"), said(line, "W.2")) == ([], ["H41"])


def test_what_was_decided_about_a_recall_is_said_again_with_its_hand_over(line: Line) -> None:
    """The hub had taken both receipts and passed neither on when its record was put back; the recall it still knows."""
    line.drop("G22", document(1), "1.edxml")
    line.run()
    line.drop("G22", recall(1), "r.edxml")
    line.run(before=only("G22"), patience=timedelta(0))
    backup = back_up(line)
    with line.parts() as (hub, agencies):
        recipient = next(one for one in agencies if one.code == "H41")
        for _ in range(2):
            loops.agency_round(recipient, line.clock())
        admit.step(hub, line.clock())
        hub.link(line.clock())
    assert line.stages(NUMBER)["H41"] == ["recall OPEN"]
    put_back(line, backup)
    assert line.stages(NUMBER)["H41"] == ["recall PENDING"]
    line.run(patience=timedelta(hours=1))
    with bootstrap.embedded_parts(bootstrap.open_home(line.path)) as (hub, _):
        reconcile.resend_unanswered(hub, "H41", line.clock(), line.clock())
    line.run(patience=timedelta(hours=1))
    assert line.stages(NUMBER)["H41"] == ["recall OPEN"]
    assert said(line, "W.2") == ["H41"]
    assert line.kinds("H41") == ["new", "new", "recall"]


@pytest.mark.parametrize("known", [False, True])
def test_what_was_withdrawn_in_the_gap_is_not_shown_after_it(line: Line, known: bool) -> None:
    """The hub had said for certain that it would not be: taken back before it left. The restored record has the document
    (`known`), or not even that; in both cases the recall comes again."""

    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    step_by_step(line, "G22")
    backup = back_up(line) if known else backup
    line.drop("G22", recall(1), "r.edxml")
    step_by_step(line, "G22")
    line.run()
    assert said(line, "W.1") == ["HUB"]
    assert line.kinds("H41") == ["new"]
    put_back(line, backup)
    line.run()
    assert line.kinds("H41") == ["new"], "neither the document nor its recall"
    assert line.states(NUMBER) == {"H41": "RECALLED"}
    assert set(said(line, "W.1")) == {"HUB", "H41"}
    assert (said(line, "E.1"), said(line, "W.2")) == ([], [])


def test_what_was_made_after_the_restore_is_withdrawn_here_as_ever(line: Line) -> None:
    backup = back_up(line)
    line.drop("G22", document(2), "2.edxml")
    line.run()
    put_back(line, backup)
    line.run()
    line.clock.now += timedelta(days=2)
    line.drop("G22", document(1, issued="2026/11/25"), "1.edxml")
    step_by_step(line, "G22")
    line.drop("G22", recall(1, issued="2026/11/25"), "r.edxml")
    step_by_step(line, "G22")
    line.run()
    assert said(line, "W.1") == ["HUB"]


# -- What can only be judged when the rest has come again ---------------------------------------------------------


@pytest.mark.parametrize("what", ["update", "status", "replacement", "recall of whom an update had added", "answer"])
def test_what_is_about_something_lost_waits_until_that_has_come_again(line: Line, what: str) -> None:
    """Refused it would be for good: DOCUMENT_UNKNOWN, RECIPIENT_UNKNOWN, STATUS_UNKNOWN_DOCUMENT, STATUS_NOT_OPEN."""
    more = what.startswith("recall")
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    if what in {"answer", "recall of whom an update had added"}:
        line.drop("G22", update(1, changes_content=False, add=("G06",)) if more else recall(1), "first.edxml")
        line.run()
    put_back(line, backup)
    packets = {
        "update": ("G22", update(1)),
        "status": ("H41", status("03")),
        "replacement": ("G22", replacement(3, {1: ("H41",)})),
        "recall of whom an update had added": ("G22", recall(1, to=("G06",))),
        "answer": ("H41", status("16", description="Còn dùng")),
    }
    agency, packet = packets[what]
    line.drop(agency, packet, "about.edxml")
    step_by_step(line, agency)  # judged before the document has come again
    line.run()
    assert [line.error(agency, name)["findings"] for name in line.files(agency, "failed", "*.edxml")] == []
    assert "about.edxml" in line.files(agency, "sent")
    assert "A.2" not in " ".join(line.events(agency))


def test_what_is_about_something_newer_than_the_restore_is_refused_at_once(line: Line) -> None:
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    put_back(line, backup)
    line.run()
    line.clock.now += timedelta(days=2)
    line.drop("G22", update(7, issued="2026/11/25"), "about.edxml")
    line.run(patience=SOON)
    assert [f["code"] for f in line.error("G22", "about.edxml")["findings"]] == ["DOCUMENT_UNKNOWN"]


def test_a_wait_for_something_lost_has_an_end(line: Line) -> None:
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    put_back(line, backup)
    line.drop("G22", update(7), "about.edxml")
    line.run(patience=SOON)
    assert line.files("G22", "failed") == []
    line.run()
    assert [f["code"] for f in line.error("G22", "about.edxml")["findings"]] == ["DOCUMENT_UNKNOWN"]


def test_a_receipt_about_what_the_record_has_lost_waits_for_it(line: Line) -> None:
    """E.1 was on its way when the record was put back. The document comes again under another axis id, and is answered
    again; the first receipt is kept until then."""
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run(before=only("G22"), patience=timedelta(0))
    with line.parts() as (_, agencies):
        recipient = next(one for one in agencies if one.code == "H41")
        loops.agency_round(recipient, line.clock())
    put_back(line, backup)
    line.run(before=only("H41"), patience=timedelta(0))
    assert quarantined(line) == ["RECORD_GAP"]
    line.run(patience=timedelta(hours=1))
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}
    line.clock.now += timedelta(hours=1)
    line.run()
    assert quarantined(line) == [], "it is answered again: nobody has to decide"


def test_a_receipt_that_waits_and_is_damaged_keeps_nobody_else_back(
    line: Line, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One byte of it on the hub's disk: it would end the hub's worker, at each start again."""
    backup = back_up(line)
    for number in (1, 2):
        line.drop("G22", document(number), f"{number}.edxml")
    line.run(before=only("G22"), patience=timedelta(0))
    with line.parts() as (_, agencies):
        loops.agency_round(next(one for one in agencies if one.code == "H41"), line.clock())
    put_back(line, backup)
    line.run(before=only("H41"), patience=timedelta(0))
    with line.parts() as (hub, _):
        with hub.store.transaction() as tx:
            damaged, whole_one = quarantine.put_aside_for(tx, "RECORD_GAP", "", 9)
            where = payloads.payload.c.digest == damaged["body_digest"]
            tx.connection.execute(payloads.payload.update().where(where).values(content=b"?"))
        hub.registry()
        judged: list[str] = []
        monkeypatch.setattr(admit, "judge_again", lambda _, agency, message, *rest: judged.append(message))
        assert dead_ends.look_again(hub, line.clock()) == 1
        assert judged == [whole_one["message_id"]]
        assert hub.looked_again is not None, "not at once again"
    assert "BODY_CORRUPT" in caplog.text
    assert damaged["id"] in caplog.text
    assert quarantined(line) == ["RECORD_GAP"]


def test_a_receipt_that_is_shown_is_believed_from_its_sender_and_only_after_a_restore(line: Line) -> None:
    """H41's word about G22's document: G22 may show it. Nobody else learns or changes anything by it."""
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    (name,) = [n for n in line.files("G22", "receipts") if ".E.1." in n and b",1/TN" in parcel.peek(_read(line, n))[1]]
    handed_over = _read(line, name)

    def shown_by(code: str) -> list[str]:
        before = quarantined(line)
        with line.parts() as (hub, agencies):
            shower = next(one for one in agencies if one.code == code)
            shower.broker.publish(
                [Message(uuid7(line.clock(), bytes(10)), Route("in", code), handed_over, user_id=code)]
            )
            admit.step(hub, line.clock())
        return sorted(set(quarantined(line)) - set(before))

    assert shown_by("G22") == [], "it is told as of when the hub accepted it"
    assert shown_by("G06") == ["AUTHZ_MISMATCH"]
    put_back(line, backup)
    assert (shown_by("G06"), shown_by("G22")) == (["AUTHZ_MISMATCH"], ["RECORD_GAP"])
    line.run()
    assert line.states(NUMBER) == {"H41": "HANDED_OVER"}
    assert quarantined(line) == ["AUTHZ_MISMATCH"]


def test_a_receipt_about_nothing_is_put_aside_for_good_as_ever(line: Line) -> None:
    backup = back_up(line)
    line.drop("G22", document(1), "1.edxml")
    line.run()
    put_back(line, backup)
    line.run()
    line.clock.now += timedelta(days=1)
    with line.parts() as (hub, agencies):
        recipient = next(one for one in agencies if one.code == "H41")
        subject = Subject(uuid7(line.clock(), bytes(10)), "new", "G22", "G22,2026/11/23,1/TN-G22", "0" * 64)
        statement = Statement(uuid7(line.clock(), bytes(10)), Event.ContentHandover, whole(line.clock()), "H41")
        forged = Receipt(hub.installation, "H41", subject, (statement,))
        body = receipt.signed(forged, recipient.signer, line.clock())
        recipient.broker.publish([Message("m", Route("in", "H41"), body, user_id="H41")])
        admit.step(hub, line.clock())
    assert quarantined(line) == ["RECEIPT_INVALID"]
