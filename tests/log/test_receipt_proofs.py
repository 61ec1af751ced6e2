"""The receipts of the hub get their proofs: what an agency is told about the log lies beside them, and in its evidence."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from axis import config
from axis.core import parcel, receipt
from axis.core.log import exchange
from axis.core.message import Message
from axis.core.retention import Rules
from axis.infra.journal import proofs as journal
from axis.services import retention, run
from axis.services.agency import proofs
from axis.services.hub import witness
from tests.e2e.test_api import serving
from tests.e2e.test_cost import counted
from tests.line import Line, document, small_home
from tests.log.test_evidence import axis, failed, make, ours, theirs
from tests.log.test_witnesses import begin, minute

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Line:
    line = small_home(tmp_path_factory.mktemp("proofs") / "home")
    with line.parts() as (hub, agencies):
        begin(hub, agencies, line)
        line.drop("G22", document(1, to=("H41", "H29")))
        minute(hub, agencies, line, 3)
    return line


@pytest.fixture
def line(kept: Line, tmp_path: Path) -> Line:
    return kept.copy(tmp_path / "home")


def later(line: Line) -> datetime:
    line.clock.now += proofs.PAUSE
    return line.clock.now


def said(line: Line, code: str, name: str) -> receipt.Receipt:
    return receipt.claimed(parcel.peek((line.folder(code, "receipts") / name).read_bytes())[1])


def hubs(line: Line, code: str) -> list[str]:
    return [name for name in line.files(code, "receipts", "*.asice") if said(line, code, name).issuer == "HUB"]


def test_each_receipt_of_the_hub_has_its_proofs_beside_it_and_strict_verification_takes_it(line: Line) -> None:
    there = line.files("G22", "receipts", "*.tlog-proof")
    names = hubs(line, "G22")
    assert {said(line, "G22", one).statements[0].event.code for one in names} == {"A.1", "S.1"}
    for name in names:
        stem = name.removesuffix(".asice")
        count = len({one.entry for one in said(line, "G22", name).statements})
        assert sum(one.startswith(stem) for one in there) == count, name
        path = line.folder("G22", "receipts") / name
        assert axis(line, "verify", str(path), "--strict").exit_code == 0
        assert axis(line, "verify", str(path), "--strict", "--trust", str(line.path / "pki/ca.pem")).exit_code == 3
        proof = path.with_name(f"{stem}.tlog-proof")
        data = proof.read_bytes()
        proof.write_bytes(data.replace(b"extra ", b"extra A", 1))
        assert axis(line, "verify", str(path), "--strict").exit_code == 3
        proof.unlink()
        found = axis(line, "verify", str(path), "--strict")
        assert found.exit_code == 3
        assert "PROOF_MISSING" in found.output
        assert axis(line, "verify", str(path)).exit_code == 0, "without --strict it is as good as ever"
    recipients = [name for name in line.files("G22", "receipts", "*.asice") if ".E.1." in name]
    assert recipients
    for name in recipients:
        assert axis(line, "verify", str(line.folder("G22", "receipts") / name), "--strict").exit_code == 0


def test_who_has_much_in_the_log_is_told_in_portions_and_who_has_nothing_in_one_message(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told is checked, kept and shown in one sweep, and documents wait so long."""
    told: dict[str, list[exchange.Told]] = {}
    write = witness._message

    def message(code: str, body: bytes) -> Message:
        if isinstance(said := exchange.read_from_log(body), exchange.Told):
            told.setdefault(code, []).append(said)
        return write(code, body)

    for name, most in (("CHUNK", 2), ("ENTRIES", 3), ("WITNESSES", 2)):
        monkeypatch.setattr(witness, name, most)
    monkeypatch.setattr(witness, "_message", message)
    with line.parts() as (hub, agencies):
        for number in range(2, 6):
            line.drop("G22", document(number, to=("H41",)), f"{number}.edxml")
        minute(hub, agencies, line, 40)
    assert max(len(one.entries) for one in told["G22"]) == max(len(one.entries) for one in told["H41"]) == 3
    assert sum(len(one.entries) == 3 for one in told["G22"]) > 4
    bystander = told["H29"]
    assert bystander[-1].end - bystander[0].start > 10 * len(bystander), "not one for each chunk that is looked through"
    for one in told.values():
        assert [each.start for each in one[1:]] == [each.end for each in one[:-1]], "nothing is left out"
    names = hubs(line, "G22")
    assert len(names) == 6
    for name in names:
        assert axis(line, "verify", str(line.folder("G22", "receipts") / name), "--strict").exit_code == 0, name


def test_what_proves_many_receipts_costs_no_more_statements_and_flushes_than_what_proves_a_few(line: Line) -> None:
    spent = []
    with line.parts() as (hub, agencies):
        minute(hub, agencies, line, 3)  # what was sent before is proved
        for numbers in (range(2, 4), range(4, 24)):
            for number in numbers:
                line.drop("G22", document(number, to=("H41",)), f"{number}.edxml")
            for _ in range(6):
                run.hub_round(hub, line.clock())
                for one in agencies:
                    run.agency_round(one, line.clock())
            before = len(list(line.folder("G22", "receipts").glob("*.tlog-proof")))
            with counted() as flow:
                minute(hub, agencies, line, 2)
                spent.append((flow.statements, flow.flushes))
            proved = len(list(line.folder("G22", "receipts").glob("*.tlog-proof"))) - before
            assert proved == len(numbers)
    (few, flushes), (many, more) = spent
    assert many <= few + 15
    assert more <= flushes + 2


def test_an_agencys_own_evidence_proves_the_hubs_receipts(line: Line) -> None:
    line.configure(installation=config.load(line.path).installation._replace(role="agency", agencies=("G22", "H41")))
    (line.path / "pki" / "log.key").unlink()
    for code in ("G22", "H41"):
        data = make(line, "1/TN-G22", "--as", code)
        steps = ours(line, data, strict=True)
        assert steps == theirs(line, data, strict=True)
        assert failed(steps) == set()
        assert ("witnessed", "PASSED", "checkpoint") in steps
        path = line.path / "e.asice"
        path.write_bytes(data)
        assert axis(line, "verify", str(path), "--strict").exit_code == 0


def test_a_proof_that_comes_before_its_receipt_or_after_a_start_is_not_lost(line: Line) -> None:
    """The entry that a D.1 quotes is older than the receipt."""
    with line.parts() as (_, agencies):
        (one,) = [agency for agency in agencies if agency.code == "G22"]
        assert one.proving is None
        for name in line.files("G22", "receipts", "*.tlog-proof"):
            (line.folder("G22", "receipts") / name).unlink()
        with one.journal.reading() as reader:
            about = journal.since(reader, line.clock() - proofs.RECENT)
        assert about
        one.proving = set()
        for axis_id in about:
            proofs.came(one, axis_id)
        assert proofs.show(one, later(line)) == len(line.files("G22", "receipts", "*.tlog-proof")) > 0
        assert proofs.show(one, later(line)) == 0
        proofs.came(one, "0193-nothing")
        assert proofs.show(one, later(line)) == 0


def test_what_its_owner_has_taken_away_is_not_put_back_and_proofs_end_with_the_history(line: Line) -> None:
    with line.parts() as (hub, agencies):
        (one,) = [agency for agency in agencies if agency.code == "G22"]
        folder = line.folder("G22", "receipts")
        for path in list(folder.iterdir()):
            path.unlink()
        with one.journal.reading() as reader:
            one.proving = journal.since(reader, line.clock() - proofs.RECENT)
        assert proofs.show(one, later(line)) == 0
        assert list(folder.iterdir()) == []
        line.clock.now += timedelta(days=800)
        for _ in retention.Retention(Rules(history=731), hub, agencies).run(line.clock(), "2029-02-01"):
            pass
        with one.journal.reading() as reader:
            assert reader.connection.exec_driver_sql("SELECT count(*) FROM log_proof").scalar() == 0
            assert reader.connection.exec_driver_sql("SELECT count(*) FROM log_proof_head").scalar() == 0


def test_a_refusal_of_the_hub_has_its_proof_too(line: Line) -> None:
    with line.parts() as (hub, agencies):
        line.drop("G22", document(1, content=b"another under the same number"), "again.edxml")
        minute(hub, agencies, line, 3)
    (name,) = [one for one in hubs(line, "G22") if said(line, "G22", one).statements[0].event.code == "A.2"]
    path = line.folder("G22", "receipts") / name
    assert axis(line, "verify", str(path), "--strict").exit_code == 0
    path.with_suffix(".tlog-proof").unlink()
    assert "PROOF_MISSING" in axis(line, "verify", str(path), "--strict").output


def test_a_system_that_fetches_its_mail_over_http_fetches_the_proofs(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        line, hub, agencies = served.line, served.hub, served.agencies
        begin(hub, agencies, line)
        with served.client("G22") as sender:
            sender.submit(document(1, to=("G06",)))
            for _ in range(6):
                run.hub_round(hub, line.clock())
                for one in agencies:
                    run.agency_round(one, line.clock())
            got = {one["id"]: sender.receipt(one["id"]) for one in sender.receipts()}
            assert len(got) >= 2
            assert not any(sender.proofs(one) for one in got), "nothing is proved yet"
            minute(hub, agencies, line, 3)
            folder = tmp_path / "fetched"
            folder.mkdir()
            for one in sender.receipts():
                data, proved = sender.receipt(one["id"]), sender.proofs(one["id"])
                assert bool(proved) is (one["issuer"] == "HUB")
                assert one["name"].endswith(".asice"), "the receipt itself is what is fetched and named"
                path = folder / one["name"]
                path.write_bytes(data)
                for name, text in proved.items():
                    (folder / name).write_text(text, "utf-8")
                assert axis(line, "verify", str(path), "--strict").exit_code == 0
