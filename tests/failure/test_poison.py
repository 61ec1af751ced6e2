"""A message that breaks the hub goes to quarantine alone; the healthy ones beside it are delivered."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from axis.core import receipt
from axis.core.hub import refusals
from axis.core.message import Message, Route
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.infra import payloads
from axis.infra.record import quarantine, tables
from axis.services import run as loops
from axis.services.agency import judge, take
from axis.services.hub import admit
from tests.line import document, recall, small_home

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine import Connection

    from tests.line import Line


class Crash(BaseException):
    """The process died."""


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Judging a document whose subject says so raises what `poisoned.error` holds."""

    class Poison:
        error: BaseException = RuntimeError("our bug")

    judge = admit.admission.judge

    def broken(parcel: Any, *arguments: Any, **named: Any) -> Any:
        if b"poison" in parcel.content:
            raise Poison.error
        return judge(parcel, *arguments, **named)

    monkeypatch.setattr(admit.admission, "judge", broken)
    return Poison


def test_our_own_bug_with_one_document_refuses_that_one_and_delivers_the_rest(tmp_path: Path, poisoned: Any) -> None:
    line = small_home(tmp_path / "home")
    for number in range(1, 6):
        subject = "poison" if number == 3 else "V/v tốt"
        line.drop("G22", document(number, content=b"%d" % number, subject=subject), f"{number}.edxml")
    line.run()
    good = sorted(hashlib.sha256(b"%d" % n).hexdigest() for n in (1, 2, 4, 5))
    assert sorted(line.attachments("H41")) == good
    assert line.error("G22", "3.edxml")["findings"][0]["code"] == "QUARANTINED"
    assert line.files("G22", "sent") == ["1.edxml", "2.edxml", "4.edxml", "5.edxml"]
    with line.parts() as (hub, _), hub.store.reading() as reader:
        (kept,) = quarantine.found(reader)
        assert (kept["agency"], kept["code"]) == ("G22", "QUARANTINED")
        assert reader.payload(kept["body_digest"]).startswith(b"PK"), "with its bytes"
        assert hub.broker.dead_depth() == 0


def test_what_was_accepted_last_and_taken_back_since_shows_too_who_is_to_blame(tmp_path: Path, poisoned: Any) -> None:
    """Else one message of one agency would stop the hub for all of them."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", recall(1), "recall.edxml")
    line.run()
    for number in (2, 4):
        line.drop("G06", document(number, sender="G06", subject="poison"))
        line.run()
        assert line.error("G06")["findings"][0]["code"] == "QUARANTINED"
        line.drop("G22", document(3), "another.edxml")  # which is the one that is tried then
        line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"]}


def test_a_document_that_kills_the_hub_is_quarantined_after_its_attempts_and_takes_no_other_along(
    tmp_path: Path, poisoned: Any
) -> None:
    line = small_home(tmp_path / "home")
    poisoned.error = Crash()
    for number in range(1, 6):
        subject = "poison" if number == 3 else "V/v tốt"
        line.drop("G22", document(number, content=b"%d" % number, subject=subject), f"{number}.edxml")
    deaths = 0
    for _ in range(20):
        try:
            line.run()
        except Crash:
            deaths += 1
        else:
            break
    assert 1 <= deaths <= admit.MAX_ATTEMPTS + 1
    good = sorted(hashlib.sha256(b"%d" % n).hexdigest() for n in (1, 2, 4, 5))
    assert sorted(line.attachments("H41")) == good
    assert line.error("G22", "3.edxml")["findings"][0]["code"] == "QUARANTINED"


def test_a_bad_receipt_is_quarantined_entered_and_never_answered(tmp_path: Path) -> None:

    line = small_home(tmp_path / "home")
    line.drop("G22", document(to=("H41",)))
    line.run()
    about = line.trace("1/TN-G22")["document"]
    subject = Subject(about["axis_id"], "new", "G22", about["document_id"], about["content_digest"])
    with line.parts() as (hub, agencies):
        by_code = {a.code: a for a in agencies}
        stranger = by_code["G06"]

        def forged(event: Event, recipient: str, reasons: tuple[receipt.Reason, ...] = ()) -> bytes:
            statement = Statement("x", event, line.clock.now, recipient, (), reasons)
            said = Receipt(hub.installation, recipient, subject, (statement,))
            return receipt.signed(said, stranger.signer, line.clock.now)

        no = (receipt.Reason("HANDOVER_REFUSED", "không", "no"),)
        elsewhere = Subject(about["axis_id"], "new", "G22", "G22,2026/01/01,999/ANOTHER", about["content_digest"])
        statement = Statement("x", Event.ContentHandover, line.clock.now, "G06")
        another_document = receipt.signed(
            Receipt(hub.installation, "G06", elsewhere, (statement,)), stranger.signer, line.clock.now
        )
        bodies = [
            forged(Event.ContentHandover, "H41"),  # in H41's name, with G06's key
            forged(Event.ContentHandover, "G06"),  # G06 is no recipient
            forged(Event.ContentHandoverFailure, "G06", no),
            another_document,
            b"PK\x03\x04 rubbish",
        ]
        messages = [Message(str(n), Route("in", "G06"), body, user_id="G06") for n, body in enumerate(bodies)]
        stranger.broker.publish(messages)
        loops.hub_round(hub, line.clock())
        # The rubbish is not even a receipt: it is refused like a document. The receipts are put aside.
        with hub.store.reading() as reader:
            assert [row["agency"] for row in quarantine.found(reader)] == ["G06"] * 4
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert line.events("G06") == ["A.2"]


def test_a_withdrawal_that_contradicts_the_hand_over_changes_nothing(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.run()
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    (change,) = line.trace("1/TN-G22")["changes"]
    about = line.trace(change["axis_id"])["document"]
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        subject = Subject(about["axis_id"], "recall", "G22", about["document_id"], about["content_digest"])
        statement = Statement("x", Event.ContentWithdrawal, line.clock.now, "H41")
        body = receipt.signed(Receipt(hub.installation, "H41", subject, (statement,)), h41.signer, line.clock.now)
        h41.broker.publish([Message("1", Route("in", "H41"), body, user_id="H41")])
        loops.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            assert [row["agency"] for row in quarantine.found(reader)] == ["H41"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.stages("1/TN-G22") == {"H41": ["recall PENDING"]}
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"]}
    line.check_ledger()


def test_a_handover_is_never_turned_into_a_refusal(tmp_path: Path) -> None:

    line = small_home(tmp_path / "home")
    line.drop("G22", document())
    line.run()
    about = line.trace("1/TN-G22")["document"]
    subject = Subject(about["axis_id"], "new", "G22", about["document_id"], about["content_digest"])
    with line.parts() as (hub, agencies):
        recipient = next(a for a in agencies if a.code == "H41")
        no = (receipt.Reason("HANDOVER_REFUSED", "không", "no"),)
        statement = Statement("x", Event.ContentHandoverFailure, line.clock.now, "H41", (), no)
        said = Receipt(hub.installation, "H41", subject, (statement,))
        body = receipt.signed(said, recipient.signer, line.clock.now)
        recipient.broker.publish([Message("late", Route("in", "H41"), body, user_id="H41")])
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "E.1 H41"]


def damage(line: Line, document_id: str) -> bytes:
    """A byte of this document's stored parcel changes, as on a failing disk; the good bytes."""
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        (row,) = connection.execute(
            tables.submission.select().where(tables.submission.c.document_id == document_id)
        ).mappings()
        return spoil(connection, row["body_digest"])


def spoil(connection: Connection, digest: str) -> bytes:
    where = payloads.payload.c.digest == digest
    good = payloads.get(connection, digest)
    connection.execute(payloads.payload.update().where(where).values(content=bytes([good[0] ^ 1]) + good[1:]))
    return good


def test_a_parcel_that_the_hubs_disk_has_damaged_fails_alone_and_its_sender_is_told(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.drop("G22", document(2, to=("H41", "G06"), content=b"good"), "b.edxml")
    with line.parts() as (hub, agencies):
        loops.agency_round(next(one for one in agencies if one.code == "G22"), line.clock())
        admit.step(hub, line.clock())
    damage(line, "G22,2026/11/23,1/TN-G22")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "FAILED"}
    assert line.states("2/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    (told,) = [
        s for r in line.receipts("G22").values() for s in r.statements if s.event is Event.ContentConsignmentFailure
    ]
    assert (told.recipient, told.reasons[0].code) == ("H41", "BODY_CORRUPT")
    line.check_ledger()


def test_a_receipt_that_the_hubs_disk_has_damaged_waits_alone(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        loops.agency_round(next(one for one in agencies if one.code == "G22"), line.clock())
        admit.step(hub, line.clock())
        with hub.store.database.begin() as connection:
            (row,) = connection.execute(tables.submission.select()).mappings()
            good = spoil(connection, row["acceptance_digest"])
    line.run(patience=timedelta(minutes=5))
    assert line.events("G22") == ["D.2 H41"], "its A.1 waits, and what is proved by it cannot go out"
    with line.parts() as (hub, _), hub.store.database.begin() as connection:
        connection.execute(
            payloads.payload.update().where(payloads.payload.c.digest == row["acceptance_digest"]).values(content=good)
        )
    line.run()
    assert "A.1" in line.events("G22")


def test_a_parcel_that_the_recipients_disk_has_damaged_waits_alone_and_coming_again_mends_it(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    line.drop("G22", document(2, content=b"good"), "b.edxml")

    def only_take(_: Any, agencies: list[Any]) -> None:
        agencies[:] = [one for one in agencies if one.code != "H41"]

    line.run(before=only_take)
    with line.parts() as (_, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        take.take(h41, line.clock())
        with h41.journal.reading() as reader:
            (row,) = reader.documents("G22", "G22,2026/11/23,1/TN-G22")
            proof = reader.payload(row["proof_digest"])
    good = damage(line, "G22,2026/11/23,1/TN-G22")
    line.run(patience=timedelta(minutes=5))
    assert line.attachments("H41") == [hashlib.sha256(b"good").hexdigest()]
    with line.parts() as (_, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        mail = Message(row["id"], Route("out", "H41"), good, proof)
        with h41.journal.transaction() as tx:
            judge._keep_document(h41, mail, line.clock())(tx)
    line.run()
    assert len(line.attachments("H41")) == 2
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_of_what_one_agency_has_put_aside_only_so_much_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_QUARANTINED", 3)
    line = small_home(tmp_path / "home")
    with line.parts() as (hub, agencies):
        (flood,) = [one for one in agencies if one.code == "G06"]
        for number in range(5):
            subject = Subject(f"x{number}", "new", "G22", "d", "0" * 64)
            statement = Statement("x", Event.ContentHandover, line.clock.now, "G06")
            body = receipt.signed(Receipt(hub.installation, "G06", subject, (statement,)), flood.signer, line.clock.now)
            flood.broker.publish([Message(str(number), Route("in", "G06"), body, user_id="G06")])
        loops.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            assert len(quarantine.found(reader)) == 3
        assert hub.broker.depth(Route("in", "G06")) == 0, "the rest is entered and not kept"
    assert line.check_ledger() >= 5
