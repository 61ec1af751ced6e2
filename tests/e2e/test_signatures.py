"""Signatures and time: keys that are revoked and clocks that are wrong while documents and receipts are on their way."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis import bootstrap
from axis.core import ledger as entries
from axis.core import parcel, receipt
from axis.core.message import Message, Route
from axis.core.receipt import Event, Receipt, Statement, Subject
from axis.errors import Rejected
from axis.infra.journal import tables as journal
from axis.infra.record import quarantine, tables
from axis.services import run as loops
from axis.services.agency import hand_over, publish, take, withdraw
from axis.services.hub import admit
from axis.services.operate import registry as members
from axis.services.operate import resend
from tests.line import Line, document, recall, small_home, update
from tests.served import ServedLine

if TYPE_CHECKING:
    from pathlib import Path

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub
    from tests.servers import PostgreSql, RabbitMq

WRONG = timedelta(days=-800)  # a machine without a battery
AHEAD = timedelta(days=6 * 365)


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home", codes=("G22", "H41", "G06"))


def rotate(line: Line, code: str, *, revoke: bool = True) -> None:
    line.clock.now += timedelta(minutes=1)
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, code, "p256", revoke=revoke, reason="lộ khóa", now=line.clock())
    line.clock.now += timedelta(minutes=1)


def rounds(line: Line, count: int = 8, **off: timedelta) -> None:
    """Rounds in which the clocks of some are wrong."""
    with line.parts() as (hub, agencies):
        for _ in range(count):
            line.clock.now += timedelta(seconds=2)
            loops.hub_round(hub, line.clock.now + off.get("hub", timedelta(0)))
            for one in agencies:
                loops.agency_round(one, line.clock.now + off.get(one.code, timedelta(0)))


def ledger(line: Line, event: str) -> list[dict[str, Any]]:
    """The details of the hub's entries of this kind."""
    query = sa.select(tables.ledger_entry.c.canonical).order_by(tables.ledger_entry.c.id)
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        found = [entries.read(one) for one in reader.connection.execute(query).scalars()]
    return [entry.detail for entry in found if entry.event == event]


def noted(line: Line, code: str, event: str) -> list[dict[str, Any]]:
    """The details of an adapter's events of this kind."""
    query = sa.select(journal.event.c.canonical).where(journal.event.c.agency == code).order_by(journal.event.c.number)
    with bootstrap.reading_journals(bootstrap.open_home(line.path)) as found, found[code].reading() as reader:
        said = [entries.read(one) for one in reader.connection.execute(query).scalars()]
    return [entry.detail for entry in said if entry.event == event]


def quarantined(line: Line) -> list[str]:
    with bootstrap.reading(bootstrap.open_home(line.path)) as record, record.reading() as reader:
        return [row["code"] for row in quarantine.found(reader)]


def dead_letters(line: Line) -> int:
    with line.parts() as (hub, _):
        return hub.broker.dead_depth()


def handed_over_and_not_posted(line: Line, code: str = "H41") -> None:
    """G22's document is in `code`'s system, and its receipt waits in the journal: the line to the broker is down."""
    with line.parts() as (hub, agencies):
        by_code = {one.code: one for one in agencies}
        for _ in range(6):
            line.clock.now += timedelta(seconds=1)
            loops.hub_round(hub, line.clock.now)
            loops.agency_round(by_code["G22"], line.clock.now)
            take.take(by_code[code], line.clock.now)
            hand_over.hand_over(by_code[code], line.clock.now)


# -- What has passed is the signature, not what it says -----------------------------------------------------------


@pytest.mark.parametrize("wrong", [WRONG, AHEAD], ids=["behind", "ahead"])
def test_a_receipt_signed_while_the_recipients_clock_was_wrong_is_signed_again_when_it_is_right(
    line: Line, wrong: timedelta
) -> None:
    line.drop("G22", document(1))
    rounds(line, H41=wrong)
    assert "E.1 H41" not in line.events("G22")
    rounds(line)
    assert line.events("G22") == ["A.1", "D.1 H41", "E.1 H41"]
    assert (line.statuses("G22"), line.states("1/TN-G22")) == (["01 H41"], {"H41": "HANDED_OVER"})
    assert (quarantined(line), dead_letters(line)) == ([], 0)
    assert line.files("H41", "receipts") == [], "that is between its adapter and the hub"
    line.check_ledger()


def test_while_the_clock_is_wrong_a_receipt_is_refused_once_and_nothing_goes_round(line: Line) -> None:
    line.drop("G22", document(1))
    rounds(line, 20, H41=WRONG)
    (refused,) = ledger(line, "receipt.refused")
    assert refused["codes"] == ["KEY_EXPIRED"]
    assert len(noted(line, "H41", "receipt.refused")) == 1


@pytest.mark.parametrize("revoke", [True, False])
def test_a_receipt_whose_key_was_revoked_before_it_arrived_is_signed_again(line: Line, revoke: bool) -> None:
    line.drop("G22", document(1))
    handed_over_and_not_posted(line)
    rotate(line, "H41", revoke=revoke)
    line.run(patience=timedelta(minutes=5))
    assert line.events("G22") == ["A.1", "D.1 H41", "E.1 H41"]
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert (len(ledger(line, "receipt.refused")), quarantined(line)) == (int(revoke), [])
    line.check_ledger()


def test_a_receipt_that_is_asked_for_again_is_given_as_it_was_signed_last(line: Line) -> None:
    line.drop("G22", document(1))
    handed_over_and_not_posted(line)
    rotate(line, "H41")
    line.run(patience=timedelta(minutes=5))
    with line.parts() as (hub, _):
        with hub.store.reading() as reader:
            rows = resend.find(reader, resend.Selection(agency="H41", answered=True))
        assert resend.send(hub, rows, line.clock()) == 1
    line.run(patience=timedelta(minutes=5))
    assert len(ledger(line, "receipt.refused")) == 1
    assert quarantined(line) == []


def test_a_withdrawal_whose_key_was_revoked_before_it_arrived_is_signed_again(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    line.drop("G22", recall(1), "b.edxml")
    line.without("H41")
    with line.parts() as (_, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        take.take(h41, line.clock())
        withdraw.step(h41, line.clock())
    rotate(line, "H41")
    line.run(patience=timedelta(minutes=5))
    assert line.states("1/TN-G22") == {"H41": "RECALLED"}
    assert "W.1 H41" in line.events("G22")
    assert line.statuses("G22") == ["15 H41"]


def test_the_answer_to_a_receipt_is_an_ordinary_refusal_that_harms_no_adapter_that_does_not_know_it(line: Line) -> None:
    line.drop("G22", document(1))
    handed_over_and_not_posted(line)
    rotate(line, "H41")
    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        publish.publish(h41, line.clock())
        loops.hub_round(hub, line.clock())
        taken = h41.broker.receive([Route("out", "H41")], limit=10, max_bytes=10**7, timeout=0)
        (answer,) = [d.message for d in taken if parcel.peek(d.message.body)[0] == parcel.RECEIPT]
    said = receipt.read(parcel.peek(answer.body)[1], "HUB")
    (statement,) = said.statements
    assert (statement.event, [r.code for r in statement.reasons]) == (Event.SubmissionRejection, ["KEY_REVOKED"])
    assert (said.subject.axis_id, said.subject.sender, said.subject.document_id) == ("", "H41", "")
    assert (statement.leg, statement.outcome, statement.evidence, answer.proof) == ("", "", "", b"")


def test_a_document_refused_for_the_senders_clock_is_signed_anew_when_it_is_given_again(line: Line) -> None:
    line.drop("G22", document(1))
    rounds(line, G22=timedelta(hours=2))
    assert [f["code"] for f in line.error("G22")["findings"]] == ["CLOCK_SKEW"]
    line.drop("G22", document(1), "again.edxml")
    rounds(line)
    assert line.files("G22", "sent") == ["a.edxml", "again.edxml"], "the one that had failed, too"
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}


def test_a_document_whose_key_was_revoked_on_its_way_is_signed_again_and_nobody_has_to_do_anything(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        loops.agency_round(g22, line.clock())
    rotate(line, "G22")
    line.run(patience=timedelta(minutes=5))
    assert (line.files("G22", "sent"), line.files("G22", "failed")) == (["a.edxml"], [])
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert len(noted(line, "G22", "source.signed_again")) == 1


def test_a_parcel_that_the_agencys_own_tool_has_signed_is_not_signed_by_its_adapter(line: Line) -> None:
    line.drop("H41", document(1, sender="H41", to=("G06",)))
    line.run()
    own = next(line.folder("G06", "inbox").glob("*.asice")).read_bytes()
    with line.parts() as (_, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        signer = h41.signer
    packet = parcel.peek(own)[1].replace(b"1/TN-H41", b"9/TN-H41").replace(b">1</CodeNumber>", b">9</CodeNumber>")
    ready = parcel.build(parcel.DOCUMENT, packet, (b"%PDF-1.4 noi dung",), signer, line.clock())
    line.drop("H41", ready, "ready.asice")
    with line.parts() as (_, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        loops.agency_round(h41, line.clock())
    rotate(line, "H41")
    line.run(patience=timedelta(minutes=5))
    assert line.files("H41", "failed") == ["ready.asice", "ready.asice.error.json"]
    assert [f["code"] for f in line.error("H41", "ready.asice")["findings"]] == ["KEY_REVOKED"]
    assert line.error("H41", "ready.asice")["findings"][0]["retry"] is True


# -- What was good when the hub accepted it is good ---------------------------------------------------------------


def test_a_receipt_given_before_its_key_was_revoked_is_believed_after_it(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        for _ in range(3):
            loops.agency_round(g22, line.clock())
    line.without("G22")
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    rotate(line, "H41")
    line.run(patience=timedelta(minutes=5))
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert (line.statuses("G22"), dead_letters(line), quarantined(line)) == (["01 H41"], 0, [])
    assert len(noted(line, "G22", "receipt.doubted")) == len(ledger(line, "receipt.vouched")) == 1
    line.check_ledger()


def test_what_waits_at_the_hub_while_the_key_is_revoked_has_its_word_beside_it(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        loops.agency_round(g22, line.clock())
        loops.hub_round(hub, line.clock())
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "G22", "thử", line.clock())
    line.without("G22")
    rotate(line, "H41")
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, "G22", "thử", line.clock())
    line.run(patience=timedelta(minutes=5))
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert (noted(line, "G22", "receipt.doubted"), dead_letters(line)) == ([], 0)


def test_a_receipt_by_a_key_that_the_sender_does_not_know_yet_waits_for_the_registry(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        loops.agency_round(g22, line.clock())
        loops.hub_round(hub, line.clock())
    rotate(line, "H41")
    line.without("G22")
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        (registry,) = g22.broker.receive([Route("out", "G22", urgent=True)], limit=9, max_bytes=10**7, timeout=0)
        g22.broker.ack([registry])
        for _ in range(3):
            loops.agency_round(g22, line.clock())
            loops.hub_round(hub, line.clock())
        assert "E.1 H41" not in line.events("G22")
        hub.broker.publish([registry.message])
    line.run(patience=timedelta(minutes=5))
    assert line.events("G22") == ["A.1", "D.1 H41", "E.1 H41"]
    assert dead_letters(line) == 0


@pytest.mark.amqp
@pytest.mark.postgres
@pytest.mark.timeout(240)
def test_served_mail_follows_the_successor_and_a_receipt_outlives_its_key(
    rabbitmq: RabbitMq, postgres: PostgreSql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.record(f"signatures{time.monotonic_ns()}")
    monkeypatch.setenv("AXIS_DATABASE_URL", url)
    with ServedLine(tmp_path / "home", rabbitmq, url, ("G22", "H41", "G06")) as line:
        line.drop("G22", document(3, to=("G06",)), "c.edxml")
        line.without("G06")
        assert line.states("3/TN-G22") == {"G06": "QUEUED"}
        with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
            members.suspend(registrar, "G06", "thử", line.clock())
        line.drop("G22", document(1, to=("G06",)))
        line.without("G06")
        assert line.states("1/TN-G22") == {"G06": "ACCEPTED"}
        with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
            members.close(registrar, "G06", "H41", "hợp nhất", line.clock(), line.clock())
        line.without("G06")
        line.run(patience=timedelta(minutes=5))
        assert (line.states("1/TN-G22"), line.files("G06", "inbox")) == ({"H41": "HANDED_OVER"}, [])
        assert line.states("3/TN-G22") == {"H41": "HANDED_OVER"}, "it lay in the closed agency's queue, given to nobody"
        line.drop("G22", document(2), "b.edxml")
        with line.parts() as (hub, agencies):
            (g22,) = [one for one in agencies if one.code == "G22"]
            loops.agency_round(g22, line.clock())
        line.without("G22")
        assert line.states("2/TN-G22") == {"H41": "HANDED_OVER"}
        rotate(line, "H41")
        line.restart()
        line.run(patience=timedelta(minutes=5))
        assert line.events("G22").count("E.1 H41") == 3
        with line.parts() as (hub, _):
            assert hub.broker.dead_depth() == 0


def test_the_word_for_a_receipt_is_given_only_where_it_is_needed(line: Line) -> None:
    line.drop("G22", document(1, to=("H41", "G06")))
    line.run()
    query = sa.select(journal.incoming.c.proof_digest).where(journal.incoming.c.kind == "receipt")
    with bootstrap.reading_journals(bootstrap.open_home(line.path)) as found, found["G22"].reading() as reader:
        assert set(reader.connection.execute(query).scalars()) == {""}


def test_an_adapter_whose_own_clock_is_wrong_loses_no_receipt(line: Line) -> None:
    line.drop("G22", document(1))
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        for _ in range(3):
            loops.agency_round(g22, line.clock())
    rounds(line, 12, G22=WRONG)
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert dead_letters(line) == 0


def test_a_receipt_made_with_a_stolen_key_after_its_revocation_is_believed_by_nobody(line: Line) -> None:
    line.drop("G22", document(1))
    line.without("H41")
    about = line.trace("1/TN-G22")["document"]
    with line.parts() as (hub, agencies):
        stolen = next(one.signer for one in agencies if one.code == "H41")
        installation = hub.installation
    rotate(line, "H41")
    subject = Subject(about["axis_id"], "new", "G22", about["document_id"], about["content_digest"])
    said = Receipt(installation, "H41", subject, (Statement("x", Event.ContentHandover, line.clock.now, "H41"),))
    forged = receipt.signed(said, stolen, line.clock.now - timedelta(minutes=2))

    def planted(hub: Hub, agencies: list[Agency]) -> None:
        hub.broker.publish([Message("x", Route("out", "G22"), forged)])
        agencies[:] = [one for one in agencies if one.code != "H41"]

    line.run(before=planted, patience=timedelta(minutes=5))
    assert "E.1 H41" not in line.events("G22")
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    assert quarantined(line) == ["KEY_REVOKED"]


def test_a_receipt_that_another_has_published_is_answered_to_nobody(line: Line) -> None:
    line.drop("G22", document(1))
    handed_over_and_not_posted(line)
    rotate(line, "H41")

    with line.parts() as (hub, agencies):
        (h41,) = [one for one in agencies if one.code == "H41"]
        with h41.journal.reading() as reader:
            (post,) = h41.journal.all.due(["H41"], line.clock(), 10).post["H41"]
            body = reader.payload(post["body_digest"])
        with pytest.raises(Rejected):  # put aside
            admit.judge_again(hub, "H41", "x", body, "G06", line.clock())
    assert ledger(line, "receipt.refused") == []


def test_a_receipt_is_confirmed_to_nobody_but_whom_it_was_given_to(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    (name,) = [name for name, r in line.receipts("G22").items() if r.issuer == "H41"]
    body = (line.folder("G22", "receipts") / name).read_bytes()

    def shown(_hub: Hub, agencies: list[Agency]) -> None:
        (g06,) = [one for one in agencies if one.code == "G06"]
        g06.broker.publish([Message("x", Route("in", "G06"), body, user_id="G06")])

    line.run(before=shown)
    assert (quarantined(line), ledger(line, "receipt.vouched")) == (["AUTHZ_MISMATCH"], [])
    assert line.files("G06", "receipts") == []


def test_a_word_about_another_receipt_makes_none_good(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    (name,) = [name for name, r in line.receipts("G22").items() if r.issuer == "H41"]
    body = (line.folder("G22", "receipts") / name).read_bytes()
    said = receipt.read(parcel.peek(body)[1], "H41")
    rotate(line, "H41")
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        take.take(g22, line.clock())
        loops.hub_round(hub, line.clock())
        take.take(g22, line.clock())
        before = line.clock.now - timedelta(minutes=2)

        def word(
            evidence: str, signer: Any = hub.signer, issuer: str = "HUB", at: datetime = before, version: int = 1
        ) -> bytes:
            one = Statement("x", Event.ReceiptAcceptance, at, "H41", evidence=evidence)
            made = Receipt(hub.installation, issuer, said.subject, (one,), version)
            return receipt.signed(made, signer, line.clock.now)

        digest = hashlib.sha256(body).hexdigest()
        bad = [
            word("0" * 64),
            word(digest, at=line.clock.now),  # accepted after the revocation
            word(digest, g22.signer),
            word(digest, g22.signer, "G22"),
            word("0" * 64, version=99),
        ]
        words = [word(digest), *bad]
        hub.broker.publish([Message(str(n), Route("out", "G22"), body, proof) for n, proof in enumerate(words)])
        take.take(g22, line.clock())
        assert hub.broker.dead_depth() == len(bad) - 1
    with bootstrap.reading_journals(bootstrap.open_home(line.path)) as found, found["G22"].reading() as reader:
        put_aside = reader.connection.execute(sa.select(journal.aside.c.message)).scalars().all()
    assert put_aside == ["5"], "of a registry that is to come: believed in nothing until then"


def test_who_an_update_adds_gets_a_document_whose_key_was_revoked_since_it_was_accepted(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    rotate(line, "G22")
    line.drop("G22", update(1, changes_content=False, add=("G06",)), "b.edxml")
    line.run(patience=timedelta(minutes=5))
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
