"""A document's way through a whole embedded home, as a clerk sees it in the folders."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from axis import bootstrap, config
from axis.core import parcel, receipt
from axis.core.hub.lifecycle import retry_after
from axis.core.instant import whole
from axis.core.message import Message, Route
from axis.errors import Unavailable
from axis.infra import embedded
from axis.infra.journal import tables as journal
from axis.infra.record import outbox, registries, search
from axis.services import run as loops
from axis.services import sweep
from axis.services.operate import registry as members
from tests.line import CODES, Line, document, small_home, status

if TYPE_CHECKING:
    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

CONTENT = b"%PDF-1.4 noi dung"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def line(tmp_path: Path) -> Line:
    return small_home(tmp_path / "home")


def test_a_document_reaches_its_recipient_and_both_sides_hold_signed_receipts(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    assert line.attachments("H41") == [DIGEST]
    assert len(line.files("H41", "inbox", "*.asice")) == 1
    assert line.events("G22") == ["A.1", "E.1 H41"]
    assert len(line.files("G22", "status", "*.01.H41.edxml")) == 1
    assert line.files("G22", "sent") == ["a.edxml"]
    assert line.files("G22", "outbox") == []
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.check_ledger() >= 4


def test_one_document_to_three_and_each_gets_its_own_delivery(line: Line) -> None:
    line.drop("G22", document(to=("H41", "G06", "H29")))
    line.run()
    for code in ("H41", "G06", "H29"):
        assert line.attachments(code) == [DIGEST]
    assert line.attachments("G18") == []
    assert line.events("G22") == ["A.1", "E.1 G06", "E.1 H29", "E.1 H41"]


def test_the_same_packet_again_changes_nothing_and_gives_the_same_receipt(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    (name,) = line.files("G22", "receipts", "*.A.1.asice")
    first = (line.folder("G22", "receipts") / name).read_bytes()
    (line.folder("G22", "receipts") / name).unlink()
    line.drop("G22", document(), "again.edxml")
    line.run()
    assert (line.folder("G22", "receipts") / name).read_bytes() == first
    assert line.attachments("H41") == [DIGEST]
    assert line.files("G22", "sent") == ["a.edxml", "again.edxml"]
    assert line.events("G22") == ["A.1", "E.1 H41"]


def test_the_same_content_in_other_bytes_is_the_same_document(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("G22", document().replace(b"<Subject>", b"\n <Subject>  "), "b.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]
    assert line.files("G22", "sent") == ["a.edxml", "b.edxml"]


def test_the_same_document_id_with_other_content_is_a_signed_conflict_naming_both_digests(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("G22", document(content=b"other"), "b.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]
    (refusal,) = [r for name, r in line.receipts("G22").items() if ".A.2." in name]
    (reason,) = refusal.statements[0].reasons
    accepted = line.trace("1/TN-G22")["document"]["content_digest"]
    assert reason.code == "DUP_CONFLICT"
    assert accepted in reason.text_en
    assert refusal.subject.content_digest in reason.text_en
    assert refusal.subject.content_digest != accepted
    assert line.error("G22", "b.edxml")["findings"][0]["code"] == "DUP_CONFLICT"


def test_a_refused_packet_corrected_under_the_same_document_id_is_accepted(line: Line) -> None:
    line.drop("G22", document(to=("H41", "H63")))
    line.run()
    assert line.error("G22")["findings"][0]["code"] == "AGENCY_UNKNOWN"
    assert line.error("G22")["refused_by"] == "hub"
    assert line.attachments("H41") == []
    line.drop("G22", document(to=("H41",)), "b.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]


def test_a_refusal_on_circumstances_is_judged_afresh_and_may_be_lifted(line: Line) -> None:
    line.drop("G22", document(to=("H41", "H63")))
    line.run()
    assert line.error("G22")["findings"][0]["retry"] is True
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.add(registrar, "H63", "UBND tỉnh Yên Bái", "", "province", "p256", line.clock())
    line.drop("G22", document(to=("H41", "H63")), "b.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]
    assert line.attachments("H63") == [DIGEST]


def test_a_refusal_that_depends_on_the_bytes_alone_is_repeated_as_it_was(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("G22", document(content=b"other"), "b.edxml")
    line.run()
    before = {n for n in line.files("G22", "receipts") if ".A.2." in n}
    line.drop("G22", document(content=b"other"), "c.edxml")
    line.run()
    assert {n for n in line.files("G22", "receipts") if ".A.2." in n} == before
    assert line.files("G22", "failed") == ["b.edxml", "b.edxml.error.json", "c.edxml", "c.edxml.error.json"]


def test_a_bad_packet_lands_in_failed_with_every_finding_and_the_others_go_on(line: Line) -> None:
    bad = document(2).replace(b"2026/11/23</PromulgationDate>", b"32/13/2026</PromulgationDate>")
    bad = bad.replace("<Subject>V/v thử nghiệm</Subject>".encode(), b"")
    line.drop("G22", bad, "bad.edxml")
    line.drop("G22", document(), "good.edxml")
    line.run()
    report = line.error("G22", "bad.edxml")
    assert {(f["code"], f["path"]) for f in report["findings"]} == {
        ("PACKET_MISSING", "Subject"),
        ("PACKET_DATE", "PromulgationInfo/PromulgationDate"),
    }
    assert report["refused_by"] == "adapter"
    assert line.files("G22", "sent") == ["good.edxml"]
    assert line.attachments("H41") == [DIGEST]


def test_a_sender_cannot_write_in_anothers_name(line: Line) -> None:
    line.drop("H41", document(sender="G22", to=("G06",)))
    line.run()
    assert line.error("H41")["findings"][0]["code"] == "AUTHZ_MISMATCH"
    assert line.attachments("G06") == []


def test_a_unit_sends_and_receives_through_its_member(line: Line) -> None:
    line.drop("H29", document(sender="H29.10.05", to=("H41.02", "H41", "000.00.14.G06")))
    line.run()
    assert line.states("1/TN-H29") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    units = {d["recipient"]: d["units"] for d in line.trace("1/TN-H29")["deliveries"]}
    assert units == {"H41": ["H41.02", "H41"], "G06": ["000.00.14.G06"]}
    assert line.attachments("H41") == [DIGEST]


def test_statuses_travel_back_to_the_sender_and_climb_the_ladder(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    for number, code in enumerate(("03", "05", "04", "06")):
        line.drop("H41", status(code), f"s{number}.edxml")
        line.run()
    (delivery,) = line.trace("1/TN-G22")["deliveries"]
    assert delivery["business_status"] == "06"
    received = [n for n in line.files("G22", "status", "*.edxml") if ".01." not in n]
    assert len(received) == 4
    # A status has A and E, no D, and makes no 01 in its turn.
    assert line.events("H41").count("A.1") == line.events("H41").count("E.1 G22") == 4
    assert not [e for e in line.events("H41") if e.startswith("D")]
    assert line.files("H41", "status") == []


def test_a_01_from_the_recipients_own_system_after_the_handover_is_a_repetition(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("H41", status("01"))
    line.run()
    assert line.files("H41", "sent") == ["a.edxml"]
    assert len(line.files("G22", "status")) == 1


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [("15", "", "STATUS_NOT_OPEN"), ("13", "", "AUTHZ_MISMATCH")],
)
def test_a_status_out_of_place_is_refused(line: Line, code: str, description: str, expected: str) -> None:
    line.drop("G22", document())
    line.run()
    line.drop("H41", status(code, description=description))
    line.run()
    assert line.error("H41")["findings"][0]["code"] == expected


def test_a_refusal_after_acceptance_is_refused_and_one_before_it_moves_the_business_ladder_only(line: Line) -> None:
    line.drop("G22", document(1))
    line.drop("G22", document(2), "b.edxml")
    line.run()
    line.drop("H41", status("02", 1, description="sai nơi nhận"))
    line.drop("H41", status("03", 2), "b.edxml")
    line.run()
    line.drop("H41", status("02", 2, description="muộn"), "c.edxml")
    line.run()
    assert line.trace("1/TN-G22")["deliveries"][0]["business_status"] == "02"
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert line.error("H41", "c.edxml")["findings"][0]["code"] == "STATUS_ILLEGAL"


def test_a_status_about_an_unknown_document_is_refused_but_may_be_tried_again(line: Line) -> None:
    line.drop("H41", status("03"))
    line.run()
    assert line.error("H41")["findings"][0]["code"] == "STATUS_UNKNOWN_DOCUMENT"
    line.drop("G22", document())
    line.run()
    line.drop("H41", status("03"), "b.edxml")
    line.run()
    assert line.files("H41", "sent") == ["a.edxml", "b.edxml"], "the one that had failed, too"


def test_mail_for_a_suspended_agency_waits_and_goes_on_after_resume(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "H41", "thử", line.clock())
    line.drop("G22", document(to=("H41", "G06")))
    line.run()
    assert line.states("1/TN-G22") == {"H41": "ACCEPTED", "G06": "HANDED_OVER"}
    line.drop("H41", document(5, sender="H41", to=("G06",)))
    line.run(patience=timedelta(minutes=30))
    assert line.attachments("G06") == [DIGEST]
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.resume(registrar, "H41", "xong", line.clock())
    line.run()
    assert line.attachments("H41") == [DIGEST]
    # Its own document, sent while it was suspended, was refused; the answer waited with the rest of its mail.
    assert line.error("H41")["findings"][0]["code"] == "AGENCY_SUSPENDED"


def test_old_parcels_verify_after_a_key_was_rotated_and_new_ones_use_the_new_key(line: Line) -> None:
    line.drop("G22", document(1))
    line.run()
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, "G22", "rsa", revoke=True, reason="lộ khóa", now=line.clock())
    line.drop("G22", document(2), "b.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST, DIGEST]


def test_when_a_queue_is_missing_the_hub_retries_then_gives_up_and_says_so(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home", give_up=3)
    line.drop("G22", document(to=("H41", "G06")))

    def lose_queue(hub, agencies) -> None:
        agencies[:] = [a for a in agencies if a.code != "H41"]
        with hub.store.database.begin() as connection:
            queues = embedded.queue.c.name.like("axis.to.H41%")
            connection.execute(embedded.queue.delete().where(queues))

    line.run(before=lose_queue)
    assert line.states("1/TN-G22") == {"H41": "FAILED", "G06": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "D.2 H41", "E.1 G06"]
    tried = [e for e in line.trace("1/TN-G22")["events"] if e["event"] == "delivery.postponed"]
    assert len(tried) == 2


def test_when_the_agencys_system_is_away_nothing_is_said_and_it_is_handed_over_later(line: Line) -> None:
    line.drop("G22", document())
    inbox = line.folder("H41", "inbox")

    with line.parts() as (hub, agencies):
        for agency in agencies:
            agency.open()
        inbox.rmdir()
        inbox.write_text("not a folder")
        from axis.services import run as loops

        for _ in range(6):
            loops.hub_round(hub, line.clock())
            for agency in agencies:
                loops.agency_round(agency, line.clock())
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    inbox.unlink()
    inbox.mkdir()
    line.clock.now += timedelta(minutes=20)
    line.run()
    assert line.attachments("H41") == [DIGEST]


def test_five_megabytes_travel_byte_for_byte(line: Line) -> None:
    content = bytes(range(256)) * 20_000
    line.drop("G22", document(content=content))
    line.run()
    assert line.attachments("H41") == [hashlib.sha256(content).hexdigest()]


def test_a_signed_parcel_dropped_into_the_outbox_travels_as_it_is(line: Line) -> None:
    from axis.core import edxml, parcel
    from axis.infra import keystore

    signer = keystore.load_signer(line.path / "keys", "G22")
    converted = edxml.convert(document())
    signed = parcel.build("document.edxml", converted.document, converted.attachments, signer, line.clock.now)
    line.drop("G22", signed, "ready.asice")
    line.drop("G22", signed[:-1], "cut.asice")
    other = keystore.load_signer(line.path / "keys", "H41")
    foreign = parcel.build("document.edxml", converted.document, converted.attachments, other, line.clock.now)
    line.drop("G22", foreign, "foreign.asice")
    line.run()
    (name,) = line.files("H41", "inbox", "*.asice")
    assert (line.folder("H41", "inbox") / name).read_bytes() == signed
    assert line.error("G22", "cut.asice")["findings"][0]["code"] == "PARCEL_ZIP"
    assert line.error("G22", "foreign.asice")["findings"][0]["code"] == "AUTHZ_MISMATCH"


def test_a_second_process_cannot_open_a_home_that_is_in_use(line: Line) -> None:
    with line.parts(), pytest.raises(Unavailable) as caught, line.parts():
        pass
    assert caught.value.fault.code == "HOME_LOCKED"


def test_who_looks_whether_a_home_is_in_use_keeps_nobody_from_using_it_and_misleads_nobody(line: Line) -> None:
    home = bootstrap.open_home(line.path)
    with (line.path / ".lock").open("a") as another:
        fcntl.flock(another, fcntl.LOCK_SH)  # as who looks does
        assert not bootstrap.is_running(home)
        threading.Timer(0.1, lambda: fcntl.flock(another, fcntl.LOCK_UN)).start()
        with line.parts():
            assert bootstrap.is_running(home)


def test_urgent_documents_take_the_urgent_lane(line: Line) -> None:
    line.drop("G22", document(priority=3))
    with line.parts() as (hub, agencies):
        from axis.services.agency import publish, submit
        from axis.services.hub import admit

        sender = next(a for a in agencies if a.code == "G22")
        for _ in range(3):
            submit.collect(sender, line.clock())
        publish.publish(sender, line.clock())
        admit.step(hub, line.clock())
        with hub.store.reading() as reader:
            routes = {d.route.queue for d in outbox.due(reader.connection, line.clock(), 10)}
    assert "axis.to.H41.urgent" in routes


def test_waiting_grows_and_is_bounded() -> None:
    waits = [retry_after(n, 1.0, first=5, longest=3600).total_seconds() for n in (1, 2, 3, 20, 1000)]
    assert waits == [5, 10, 20, 3600, 3600]
    assert retry_after(1, 0.0, first=5, longest=3600).total_seconds() == 2.5


def test_trace_answers_to_every_name_of_a_document(line: Line) -> None:
    line.drop("G22", document())
    line.run()
    about = line.trace("1/TN-G22")["document"]
    for key in ("axis_id", "document_id", "content_digest", "parcel_digest"):
        assert line.trace(about[key])["document"]["axis_id"] == about["axis_id"]
    assert line.trace(about["axis_id"][:20])["document"]["axis_id"] == about["axis_id"]
    assert json.loads(json.dumps(line.trace("1/TN-G22")))["events"][0]["event"] == "submission.accepted"


def test_a_new_agency_may_drop_a_document_before_its_first_registry_has_come(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.add(registrar, "H63", "UBND tỉnh Yên Bái", "", "province", "p256", line.clock())
    line.drop("H63", document(sender="H63"))
    line.run()
    assert line.attachments("H41") == [DIGEST]


def test_the_registry_is_not_changed_under_a_running_home(line: Line) -> None:
    with line.parts(), pytest.raises(Unavailable) as caught, bootstrap.registrar(bootstrap.open_home(line.path)):
        pass
    assert caught.value.fault.code == "HOME_LOCKED"


def test_two_units_of_a_closed_agency_fail_once_and_a_successor_takes_its_mail(line: Line) -> None:
    from dataclasses import replace

    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        for code, successor in (("H41", ""), ("G18", "G06")):
            member = registrar.registry().by_code[code]
            closed = replace(member, valid_until=line.clock.now - timedelta(days=1), successor=successor)
            members.change(registrar, closed, "close", "", line.clock())
    line.drop("G22", document(to=("H41.01", "H41.02", "G18")))
    line.run()
    assert line.states("1/TN-G22") == {"H41": "FAILED", "G06": "HANDED_OVER"}
    assert line.events("G22") == ["A.1", "D.2 H41", "E.1 G06"]


def test_a_packet_with_thousands_of_bad_addresses_gets_a_small_answer_and_stops_nobody(line: Line) -> None:
    line.drop("G22", document(1, to=tuple(f"H{n}" for n in range(100, 900))), "many.edxml")
    line.drop("G22", document(2, to=tuple(f"H41.{n}" for n in range(2000))), "more.edxml")
    line.drop("G22", document(3), "good.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]
    assert line.error("G22", "more.edxml")["findings"][0]["code"] == "PACKET_TOO_MANY"
    for name in line.files("G22", "receipts", "*A.2*"):
        assert (line.folder("G22", "receipts") / name).stat().st_size < 100_000


def test_two_changes_of_the_registry_from_the_same_version_do_not_overwrite_one_another(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        base = registrar.registry()

        class Stale(type(registrar)):  # type: ignore[misc]
            def registry(self):
                return base

        stale = Stale(registrar.home, registrar.store, registrar.signer, registrar.hub, registrar.officers)
        members.suspend(registrar, "H41", "", line.clock())
        with pytest.raises(Unavailable):
            members.suspend(stale, "G06", "", line.clock())
        standing = {c: registrar.registry().by_code[c].standing(line.clock()) for c in ("H41", "G06")}
    assert standing == {"H41": "suspended", "G06": "active"}


def test_a_registry_that_comes_with_mail_is_in_force_for_that_mail(line: Line) -> None:
    """A receipt waits beside the new registry, and a document signed with the new key comes right after."""
    with line.parts() as (hub, agencies):
        line.drop("G22", document(1))
        by_code = {a.code: a for a in agencies}
        from axis.services import run as loops

        for _ in range(3):
            loops.agency_round(by_code["G22"], line.clock())
        loops.hub_round(hub, line.clock())
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, "H41", "p256", revoke=True, reason="", now=line.clock())
    line.drop("H41", document(1, sender="H41", to=("G22",)))
    line.run()
    assert line.attachments("G22") == [DIGEST]
    assert line.states("1/TN-H41") == {"G22": "HANDED_OVER"}


def test_a_document_refused_for_its_key_is_signed_anew_when_given_again(line: Line) -> None:
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.suspend(registrar, "G22", "", line.clock())
    line.drop("G22", document())
    line.run(patience=timedelta(minutes=5))
    with bootstrap.registrar(bootstrap.open_home(line.path)) as registrar:
        members.rotate(registrar, "G22", "p256", revoke=True, reason="lộ khóa", now=line.clock())
        members.resume(registrar, "G22", "", line.clock())
    line.run()
    for _ in range(2):
        for name in line.files("G22", "failed", "*.edxml"):
            (line.folder("G22", "failed") / name).unlink()
        line.drop("G22", document())
        line.run()
    assert line.attachments("H41") == [DIGEST]


def test_one_file_that_cannot_be_dealt_with_does_not_keep_the_others_back(line: Line) -> None:
    outbox = line.folder("G22", "outbox")
    (outbox / os.fsdecode(b"b\xe9.edxml")).write_bytes(b"<x/>")
    (outbox / ("a" * 245 + ".edxml")).write_bytes(b"<x/>")
    line.drop("G22", document(), "z.edxml")
    line.run()
    assert line.attachments("H41") == [DIGEST]


def test_the_hubs_key_is_never_exported(line: Line, tmp_path: Path) -> None:
    from axis.errors import Rejected
    from axis.services.operate import provision

    home = bootstrap.open_home(line.path)
    with bootstrap.reading(home) as record, record.reading() as reader:
        registry = reader.payload(registries.newest(reader))
    for code in ("HUB", "H99", "../HUB"):
        with pytest.raises(Rejected):
            provision.export(line.path, home.config, [code], registry, tmp_path / "X", line.clock())
    assert not (tmp_path / "X").exists()


def test_a_new_member_that_cannot_be_written_leaves_no_key_behind(line: Line) -> None:
    from axis.errors import Rejected

    home = bootstrap.open_home(line.path)
    with bootstrap.registrar(home) as registrar:
        with pytest.raises(Rejected):
            members.add(registrar, "H63", "a\x01b", "", "", "p256", line.clock())
        assert "H63" not in home.codes()
        members.add(registrar, "H63", "UBND tỉnh Yên Bái", "", "", "p256", line.clock())
    assert "H63" in home.codes()


def test_an_agency_that_is_away_has_a_bounded_queue_and_the_rest_waits_in_the_record(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.configure(hub=config.Hub(queue_depth=3))
    for number in range(1, 11):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    line.drop("G22", document(11, to=("G06",), content=b"other"), "11.edxml")

    def away(_hub: Hub, agencies: list[Agency]) -> None:
        agencies[:] = [one for one in agencies if one.code != "H41"]

    line.run(before=away, patience=timedelta(minutes=1))
    with line.parts() as (hub, _):
        assert hub.broker.depth(Route("out", "H41")) == 3
        with hub.store.reading() as reader:
            assert outbox.waiting(reader)[0] == 7
    assert len(line.attachments("G06")) == 1, "the others' mail goes on"
    line.run()
    assert len(line.attachments("H41")) == 10
    assert len(set(line.attachments("H41"))) == 10


def test_an_agency_that_sends_more_than_it_may_waits_in_its_own_queue_and_nothing_is_refused(tmp_path: Path) -> None:
    line = small_home(tmp_path / "home")
    line.configure(hub=config.Hub(agency_documents_per_second=0.5))  # so five at once, and a batch
    for number in range(1, 61):
        line.drop("G22", document(number, content=b"%d" % number), f"{number}.edxml")
    line.drop("G18", document(61, sender="G18", content=b"other"), "61.edxml")
    with line.parts() as (hub, agencies):
        for _ in range(3):
            for one in agencies:
                loops.agency_round(one, line.clock())
            loops.hub_round(hub, line.clock())
        with hub.store.reading() as reader:
            accepted = search.counts(reader)["documents"]
        assert accepted < 61
        assert hub.broker.depth(Route("in", "G22")) > 0
    assert "A.1" in line.events("G18")
    with line.parts() as (hub, agencies):
        for _ in range(40):
            line.clock.now += timedelta(seconds=10)
            for one in agencies:
                loops.agency_round(one, line.clock())
            loops.hub_round(hub, line.clock())
    assert len(line.attachments("H41")) == 61
    assert line.files("G22", "failed") == []


def test_a_refusal_of_the_same_content_in_anothers_parcel_leaves_a_document_pending(tmp_path: Path) -> None:
    """A draft may be known to others before it is sent; what the hub says about their parcel is not about this one."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1))
    with line.parts() as (hub, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        loops.agency_round(g22, line.clock())
        (sent,) = hub.broker.receive([Route("in", "G22")], limit=2, max_bytes=10**9, timeout=0)
        hub.broker.close()
        content = parcel.unverified_digest(sent.message.body)
        for parcel_digest in ("0" * 64, ""):  # another's, and none as hubs of the version before said
            name = receipt.refusal_id(hub.new_id(line.clock()), parcel_digest) if parcel_digest else "old"
            why = (receipt.Reason("AUTHZ_MISMATCH", "lý do", "why"),)
            said = receipt.Statement(name, receipt.Event.SubmissionRejection, whole(line.clock()), reasons=why)
            subject = receipt.Subject("", "new", "G22", "G22,2026/11/23,1/TN-G22", content)
            a2 = receipt.signed(receipt.Receipt(hub.installation, "HUB", subject, (said,)), hub.signer, line.clock())
            hub.broker.publish([Message(name, Route("out", "G22"), a2)])
        loops.agency_round(g22, line.clock())
        with g22.journal.reading() as reader:
            (row,) = reader.outgoing_by_content(content)
            assert row["state"] == "pending"
    line.run()
    assert line.files("G22", "sent") == ["a.edxml"]
    assert line.files("G22", "failed") == []


def test_the_same_refused_content_in_a_new_parcel_gets_a_refusal_that_names_it(tmp_path: Path) -> None:
    """An adapter that lost its journal signs again; the refusal kept from before would not be believed."""
    line = small_home(tmp_path / "home")
    line.drop("G22", document(1, content=b"first"))
    line.run()
    line.drop("G22", document(1, content=b"other"), "b.edxml")  # a conflict: by its bytes alone
    line.run()
    with line.parts() as (_, agencies):
        (g22,) = [one for one in agencies if one.code == "G22"]
        with g22.journal.transaction() as tx:
            tx.connection.execute(journal.outgoing.delete().where(journal.outgoing.c.state == "refused"))
    for path in line.folder("G22", "failed").iterdir():
        path.unlink()
    line.clock.now += timedelta(hours=1)
    line.drop("G22", document(1, content=b"other"), "b.edxml")
    line.run()
    assert line.files("G22", "failed") == ["b.edxml", "b.edxml.error.json"]


def test_who_was_passed_over_on_a_slow_machine_is_looked_at_before_all_is_said_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "SECONDS", -1.0)  # opening the adapters alone has taken longer than a sweep may
    line = small_home(tmp_path / "home")
    for code in CODES[:2]:  # whoever is the first that is looked at, one of these is not
        line.drop(code, document(1, sender=code, to=("G22" if code != "G22" else "H41",)))
        line.run()
        assert line.files(code, "outbox") == [], code
