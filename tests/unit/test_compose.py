"""A packet from a clerk's words: whatever the words and the files are called, nothing of the files is lost, and all that
is wrong is told at once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from click.testing import CliRunner

from axis import cli
from axis.core import edxml
from axis.core.edxml import Kind, Organ, ResponseFor
from axis.core.edxml.compose import About, Wording, compose
from tests import pki
from tests.hostile_names import NAMES

SAID = Wording(
    Organ("G22", "Văn phòng Chính phủ"), (Organ("H41"),), "12", "VPCP-HC", "Về việc họp", date(2026, 11, 23), "Công văn"
)


def digests(contents: object) -> list[str]:
    assert isinstance(contents, list | tuple)
    return [hashlib.sha256(one).hexdigest() for one in contents]


def test_what_it_makes_is_canonical_and_says_what_was_said() -> None:
    said = replace(SAID, signer="Nguyễn Văn An", position="Vụ trưởng", due=date(2026, 12, 1), priority=1)
    made = compose(said, [("a.pdf", b"%PDF")], pki.NOW)
    assert made.problems == ()
    again = edxml.convert(made.data)
    assert again.packet is not None
    assert edxml.write_packet(again.document, again.packet, again.attachments) == made.data
    found = again.packet
    assert (found.kind, found.document_id, found.code) == (Kind.NEW, "G22,2026/11/23,12/VPCP-HC", "12/VPCP-HC")
    assert (found.due_date, found.priority, found.sender.name) == ("2026/12/01", 1, "Văn phòng Chính phủ")
    assert found.header.value("SignerInfo", "FullName") == "Nguyễn Văn An"


def test_two_hundred_hostile_names_and_subjects_lose_no_byte_and_never_break_it() -> None:
    files = [(name, f"{number}".encode() * (1 + number)) for number, name in enumerate(NAMES)]
    files += [
        ("a zip by another name", b"PK\x03\x04 no zip"),
        ("b.docx", b"PK\x03\x04 nor this"),
        ("c.ZIP", b"PK\x03\x04"),
    ]
    made = compose(SAID, files, pki.NOW)
    assert [one for one in made.problems if one.severity == "error"] == []
    read = edxml.convert(made.data)
    assert digests(read.attachments) == digests([content for _, content in files])
    assert len(set(made.names)) == len(files)
    for name in NAMES:
        one = compose(replace(SAID, subject=name, number=name[:20], notation=name), [(name, b"x")], pki.NOW)
        again = edxml.convert(one.data)
        bad = {p.fault for p in one.problems if p.severity == "error"}
        assert bad or (again.packet is not None and not [p for p in again.problems if p.severity == "error"])
        assert digests(again.attachments) == digests([b"x"])


def test_every_finding_is_told_at_once() -> None:
    bad = replace(SAID, subject="(MẬT) \x01", number="", recipients=(Organ("H41"), Organ("h 1")), day=date(2027, 1, 1))
    made = compose(bad, [("a.pdf", b"")], pki.NOW)
    told = {one.fault.code for one in made.problems}
    assert told >= {"PACKET_SECRET", "PACKET_VALUE", "PACKET_MISSING", "PACKET_ORGAN", "PACKET_ATTACHMENTS"}
    assert "PACKET_FUTURE" in told


def test_it_judges_as_packet_check_does(tmp_path: Path) -> None:
    long = replace(SAID, subject="x" * 501, notation="y" * 31, day=SAID.day + timedelta(days=9000))
    for number, said in enumerate((SAID, long, replace(SAID, subject="độ mật: tối mật"))):
        made = compose(said, [("a.pdf", b"%PDF")], pki.NOW)
        (tmp_path / f"{number}.edxml").write_bytes(made.data)
        found = CliRunner().invoke(cli.main, ["packet", "check", str(tmp_path / f"{number}.edxml"), "--json"])
        assert found.exit_code == (3 if any(p.severity == "error" for p in made.problems) else 0)
        told = [json.loads(one)["code"] for one in found.stdout.splitlines() if '"code"' in one]
        assert sorted(told) == sorted(p.fault.code for p in made.problems)


def test_a_recall_an_update_a_replacement_and_an_answer_say_what_they_are_about() -> None:
    document_id, had = "G22,2026/11/23,12/VPCP-HC", ("H41", "H26")
    recall = About(Kind.RECALL, document_id, "Nhầm", had)
    update = About(Kind.UPDATE, document_id, "Sửa", had, ("H26",), ("H41",), changes_content=True)
    replaced = About(Kind.REPLACE, document_id, "Thay", had)
    for about, files in ((recall, []), (update, [("a.pdf", b"x")]), (replaced, [("a.pdf", b"x")])):
        made = compose(replace(SAID, about=about, document_id=document_id), files, pki.NOW)
        assert made.problems == ()
        packet = edxml.convert(made.data).packet
        assert packet is not None
        assert (packet.kind, packet.bussiness_reason) == (about.kind, about.reason)
        if about.kind is Kind.REPLACE:
            assert packet.replaced == ((document_id, had),)
        else:
            assert packet.bussiness_document_id == document_id
        if about.kind is Kind.UPDATE:
            assert packet.receivers == (("H26", True), ("H41", False))
            assert packet.changes_content
    answer = replace(SAID, answers=(ResponseFor("H41", "7/UBND-VP", "H41,2026/11/20,7/UBND-VP", "2026/11/20"),))
    packet = edxml.convert(compose(answer, [("a.pdf", b"x")], pki.NOW).data).packet
    assert packet is not None
    assert packet.response_for == answer.answers
