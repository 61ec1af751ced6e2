"""Die at every boundary of the line, restart, run to rest: nothing lost, nothing doubled, no false receipt.

A boundary stands before and after each call of the broker, before and after each commit, and before and after
each change of a file. What survives a death there is what lies on the disk at that moment: it is copied, and the
line is started again from each copy (from each different one; many boundaries change nothing on the disk).
A run of the suite starts from a part of the copies (tests/sample.py), `make sweep` from all.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from axis import bootstrap
from axis.adapters.folder import FolderAdapter
from axis.adapters.tree import LocalTree
from axis.core.message import hub_routes
from axis.infra import embedded, payloads
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from axis.infra.journal import tables as journal
from axis.infra.record import agenda
from axis.infra.segments import Segments
from axis.services import run as loops
from axis.services.hub import deadlines
from tests import sample
from tests.line import Line, document, rest, small_home, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.services.agency.adapter import Agency
    from axis.services.hub.worker import Hub

CONTENT = b"%PDF-1.4 noi dung"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BROKER_CALLS = ("publish", "receive", "ack", "reject")
TOGETHER = ("publish", "receive", "ack")  # of all agencies of a process
FILE_CALLS = ("prepare", "complete", "accepted", "refused")


class Boundaries:
    """Counts the boundaries passed and runs `visit` at each."""

    def __init__(self, visit: Callable[[str], None]) -> None:
        self.visit = visit
        self.passed: list[str] = []
        self.in_transaction = 0

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        self.visit(name)


@contextmanager
def boundaries(monkeypatch: pytest.MonkeyPatch, at: Boundaries) -> Iterator[None]:
    """Within: every boundary reports to `at`."""
    with monkeypatch.context() as patch:
        watched = (
            (EmbeddedBroker, BROKER_CALLS),
            (embedded.EmbeddedLine, TOGETHER),
            (FolderAdapter, FILE_CALLS),
            (LocalTree, ("write", "rename")),
            (Segments, ("append", "flush")),
        )
        for owner, names in watched:
            for name in names:
                patch.setattr(owner, name, _around(getattr(owner, name), f"{owner.__name__}.{name}", at))
        begin = Database.begin

        @contextmanager
        def transaction(self: Database) -> Iterator[Any]:
            at.in_transaction += 1
            try:
                with begin(self) as connection:
                    yield connection
                    at("before commit")
            finally:  # what it has appended is flushed before its commit
                at.in_transaction -= 1
            at("after commit")

        patch.setattr(Database, "begin", transaction)
        yield


def _around(call: Callable[..., Any], name: str, at: Boundaries) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        at(f"before {name}")
        result = call(*args, **kwargs)
        at(f"after {name}")
        return result

    return wrapped


def ordinary(line: Line, to: tuple[str, ...]) -> None:
    """A document, and one that the hub refuses."""
    line.drop("G22", document(1, to=to))
    line.drop("G22", document(2, to=("H63",)), "refused.edxml")
    line.drop("G22", b"<a", "bad.edxml")


def lose_queue(hub: Hub, agencies: list[Agency]) -> None:
    """H41's queues are gone and its adapter is away."""
    agencies[:] = [a for a in agencies if a.code != "H41"]
    with hub.store.database.begin() as connection:
        connection.execute(embedded.queue.delete().where(embedded.queue.c.name.like("axis.to.H41%")))


def images(
    line: Line, monkeypatch: pytest.MonkeyPatch, folder: Path, share: int, turn: int, **how: Any
) -> tuple[dict[str, Path], int, int]:
    """Run the line to rest; (what lay on the disk at its boundaries, where this run tries it, by the first boundary's name;
    boundaries; different states of the disk)."""
    found: dict[str, Path] = {}
    seen: set[str] = set()

    def copy(name: str) -> None:
        state = hashlib.sha256()
        for path in sorted(line.path.rglob("*")):
            state.update(str(path).encode())
            if path.is_file() and path.name != "axis.db-shm":
                state.update(path.read_bytes())
        if state.hexdigest() not in seen:
            seen.add(state.hexdigest())
            if not sample.is_tried(len(seen), share, turn):
                return
            label = f"{len(at.passed)} {name}"
            found[label] = folder / str(len(at.passed))
            shutil.copytree(line.path, found[label])

    at = Boundaries(copy)
    with boundaries(monkeypatch, at):
        line.run(**how)
    return found, len(at.passed), len(seen)


def no_false_receipt(line: Line, taken: dict[str, list[str]]) -> None:
    """Whatever was signed so far is true: no E.1 without the file shown, no 'sent' without A.1 held."""
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    with database.read() as connection:
        posted = connection.execute(
            journal.incoming.select().where(
                journal.incoming.c.state == "handed_over", journal.incoming.c.kind == "document"
            )
        )
        for row in posted.mappings():
            shown = line.files(row["agency"], "inbox") + taken.get(row["agency"], [])
            assert f"{row['id']}.edxml" in shown, "E.1 before the file was there"
            assert f"{row['id']}.asice" in shown, "E.1 before the container was there"
        if line.files("G22", "sent"):
            states = connection.execute(journal.outgoing.select().where(journal.outgoing.c.state == "accepted")).all()
            assert states, "out of the way before A.1"
    database.close()


def take_away(line: Line, taken: dict[str, list[str]], digests: dict[str, list[str]]) -> None:
    """The local systems take every file that they see."""
    for code in ("H41", "G06", "H29"):
        digests.setdefault(code, []).extend(line.attachments(code))
        for name in line.files(code, "inbox"):
            taken.setdefault(code, []).append(name)
            (line.folder(code, "inbox") / name).unlink()


def sweep(
    disk: Path,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Line], None],
    check: Callable[[Line, Callable[[str], list[str]]], None],
    *,
    start: Line,
    taking: bool,
    share: int = 6,
    turn: int = 0,
    **how: Any,
) -> tuple[int, int]:
    """Die at each boundary in turn, or at every `share`-th; (boundaries, different states of the disk)."""
    prepare(start)
    began = start.clock.now
    found, passed, states = images(start, monkeypatch, disk / "images", share, turn, **how)
    assert found
    for label, path in found.items():
        line = Line(path)
        line.clock.now = began
        taken: dict[str, list[str]] = {}
        digests: dict[str, list[str]] = {}
        no_false_receipt(line, taken)
        if taking:
            take_away(line, taken, digests)
        line.run(**how)
        no_false_receipt(line, taken)

        def all_digests(code: str, line: Line = line, digests: dict[str, list[str]] = digests) -> list[str]:
            return digests.get(code, []) + line.attachments(code)

        try:
            check(line, all_digests)
            line.check_ledger()
        except AssertionError as error:
            error.add_note(f"after a death at boundary {label}")
            raise
        shutil.rmtree(path)
    return passed, states


def all_is_well(to: tuple[str, ...]) -> Callable[[Line, Callable[[str], list[str]]], None]:
    def check(line: Line, digests: Callable[[str], list[str]]) -> None:
        for code in to:
            assert digests(code) == [DIGEST]
        assert line.events("G22").count("A.1") == 1
        assert sorted(e for e in line.events("G22") if e.startswith("E.1")) == sorted(f"E.1 {c}" for c in to)
        assert len(line.files("G22", "status", "*.01.*")) == len(to)
        assert line.files("G22", "sent") == ["a.edxml"]
        assert line.files("G22", "outbox") == []
        failed = ["bad.edxml", "bad.edxml.error.json", "refused.edxml", "refused.edxml.error.json"]
        assert line.files("G22", "failed") == failed
        assert set(line.states("1/TN-G22").values()) == {"HANDED_OVER"}

    return check


@pytest.fixture
def disk() -> Iterator[Path]:
    """A folder in memory where there is one: a sweep writes some hundred small databases."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="axis-sweep-", dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("turn", "to", "taking", "small"),
    [
        pytest.param(0, ("H41",), False, payloads.SMALL, id="one recipient, files stay"),
        pytest.param(1, ("H41",), True, payloads.SMALL, id="one recipient, files are taken away before the restart"),
        pytest.param(0, ("H41", "G06", "H29"), False, payloads.SMALL, id="three recipients, files stay"),
        pytest.param(
            1, ("H41", "G06", "H29"), True, payloads.SMALL, id="three, files are taken away before the restart"
        ),
        pytest.param(2, ("H41", "G06", "H29"), True, 0, id="three, files are taken away, payloads in segments"),
    ],
)
def test_a_death_at_every_boundary(
    disk: Path, monkeypatch: pytest.MonkeyPatch, turn: int, to: tuple[str, ...], taking: bool, small: int
) -> None:
    """Of payloads in segments: an append and a flush are boundaries as well."""
    monkeypatch.setattr(payloads, "SMALL", small)
    line = small_home(disk / "home", codes=("G22", *to))
    passed, states = sweep(
        disk, monkeypatch, lambda one: ordinary(one, to), all_is_well(to), start=line, taking=taking, turn=turn
    )
    assert passed > 80
    assert states > 30


@pytest.mark.timeout(300)
def test_a_receipt_that_its_adapter_has_forgotten_survives_a_death_at_every_boundary(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the broker has confirmed is the hub's to keep: the adapter does not give it again by itself."""

    def given(line: Line) -> None:
        ordinary(line, ("H41",))
        with line.parts() as (hub, agencies):
            for _ in range(2):
                for one in agencies:
                    while loops.agency_round(one, line.clock()):
                        pass
                if not sum(hub.broker.depth(route) for route in hub_routes(["H41"])):
                    loops.hub_round(hub, line.clock())
            assert sum(hub.broker.depth(route) for route in hub_routes(["H41"])) == 1
            with hub.store.reading() as reader:
                assert reader.connection.execute(journal.posted.select()).all() == []

    line = small_home(disk / "home", codes=("G22", "H41"))
    passed, states = sweep(disk, monkeypatch, given, all_is_well(("H41",)), start=line, taking=False, share=1)
    assert passed > 20
    assert states > 5


@pytest.mark.timeout(300)
def test_retrying_and_giving_up_with_a_death_at_every_boundary(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(line: Line, digests: Callable[[str], list[str]]) -> None:
        assert line.states("1/TN-G22") == {"H41": "FAILED", "G06": "HANDED_OVER"}
        assert line.events("G22").count("D.2 H41") == 1
        assert digests("G06") == [DIGEST]
        assert digests("H41") == []

    line = small_home(disk / "home", codes=("G22", "H41", "G06"), give_up=2)
    to = ("H41", "G06")
    passed, states = sweep(
        disk, monkeypatch, lambda one: ordinary(one, to), check, start=line, taking=False, before=lose_queue
    )
    assert passed > 80
    assert states > 30


@pytest.mark.timeout(300)
def test_a_status_survives_a_death_at_every_boundary(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(line: Line, digests: Callable[[str], list[str]]) -> None:
        assert line.trace("1/TN-G22")["deliveries"][0]["business_status"] == "03"
        assert len([n for n in line.files("G22", "status", "*.edxml") if ".01." not in n]) == 1
        assert line.files("H41", "sent") == ["a.edxml"]
        assert digests("H41") == [DIGEST]

    line = small_home(disk / "home", codes=("G22", "H41"))
    line.drop("G22", document())
    line.run()
    passed, states = sweep(
        disk, monkeypatch, lambda one: one.drop("H41", status("03")), check, start=line, taking=False
    )
    assert passed > 40
    assert states > 15


def without_h41(_hub: Hub, agencies: list[Agency]) -> None:
    """H41's adapter is away: what is for it waits in its queue."""
    agencies[:] = [one for one in agencies if one.code != "H41"]


def told(line: Line) -> list[list[str]]:
    """Whom each D.1 that is in the ledger speaks of."""
    events = line.trace("1/TN-G22")["events"]
    return [one["detail"]["recipients"] for one in events if one["event"] == "consignment.told"]


@pytest.mark.timeout(300)
def test_what_waits_in_a_queue_is_told_once_with_a_death_at_every_boundary(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(line: Line, digests: Callable[[str], list[str]]) -> None:
        assert line.events("G22") == ["A.1", "D.1 H41", "E.1 G06"]
        assert told(line) == [["H41"]]
        assert digests("G06") == [DIGEST]
        assert line.states("1/TN-G22") == {"H41": "QUEUED", "G06": "HANDED_OVER"}
        line.run()
        assert line.events("G22") == ["A.1", "D.1 H41", "E.1 G06", "E.1 H41"]
        assert digests("H41") == [DIGEST]
        assert told(line) == [["H41"]]

    line = small_home(disk / "home", codes=("G22", "H41", "G06"))
    to = ("H41", "G06")
    passed, states = sweep(
        disk,
        monkeypatch,
        lambda one: one.drop("G22", document(1, to=to)),
        check,
        start=line,
        taking=False,
        before=without_h41,
    )
    assert passed > 80
    assert states > 25


@pytest.mark.parametrize("point", ["before", "after"])
def test_what_is_owed_is_told_by_a_hub_that_starts_when_its_time_has_come(disk: Path, point: str) -> None:
    """The time is in the record: a hub that has died knows it. Died `before` it had looked once, or `after`."""
    line = small_home(disk / "home", codes=("G22", "H41"))
    line.drop("G22", document())

    def waits() -> int:
        with line.parts() as (hub, _), hub.store.reading() as reader:
            return len(agenda.owed(reader, None, 10))

    with line.parts() as (hub, agencies):
        (sender,) = (one for one in agencies if one.code == "G22")
        for _ in range(3):
            loops.agency_round(sender, line.clock())
            loops.hub_round(hub, line.clock())
        assert line.states("1/TN-G22") == {"H41": "QUEUED"}
        if point == "after":
            assert deadlines.step(hub, line.clock()) == 0
    assert waits() == 1
    assert told(line) == []
    with line.parts() as (hub, _):
        assert deadlines.step(hub, line.clock()) == 0, "its time has not come"
    line.clock.now += timedelta(seconds=5)
    with line.parts() as (hub, _):
        loops.hub_round(hub, line.clock())
    assert waits() == 0
    assert told(line) == [["H41"]]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("turn", "to"), [(0, ("H41",)), (1, ("H41", "G06", "H29"))], ids=["one recipient", "three recipients"]
)
def test_another_worker_at_every_boundary_of_the_hub(
    disk: Path, monkeypatch: pytest.MonkeyPatch, turn: int, to: tuple[str, ...]
) -> None:
    """At boundary n of the hub's steps a second hub worker and all adapters run to rest; then it goes on."""
    number, total = -1, 0
    while number < total:
        number += 1
        if number and not sample.is_tried(number, 6, turn):  # at none, to begin with: how many there are
            continue
        line = small_home(disk / str(number), codes=("G22", *to))
        ordinary(line, to)
        with line.parts() as (hub, agencies):
            broker = EmbeddedBroker(hub.store.database, None)
            other = bootstrap.hub_part(bootstrap.open_home(line.path), hub.store.database, broker)
            within: list[str] = []  # boundaries of the hub's steps, outside a transaction
            busy: list[bool] = []
            hub_round = loops.hub_round

            def visit(name: str) -> None:
                if busy == [True] and not at.in_transaction:  # noqa: B023
                    within.append(name)  # noqa: B023
                    if len(within) == number:  # noqa: B023
                        busy.append(False)  # noqa: B023
                        rest(other, agencies, line.clock)  # noqa: B023
                        broker.close()  # noqa: B023
                        busy.pop()  # noqa: B023

            def one_round(which: Hub, *arguments: Any) -> int:
                if which is not hub:
                    return hub_round(which, *arguments)  # noqa: B023
                busy.append(True)  # noqa: B023
                try:
                    return hub_round(which, *arguments)  # noqa: B023
                finally:
                    busy.clear()  # noqa: B023

            at = Boundaries(visit)
            with boundaries(monkeypatch, at), monkeypatch.context() as patch:
                patch.setattr(loops, "hub_round", one_round)
                rest(hub, agencies, line.clock)
            total = max(total, len(within))
        try:
            all_is_well(to)(line, line.attachments)
            line.check_ledger()
        except AssertionError as error:
            error.add_note(f"with another worker at boundary {number}")
            raise
        shutil.rmtree(line.path)
    assert total > 15
