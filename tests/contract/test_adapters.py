"""Every adapter keeps the contract of adapters/base.py, whatever is behind it; the kit that anybody can run on an adapter
of their own finds each of the faults that are planted here."""

from __future__ import annotations

import hashlib
import itertools
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.adapters import conformance
from axis.adapters.base import About, Guarded, LocalFile, Place
from axis.adapters.conformance import CHECKS, DRIVERS, FolderSystem, SpoolSystem, _Mail, _packet, name_of
from axis.adapters.folder import FolderAdapter
from axis.adapters.spool import store
from axis.adapters.spool.received import FAILURES_APART, MAX_FAILURES
from axis.adapters.spool.selection import Selection
from axis.core import edxml, parcel
from axis.core.instant import to_text
from axis.errors import Fault, Rejected, Unavailable
from tests.line import document, recall, small_home, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from axis.adapters.base import Answer, Folder, Source
    from axis.adapters.conformance import System
    from tests.line import Line


def example() -> type[Any]:
    """The adapter that docs/adapters.md shows to those who write one."""
    text = (Path(__file__).parent.parent.parent / "docs" / "adapters.md").read_text("utf-8")
    lines = text[text.index("    import hashlib, os") :].split("\n")
    code = "\n".join(line[4:] for line in itertools.takewhile(lambda one: not one or one.startswith("    "), lines))
    assert code.count("\n") < 60
    module: dict[str, Any] = {}
    exec(code, module)
    return module["JournalAdapter"]  # type: ignore[no-any-return]


class Example:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.adapter = example()(Place("H41", self.root))
        self.adapter.check()

    def send(self, packet: bytes, name: str) -> None:
        (self.root / "out" / f"{name}.edxml").write_bytes(packet)

    def mail(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in (self.root / "in").glob("*.edxml") if not p.name.startswith(".")}

    def take(self, name: str) -> None:
        (self.root / "in" / name).unlink()

    def told(self, name: str) -> str:
        if (self.root / "done" / f"{name}.edxml.error.json").exists():
            return "refused"
        return "accepted" if (self.root / "done" / f"{name}.edxml").exists() else ""


SYSTEMS: dict[str, Callable[[Path], System]] = {**DRIVERS, "the example": Example}


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
@pytest.mark.parametrize("kind", list(SYSTEMS))
def test_an_adapter_keeps_its_promise(kind: str, check: Callable[[Callable[[], System]], None], tmp_path: Path) -> None:
    check(lambda: SYSTEMS[kind](tmp_path / "agency"))


# -- Would the kit notice? ---------------------------------------------------------------------------------------


class Planted(FolderAdapter):
    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.root = place.folder


class ShowsAtOnce(Planted):
    def prepare(self, files: Sequence[LocalFile]) -> None:
        super().prepare(files)
        self.complete([(file.folder, file.name) for file in files])


class LosesWhatItPrepares(Planted):
    def prepare(self, files: Sequence[LocalFile]) -> None:
        self.kept = list(files)

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        super().prepare(getattr(self, "kept", []))
        return super().complete(names)


class ShowsAgain(Planted):
    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        for folder, name in names:
            copy = self.root / f"{folder}-{name}"
            if (self.root / folder / f".{name}.axis-tmp").exists():
                shutil.copy((self.root / folder / f".{name}.axis-tmp"), copy)
            if copy.exists():
                shutil.copy(copy, self.root / folder / name)
        return super().complete(names)


class ChangesBytes(Planted):
    def prepare(self, files: Sequence[LocalFile]) -> None:
        changed = [LocalFile(f.folder, f.name, f.content.decode("latin-1").encode(), f.about) for f in files]
        super().prepare(changed)


class GivesOnce(Planted):
    def collect(self) -> Iterator[Source]:
        seen = self.root / "seen"
        for source in super().collect():
            known = seen.read_text() if seen.exists() else ""
            if known.count(source.ref) < 2:
                seen.write_text(known + source.ref)
                yield source


class KeepsWhatWasAccepted(Planted):
    def accepted(self, ref: str) -> None:
        shutil.copy(self.root / "outbox" / ref, self.root / "sent" / ref)


class LosesTheReport(Planted):
    def refused(self, ref: str, report: bytes) -> None:
        (self.root / "outbox" / ref).unlink(missing_ok=True)


class FailsOnARepeatedAnswer(Planted):
    def accepted(self, ref: str) -> None:
        (self.root / "outbox" / ref).rename(self.root / "sent" / ref)


class IgnoresWithdrawals(Planted):
    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        pass


class TakesBackWhatWasSeen(Planted):
    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        super().discard(names)
        for folder, name in names:
            (self.root / folder / name).unlink(missing_ok=True)


class WrongDigest(Planted):
    def collect(self) -> Iterator[Source]:
        from dataclasses import replace

        for source in super().collect():
            yield replace(source, digest="0" * 64)


class AnswersTooEarly(Planted):
    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        super().complete(names)
        self.given = [name.rpartition(".")[0] for _, name in names][:1]
        return False

    def answers(self) -> Iterator[Answer]:
        from axis.adapters.base import Answer

        return iter([Answer(ref) for ref in getattr(self, "given", [])])


PLANTED = {
    ShowsAtOnce: "nothing is seen before it is complete also after a restart",
    LosesWhatItPrepares: "what was prepared survives a death and is shown whole",
    ShowsAgain: "what the system has taken never comes back",
    ChangesBytes: "what was prepared survives a death and is shown whole",
    GivesOnce: "what is sent is collected until it is answered also after a restart",
    KeepsWhatWasAccepted: "what was accepted is told and not collected again",
    LosesTheReport: "what was refused is told with the report and may be sent again",
    FailsOnARepeatedAnswer: "what was accepted is told and not collected again",
    IgnoresWithdrawals: "what was withdrawn is never seen",
    TakesBackWhatWasSeen: "what was shown is not taken away again",
    WrongDigest: "what is sent is collected byte for byte under its digest",
    AnswersTooEarly: "who has its mail says so once and until it is recorded",
}


@pytest.mark.parametrize("fault", list(PLANTED), ids=lambda one: one.__name__)
def test_the_kit_finds_a_planted_fault(fault: type[FolderAdapter], monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty(FolderSystem):
        def __init__(self, root: Path) -> None:
            super().__init__(root)
            self.adapter = fault(Place("H41", root, {"settle_seconds": 0}))

    monkeypatch.setattr(conformance, "HUGE", 100_000)
    monkeypatch.setattr(conformance, "MANY", 5)
    found = {outcome.name: outcome.why for outcome in conformance.run(Faulty)}
    assert found[PLANTED[fault]], "the fault is not found where it is"
    is_crash = fault in {FailsOnARepeatedAnswer}
    assert (": " in found[PLANTED[fault]].partition("Error")[2][:2]) is is_crash, "by what it does, not by a slip here"


def test_the_kit_passes_our_own_and_takes_an_exception_for_a_failure() -> None:
    for driver in DRIVERS.values():
        assert [one for one in conformance.run(driver) if one.why] == []

    def breaks(_: Path) -> System:
        raise ZeroDivisionError

    assert {one.why for one in conformance.run(breaks)} == {"ZeroDivisionError: "}


def test_what_a_fetching_system_cannot_take_is_listed_again_and_refused_in_the_end(tmp_path: Path) -> None:
    system, mail = SpoolSystem(tmp_path), _Mail(1)
    now = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
    system.adapter.prepare(mail.files)
    system.adapter.complete(mail.names)
    (identifier,) = system.mail()
    for attempt in range(1, MAX_FAILURES + 1):
        assert list(system.adapter.answers()) == []
        for second in range(30):  # a system that tries again at once has not tried again
            system.spool.acknowledge(identifier, "fail", "không đọc được", now + timedelta(seconds=second))
        assert (len(system.mail()) == 1) is (attempt < MAX_FAILURES)
        now += FAILURES_APART
    (said,) = system.adapter.answers()
    assert said.problem is not None
    assert (said.problem.fault.code, "không đọc được" in said.problem.text()) == ("SYSTEM_REFUSED", True)
    with pytest.raises(Rejected) as caught:
        system.spool.acknowledge(identifier, "done")
    assert caught.value.fault is Fault.DELIVERY_OVER
    (said,) = system.adapter.answers()
    assert said.problem is not None, "what is over stays so"


def test_a_spool_keeps_the_files_of_what_was_taken_for_a_while_and_what_became_of_it_for_good(tmp_path: Path) -> None:
    system = SpoolSystem(tmp_path)
    for number in (1, 2):
        system.adapter.prepare(_Mail(number).files)
        system.adapter.complete(_Mail(number).names)
    taken, open_one = system.mail()
    system.take(taken)
    system.adapter.answered(_Mail(1).about.ref)
    now = datetime.now(UTC)
    assert system.spool.purge(now - timedelta(days=1)) == 0
    assert system.spool.purge(now + timedelta(days=1)) == 1
    assert list(system.mail()) == [open_one]
    (row,) = system.spool.received(Selection(), taken)
    assert (row["state"], system.spool.path(row)) == ("done", None)
    assert len(list((tmp_path / "spool" / "in").iterdir())) == 2, "the other's"


def test_a_spool_of_before_goes_on_with_what_is_in_it(tmp_path: Path) -> None:
    """Its file was made by a program that knew fewer columns."""
    now, packet = datetime(2026, 11, 25, 2, 0, tzinfo=UTC), b"<edXML/>"
    (tmp_path / "spool" / "out").mkdir(parents=True)
    (tmp_path / "spool" / "out" / "one.edxml").write_bytes(packet)
    with closing(sqlite3.connect(tmp_path / "spool" / "spool.db")) as old:
        old.executescript((Path(__file__).parent / "schema_spool.sqlite.sql").read_text("utf-8"))
        same = ("new", "G22", '["H41"]', "G22,2026/11/23,1", "1/KT", "x")
        digest = hashlib.sha256(packet).hexdigest()
        old.execute(
            "INSERT INTO sent (id, digest, kind, sender, recipients, document_id, code, subject, state, report, outcomes,"
            " created_at, updated_at) VALUES ('one', ?, ?, ?, ?, ?, ?, ?, 'pending', '{}', '{}', ?, ?)",
            (digest, *same, to_text(now), to_text(now)),
        )
        old.execute(
            "INSERT INTO received (id, ref, folder, names, kind, sender, recipients, document_id, code, subject, visible,"
            " state, failures, reason, answered, created_at, updated_at)"
            " VALUES ('two', 'two', 'inbox', '[]', ?, ?, ?, ?, ?, ?, 1, 'initial', 4, 'x', 0, ?, ?)",
            (*same, to_text(now), to_text(now)),
        )
        old.commit()
    system = SpoolSystem(tmp_path)
    (source,) = system.adapter.collect()
    assert (source.ref, source.read()) == ("one", packet)
    system.adapter.accepted("one")
    system.spool.note("axis-1", (digest,), [("E.1", "H41")])
    (row,) = system.spool.sent(Selection())
    assert (row["state"], row["outcomes"]["H41"]["event"]) == ("accepted", "E.1")
    system.send(_packet(7), "seven")
    assert len(system.spool.sent(Selection())) == 2
    system.spool.acknowledge("two", "fail", "x", now)
    (said,) = system.adapter.answers()
    assert said.ref == "two", "the fifth"


def test_a_receipt_is_noted_with_what_it_is_about_in_whatever_order_they_come(tmp_path: Path) -> None:
    """Two packets that say the same thing are one submission at the hub, and have one axis id."""
    system = SpoolSystem(tmp_path)
    digests = {}
    for name in ("first", "again", "other"):
        system.send(b"<edXML>%s</edXML>" % name.encode(), name)
        digests[name] = hashlib.sha256(b"<edXML>%s</edXML>" % name.encode()).hexdigest()
    note, spool = system.spool.note, system.spool
    note("axis-1", (digests["first"],), [("A.1", "")])
    note("axis-1", (digests["first"],), [("E.1", "H41")])
    note("axis-1", (digests["again"],), [("A.1", "")])  # the hub's answer to the same thing in other words
    note("axis-1", (digests["first"],), [("D.2", "G06")])
    note("axis-2", (digests["other"],), [("A.1", "")])
    note("axis-3", (), [("E.2", "H29")])  # of nothing that was submitted here
    note("", (), [("E.2", "H29")])
    rows = {row["digest"]: {to: one["event"] for to, one in row["outcomes"].items()} for row in spool.sent(Selection())}
    both = {"H41": "E.1", "G06": "D.2"}
    assert rows == {digests["first"]: both, digests["again"]: both, digests["other"]: {}}


def test_what_a_system_builds_again_and_again_does_not_make_each_answer_dearer(tmp_path: Path) -> None:
    """Rows that a receipt writes, not seconds: an answer to one of many that are the same thing is one row's."""
    system = SpoolSystem(tmp_path)
    written: list[int] = []
    sa.event.listen(
        system.spool._engine,
        "after_cursor_execute",
        lambda _c, cursor, statement, *_: written.append(cursor.rowcount) if statement.startswith("UPDATE") else None,
    )
    for number in range(20):
        packet = b"<edXML>%d</edXML>" % number
        system.send(packet, f"{number}")
        system.spool.note("axis-1", (hashlib.sha256(packet).hexdigest(),), [("A.1", "")])
        if number == 2:
            system.spool.note("axis-1", (), [("E.1", "H41")])
    assert sorted(written) == [1] * 20 + [3]
    assert [row["outcomes"]["H41"]["event"] for row in system.spool.sent(Selection())] == ["E.1"] * 20


def test_what_was_refused_and_is_sent_again_is_there_to_be_read(tmp_path: Path) -> None:
    system = SpoolSystem(tmp_path)
    for _ in range(2):
        system.send(b"<a/>", "a")
        (source,) = system.adapter.collect()
        assert source.read() == b"<a/>"
        system.adapter.refused(source.ref, b'{"findings": []}')
        assert list((tmp_path / "spool" / "out").iterdir()) == []


def test_what_was_refused_and_accepted_after_all_is_shown_as_accepted(tmp_path: Path) -> None:
    system = SpoolSystem(tmp_path)
    for name in ("a", "b"):
        system.send(f"<{name}/>".encode(), name)
        (source,) = system.adapter.collect()
        system.adapter.refused(source.ref, b'{"findings": [{"code": "QUARANTINED"}]}')
    for _ in range(2):
        Guarded(system.adapter, "H41").lifted([hashlib.sha256(b"<a/>").hexdigest()])
        assert [(row["state"], bool(row["report"])) for row in system.spool.sent(Selection())] == [
            ("accepted", False),
            ("refused", True),
        ]


def test_an_adapter_that_was_written_before_may_leave_that_out(tmp_path: Path) -> None:
    Guarded(Example(tmp_path / "agency").adapter, "H41").lifted(["x"])


def test_a_foreign_failure_of_any_adapter_leaves_as_one_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    adapter = FolderSystem(tmp_path).adapter
    monkeypatch.setattr(adapter, "complete", breaks)
    with pytest.raises(Unavailable) as caught:
        Guarded(adapter, "H41").complete([])
    assert caught.value.fault.code == "ADAPTER_AWAY"


# -- On the line --------------------------------------------------------------------------------------------------


@pytest.fixture
def line(tmp_path: Path) -> Line:
    from axis import config

    made = small_home(tmp_path / "home")
    kinds = {code: {"kind": "spool"} for code in ("G22", "H41")}
    made.configure(adapter=config.Adapter(settle_seconds=0.0, agencies=kinds))
    return made


class At(SpoolSystem):
    """An agency of the line."""

    def __init__(self, line: Line, code: str) -> None:
        super().__init__(line.folder(code, ""))

    def send(self, packet: bytes, name: str) -> None:
        found = edxml.convert(packet).packet
        assert found is not None
        about = About("", found.kind.value, found.sender.organ_id, found.addressed, found.target, found.code, "")
        with self.spool.upload() as upload:
            upload.write(packet)
            self.ids = getattr(self, "ids", {}) | {name: self.spool.submit(upload, about)["id"]}

    def told(self, name: str) -> str:
        (row,) = self.spool.sent(Selection(), self.ids[name])
        return str(row["state"])


def test_a_document_is_handed_over_when_the_fetching_system_says_so(line: Line) -> None:
    sender = At(line, "G22")
    sender.send(document(1, to=("H41", "G06")), "a")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "QUEUED", "G06": "HANDED_OVER"}
    (name,) = At(line, "H41").mail()
    At(line, "H41").take(name)
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert sender.told("a") == "accepted"
    (row,) = sender.spool.sent(Selection())
    assert {code: one["event"] for code, one in row["outcomes"].items()} == {"H41": "E.1", "G06": "E.1"}
    assert len(At(line, "G22").mail()) == 2, "01 of each"


def test_a_recall_of_what_a_system_was_shown_is_a_request(line: Line) -> None:
    sender = At(line, "G22")
    sender.send(document(1), "a")
    line.run()
    sender.send(recall(1), "b")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"]}
    assert len(At(line, "H41").mail()) == 2
    (late,) = [row for row in At(line, "G22").spool.received(Selection(("receipts",))) if "W.2" in row["ref"]]
    _, said = parcel.peek((line.folder("G22", "spool") / "in" / late["names"][0]).read_bytes())
    assert b"RECALL_SHOWN" in said, "it is not said to be handed over: nobody has confirmed that"
    At(line, "H41").send(status("15"), "c")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall AGREED"]}


def test_a_system_that_has_lost_its_mail_gets_it_again_at_the_next_start(line: Line) -> None:
    At(line, "G22").send(document(1), "a")
    line.run()
    assert len(At(line, "H41").mail()) == 1
    store._opened.pop((line.folder("H41", "") / "spool").resolve()).close()
    shutil.rmtree(line.folder("H41", "") / "spool")
    line.run()
    (name,) = At(line, "H41").mail()
    At(line, "H41").take(name)
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    line.run()
    assert At(line, "H41").mail() == {}, "and what it has, once"


def test_what_was_shown_to_a_fetching_system_lies_in_the_folder_that_takes_its_place(line: Line) -> None:
    At(line, "G22").send(document(1), "a")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "QUEUED"}
    from axis import config

    line.configure(adapter=config.Adapter(settle_seconds=0.0, agencies={"G22": {"kind": "spool"}}))
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER"}
    assert len(line.files("H41", "inbox", "*.edxml")) == 1


def test_what_a_fetching_system_refuses_for_good_is_refused_with_its_words(line: Line) -> None:
    At(line, "G22").send(document(1), "a")
    line.run()
    (identifier,) = At(line, "H41").mail()
    for hour in range(MAX_FAILURES):
        At(line, "H41").spool.acknowledge(identifier, "fail", "ổ đĩa đầy", line.clock() + hour * FAILURES_APART)
    line.run()
    assert line.states("1/TN-G22") == {"H41": "REFUSED"}
