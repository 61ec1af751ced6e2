"""Every adapter keeps the contract of adapters/base.py, whatever is behind it. `systems` plays the agency's own system
for each: it puts packets down, looks at what it was given, and says that it has it."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from adapters.base import About, Adapter, Guarded, LocalFile, Place
from adapters.folder import FOLDERS, FolderAdapter
from adapters.spool import MAX_FAILURES, Selection, SpoolAdapter
from axis.core import edxml
from axis.errors import Unavailable
from tests.line import document, small_home, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.line import Line


class System(Protocol):
    """An agency's own system."""

    adapter: Adapter

    def send(self, packet: bytes, name: str) -> None: ...

    def mail(self) -> dict[str, bytes]:
        """Packets that it sees and has not taken, by name."""

    def take(self, name: str) -> None:
        """It has this durably."""

    def told(self, name: str) -> str:
        """What it was told about what it sent: "", accepted or refused."""

    def again(self) -> System:
        """The same after a restart of the adapter."""


@dataclass
class Folders:
    root: Path

    def __post_init__(self) -> None:
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        self.adapter = FolderAdapter(Place("H41", self.root, {"settle_seconds": 0}))

    def send(self, packet: bytes, name: str) -> None:
        (self.root / "outbox" / ".new").write_bytes(packet)
        (self.root / "outbox" / ".new").rename(self.root / "outbox" / f"{name}.edxml")

    def mail(self) -> dict[str, bytes]:
        found = [*(self.root / "inbox").glob("*.edxml"), *(self.root / "status").glob("*.edxml")]
        return {path.name: path.read_bytes() for path in found if not path.name.startswith(".")}

    def take(self, name: str) -> None:
        for folder in ("inbox", "status"):
            (self.root / folder / name).unlink(missing_ok=True)

    def told(self, name: str) -> str:
        if (self.root / "sent" / f"{name}.edxml").exists():
            return "accepted"
        return "refused" if (self.root / "failed" / f"{name}.edxml.error.json").exists() else ""

    def again(self) -> System:
        return Folders(self.root)


@dataclass
class Fetching:
    root: Path

    def __post_init__(self) -> None:
        self.adapter = SpoolAdapter(Place("H41", self.root))
        self.spool = self.adapter.spool
        self.names: dict[str, str] = {}

    def send(self, packet: bytes, name: str) -> None:
        found = edxml.convert(packet).packet
        assert found is not None
        about = About("", found.kind.value, found.sender.organ_id, found.addressed, found.target, found.code, "")
        with self.spool.upload() as upload:
            for at in range(0, len(packet), 1000):
                upload.write(packet[at : at + 1000])
            self.names[name] = self.spool.submit(upload, about)["id"]

    def _rows(self) -> dict[str, str]:
        open_ones = Selection(("inbox", "status"), states=("initial", "processing"))
        return {str(row["names"][-1]): row["id"] for row in self.spool.received(open_ones)}

    def mail(self) -> dict[str, bytes]:
        found = {}
        for name, identifier in self._rows().items():
            (row,) = self.spool.received(Selection(), identifier)
            path = self.spool.path(row)
            assert path is not None
            found[name] = path.read_bytes()
        return found

    def take(self, name: str) -> None:
        self.spool.acknowledge(self._rows()[name], "done")

    def told(self, name: str) -> str:
        (row,) = self.spool.sent(Selection(), self.names[name])
        return "" if row["state"] == "pending" else str(row["state"])

    def again(self) -> System:
        other = Fetching(self.root)
        other.names = self.names
        return other


def example() -> type[Any]:
    """The adapter that docs/adapters.md shows to those who write one."""
    text = (Path(__file__).parent.parent.parent / "docs" / "adapters.md").read_text("utf-8")
    lines = text[text.index("    import hashlib, os") :].split("\n")
    code = "\n".join(line[4:] for line in itertools.takewhile(lambda one: not one or one.startswith("    "), lines))
    assert code.count("\n") < 60
    module: dict[str, Any] = {}
    exec(code, module)
    return module["JournalAdapter"]  # type: ignore[no-any-return]


@dataclass
class Example:
    root: Path

    def __post_init__(self) -> None:
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

    def again(self) -> System:
        return Example(self.root)


SYSTEMS: dict[str, Callable[[Path], System]] = {"folder": Folders, "spool": Fetching, "the example": Example}


@pytest.fixture(params=list(SYSTEMS))
def system(request: pytest.FixtureRequest, tmp_path: Path) -> System:
    return SYSTEMS[request.param](tmp_path / "agency")


def files(ref: str = "01920000-0000-7000-8000-000000000001", content: bytes = b"<edXML/>") -> list[LocalFile]:
    about = About(ref, "new", "G22", ("H41",), "G22,2026/11/23,1/TN-G22", "1/TN-G22", "V/v")
    return [
        LocalFile("inbox", f"{ref}.asice", b"PK parcel", about),
        LocalFile("inbox", f"{ref}.edxml", content, about),
    ]


def names(given: list[LocalFile]) -> list[tuple[str, str]]:
    return [(file.folder, file.name) for file in given]


def test_an_adapter_that_can_work_says_nothing(system: System) -> None:
    system.adapter.check()


def test_what_is_sent_is_collected_again_and_again_until_it_is_answered(system: System) -> None:
    assert list(system.adapter.collect()) == []
    packet = document(1)
    system.send(packet, "a")
    for adapter in (system.adapter, system.adapter, system.again().adapter):
        list(adapter.collect())  # a folder looks twice
        (source,) = adapter.collect()
        assert (source.read(), source.digest) == (packet, hashlib.sha256(packet).hexdigest())
    assert system.told("a") == ""
    for _ in range(2):
        system.adapter.accepted(source.ref)
    assert list(system.adapter.collect()) == []
    assert system.told("a") == "accepted"
    assert system.again().told("a") == "accepted"


def test_what_is_refused_is_told_with_every_reason_and_may_be_given_again(system: System) -> None:
    system.send(document(1), "a")
    list(system.adapter.collect())
    (source,) = system.adapter.collect()
    for _ in range(2):
        system.adapter.refused(source.ref, json.dumps({"findings": [{"code": "AGENCY_UNKNOWN"}]}).encode())
    assert list(system.adapter.collect()) == []
    assert system.told("a") == "refused"
    system.send(document(1), "b")
    list(system.adapter.collect())
    assert len(list(system.adapter.collect())) == 1


def test_nothing_is_seen_before_it_is_complete_and_then_all_of_it(system: System) -> None:
    given = files()
    system.adapter.prepare(given)
    assert system.mail() == {}
    system.adapter.prepare(given)
    assert system.again().mail() == {}
    system.adapter.complete(names(given))
    assert list(system.mail().values()) == [b"<edXML/>"]
    system.adapter.complete(names(given))
    assert list(system.again().mail().values()) == [b"<edXML/>"]


def test_what_was_taken_does_not_come_back_when_it_is_completed_once_more(system: System) -> None:
    given = files()
    system.adapter.prepare(given)
    system.adapter.complete(names(given))
    (name,) = system.mail()
    system.take(name)
    system.adapter.complete(names(given))
    assert system.mail() == {}
    again = system.again()
    again.adapter.complete(names(given))
    assert again.mail() == {}


def test_what_is_discarded_is_never_seen_and_what_was_shown_is_not_discarded(system: System) -> None:
    given = files()
    system.adapter.discard(names(given))  # nothing there: no error
    system.adapter.prepare(given)
    system.adapter.discard(names(given))
    system.adapter.complete(names(given))
    assert system.mail() == {}
    other = files("01920000-0000-7000-8000-000000000002")
    system.adapter.prepare(other)
    system.adapter.complete(names(other))
    system.adapter.discard(names(other))
    assert len(system.mail()) == 1


def test_a_system_that_has_its_mail_with_it_says_nothing_and_another_says_it_once_and_for_all(system: System) -> None:
    given = files()
    system.adapter.prepare(given)
    has_it = system.adapter.complete(names(given))
    assert list(system.adapter.answers()) == []
    (name,) = system.mail()
    system.take(name)
    answers = list(system.adapter.answers())
    assert [(one.ref, one.problem) for one in answers] == ([] if has_it else [(given[0].about.ref, None)])  # type: ignore[union-attr]
    assert list(system.again().adapter.answers()) == answers, "the same until it is recorded"
    for _ in range(2):
        system.adapter.answered(given[0].about.ref)  # type: ignore[union-attr]
    assert list(system.adapter.answers()) == []


def test_what_a_fetching_system_cannot_take_is_listed_again_and_refused_in_the_end(tmp_path: Path) -> None:
    system = Fetching(tmp_path)
    given = files()
    system.adapter.prepare(given)
    system.adapter.complete(names(given))
    (identifier,) = system._rows().values()
    for attempt in range(1, MAX_FAILURES + 1):
        assert list(system.adapter.answers()) == []
        system.spool.acknowledge(identifier, "fail", "không đọc được")
        assert (len(system.mail()) == 1) is (attempt < MAX_FAILURES)
    (said,) = system.adapter.answers()
    assert said.problem is not None
    assert (said.problem.fault.code, "không đọc được" in said.problem.text()) == ("SYSTEM_REFUSED", True)
    system.spool.acknowledge(identifier, "done")
    (said,) = system.adapter.answers()
    assert said.problem is not None, "what is over stays so"


def test_a_foreign_failure_of_any_adapter_leaves_as_one_of_ours(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(system.adapter, "complete", breaks)
    with pytest.raises(Unavailable) as caught:
        Guarded(system.adapter, "H41").complete([])
    assert caught.value.fault.code == "ADAPTER_AWAY"


# -- On the line --------------------------------------------------------------------------------------------------


@pytest.fixture
def line(tmp_path: Path) -> Line:
    from axis import config

    made = small_home(tmp_path / "home")
    kinds = {code: {"kind": "spool"} for code in ("G22", "H41")}
    made.configure(adapter=config.Adapter(settle_seconds=0.0, agencies=kinds))
    return made


def at(line: Line, code: str) -> Fetching:
    return Fetching(line.folder(code, ""))


def test_a_document_is_handed_over_when_the_fetching_system_says_so(line: Line) -> None:
    sender = at(line, "G22")
    sender.send(document(1, to=("H41", "G06")), "a")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "QUEUED", "G06": "HANDED_OVER"}
    (name,) = at(line, "H41").mail()
    at(line, "H41").take(name)
    line.run()
    assert line.states("1/TN-G22") == {"H41": "HANDED_OVER", "G06": "HANDED_OVER"}
    assert sender.told("a") == "accepted"
    (row,) = sender.spool.sent(Selection())
    assert {code: one["event"] for code, one in row["outcomes"].items()} == {"H41": "E.1", "G06": "E.1"}
    assert len(at(line, "G22").mail()) == 2, "01 of each"


def test_a_recall_of_what_a_system_was_shown_is_a_request(line: Line) -> None:
    from tests.line import recall

    sender = at(line, "G22")
    sender.send(document(1), "a")
    line.run()
    sender.send(recall(1), "b")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall OPEN"]}
    assert len(at(line, "H41").mail()) == 2
    at(line, "H41").send(status("15"), "c")
    line.run()
    assert line.stages("1/TN-G22") == {"H41": ["recall AGREED"]}


def test_what_a_fetching_system_refuses_for_good_is_refused_with_its_words(line: Line) -> None:
    at(line, "G22").send(document(1), "a")
    line.run()
    (identifier,) = at(line, "H41")._rows().values()
    for _ in range(MAX_FAILURES):
        at(line, "H41").spool.acknowledge(identifier, "fail", "ổ đĩa đầy")
    line.run()
    assert line.states("1/TN-G22") == {"H41": "REFUSED"}
