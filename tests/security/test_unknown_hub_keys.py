"""What comes to an agency signed by a key that it does not know as the hub's: whoever writes into its queue gets nothing
believed, fills no disk, and keeps nothing back."""

from __future__ import annotations

import hashlib
import shutil
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core import parcel, receipt
from axis.core.message import Delivered, Message, Route
from axis.core.receipt import Event, Receipt, Statement
from axis.core.registry import HUB
from axis.errors import Fault, Problem
from axis.infra import keystore
from axis.infra.journal import aside as journal
from axis.infra.journal import tables
from axis.services import run as loops
from axis.services.agency import aside, judge, take
from tests import own
from tests.line import document
from tests.security.test_forgeries import Thief, copied, made  # noqa: F401  a fixture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from axis.core.signature import KeySigner
    from axis.services.agency.adapter import Agency
    from axis.services.agency.mail import Change, Mail
    from tests.own import Own

pytestmark = pytest.mark.timeout(180)
FAR = 10**9  # a registry that will never come


def stranger(thief: Thief) -> KeySigner:
    """A key that anybody makes at home, in the hub's name."""
    authority = keystore.new_authority(thief.now - timedelta(hours=1))
    return keystore.new_member(authority, HUB, "Trục", "p256", thief.now - timedelta(hours=1))


def said_by(by: KeySigner, thief: Thief, one: Receipt) -> bytes:
    return parcel.build(parcel.RECEIPT, receipt.write(one), (), by, thief.now)


def vouched(by: KeySigner, thief: Thief, body: bytes, subject: receipt.Subject, version: int = FAR) -> bytes:
    """R.1 for `body`, by a registry that is not here."""
    evidence = hashlib.sha256(body).hexdigest()
    said = Statement("7" * 32, Event.ReceiptAcceptance, thief.now, "H41", evidence=evidence)
    return said_by(by, thief, Receipt(thief.place, HUB, subject, (said,), version))


def accepted(by: KeySigner, thief: Thief, body: bytes, axis_id: str, version: int = FAR) -> bytes:
    """A.1 for a document of H41's to G22."""
    digest = parcel.unverified_digest(body)
    subject = receipt.Subject(axis_id, "new", "H41", "H41,2026/11/23,9/TN-H41", digest)
    said = Statement("8" * 32, Event.SubmissionAcceptance, thief.now, recipients=("G22",))
    return said_by(by, thief, Receipt(thief.place, HUB, subject, (said,), version))


def comes(agency: Agency, body: bytes, proof: bytes, thief: Thief, main: str = "") -> Mail | Change | Problem:
    """It is judged and kept as any message that comes."""
    delivered = Delivered(Message("m", Route("out", agency.code), body, proof), False, None)
    found = judge.of(agency, delivered, main or parcel.peek(body)[0], thief.now)
    with agency.journal.transaction() as tx:
        take.keep(agency, tx, delivered, found, thief.now)
    return found


def sent(agency: Agency, notation: str) -> Sequence[sa.Row[Any]]:
    """What it has frozen of its documents with this notation."""
    rows = tables.outgoing
    with agency.journal.reading() as reader:
        return reader.connection.execute(sa.select(rows).where(rows.c.document_id.like(f"%{notation}"))).all()


@pytest.fixture
def line(made: Own, tmp_path: Path) -> Own:  # noqa: F811  the fixture
    shutil.copyfile(made.root.parent / "paper.txt", tmp_path / "paper.txt")
    return copied(made, tmp_path)


@pytest.mark.parametrize("who", ["a stranger", "the hub's key"])
@pytest.mark.parametrize("event", [Event.SubmissionAcceptance, Event.SubmissionRejection])
def test_a_receipt_that_waits_for_a_registry_answers_nothing_meanwhile(line: Own, event: Event, who: str) -> None:
    """The hub's own receipts come without a word beside them: one with such a word answers no document, whoever has
    signed it, for nobody has verified it."""
    line.drop("G22", document(5, to=("H41",)), "c.edxml")
    thief = Thief(line)
    by = stranger(thief) if who == "a stranger" else thief.hub
    with line.parts() as (hub, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        line.clock.now += timedelta(minutes=1)
        loops.agency_round(agency, line.clock())
        loops.hub_round(hub, line.clock())  # tells it that it may work
        for _ in range(2):
            loops.agency_round(agency, line.clock())
        (pending,) = sent(agency, "5/TN-G22")
        assert pending.state == "pending"
        subject = receipt.Subject("02" * 16, "new", "G22", pending.document_id, pending.content_digest)
        reasons = () if event.positive else (receipt.Reason("FORMAT", "sai", "wrong"),)
        said = Statement("9" * 32, event, thief.now, reasons=reasons)
        body = said_by(stranger(thief), thief, Receipt(thief.place, HUB, subject, (said,), FAR))
        comes(agency, body, vouched(by, thief, body, subject), thief)
        assert [row.state for row in sent(agency, "5/TN-G22")] == ["pending"]


@pytest.mark.parametrize("who", ["a stranger", "the hub's key"])
def test_a_receipt_in_an_agencys_own_name_that_waits_does_not_make_it_believe_that_it_has_handed_over(
    line: Own, who: str
) -> None:
    thief = Thief(line)
    by = stranger(thief) if who == "a stranger" else thief.hub
    said = Statement("9" * 32, Event.ContentHandover, thief.now, "H41")
    body = said_by(stranger(thief), thief, Receipt(thief.place, "H41", thief.second, (said,)))
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "H41"]
        comes(agency, body, vouched(by, thief, body, thief.second), thief)
        with agency.journal.reading() as reader:
            assert reader.state_of(thief.second.axis_id) != "handed_over"
    line.run()
    assert line.events("G22").count("E.1 H41") == 2, "it is handed over as if nothing had come"


def test_who_floods_an_agencys_queue_fills_neither_its_disk_nor_its_journal(
    line: Own, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has no room goes to the dead letters; true mail, and a true registry, pass all the same; after a week nothing
    of it is left."""
    monkeypatch.setattr(aside, "MESSAGES", 6)
    monkeypatch.setattr(aside, "BYTES", 100_000)
    thief = Thief(line)
    by, h41 = stranger(thief), keystore.load_signer(line.root / "H41" / "keys", "H41")
    body = thief.document(h41)
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        with monkeypatch.context() as less:
            less.setattr(aside, "PROOF_BYTES", 1000)
            assert isinstance(comes(agency, body, accepted(by, thief, body, "3" * 32), thief), Problem)
        told = [comes(agency, body, accepted(by, thief, body, f"{n:032x}"), thief) for n in range(20)]
        assert [one.fault for one in told if isinstance(one, Problem)] == [Fault.ASIDE_FULL] * 14
        with agency.journal.reading() as reader:
            kept = journal.kept(reader)
            assert (
                kept.count,
                reader.connection.execute(
                    sa.select(sa.func.count(tables.incoming.c.id).filter(tables.incoming.c.state == "held"))
                ).scalar(),
            ) == (6, 0)
            assert kept.size < 100_000
        agency.aside = None
        assert isinstance(comes(agency, body, accepted(by, thief, body, "f" * 32), thief), Problem), (
            "after a start, too"
        )
        with agency.journal.transaction() as tx:
            tx.connection.execute(sa.delete(tables.aside).where(tables.aside.c.number > 2))
        agency.aside = None
        fat, proof = body + bytes(99_000), accepted(by, thief, body, "e" * 32)
        assert isinstance(comes(agency, fat, proof, thief, parcel.DOCUMENT), Problem), "by bytes, too"
    found = own.run("doctor", "--home", line.root / "G22", "--json").stdout
    assert '"check": "aside", "verdict": "warn"' in found
    line.drop("H41", document(7, sender="H41", to=("G22",)), "d.edxml")
    own.done("agency", "suspend", "G06", "--home", line.path)
    line.run()
    assert line.installed("G22").version == thief.registry.version + 1
    assert line.events("H41").count("E.1 G22") == 2, "its status, and what it has sent now"
    line.clock.now += timedelta(days=8)
    line.run()
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        with agency.journal.reading() as reader:
            assert journal.kept(reader).count == 0


def test_what_came_before_the_registry_that_names_its_key_is_shown_when_that_comes(line: Own) -> None:
    """And nobody who has filled the place of a document has kept that back."""
    own.done("key", "succeed", "--paper", line.root.parent / "paper.txt", "--home", line.path)
    thief = Thief(line)
    h41 = keystore.load_signer(line.root / "H41" / "keys", "H41")
    body, axis_id = thief.document(h41), "01a21800-0000-7000-8000-000000000001"
    version = thief.registry.version + 1
    new = keystore.load_signer(line.path / "keys", HUB)
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        for by in (stranger(thief), new):
            comes(agency, body, accepted(by, thief, body, axis_id, version), thief)
        with agency.journal.reading() as reader:
            assert journal.kept(reader).count == 2
            assert reader.state_of(axis_id) == ""
    line.run()
    assert f"{axis_id}.edxml" in line.files("G22", "inbox", "*.edxml")
    with line.parts() as (_, agencies):
        (agency,) = [one for one in agencies if one.code == "G22"]
        with agency.journal.reading() as reader:
            assert journal.kept(reader).count == 0
            assert reader.state_of(axis_id) == "handed_over"
