"""Die at every boundary of the line, restart, run to rest: nothing lost, nothing doubled, no false receipt.

A boundary stands before and after each call of the broker, before and after each commit, and before and after
each change of a file. Dying is an exception that nothing in the product catches; an open transaction is rolled
back by it as by a killed process, and everything in memory is thrown away.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from adapters.folder import FolderAdapter
from axis import bootstrap
from axis.infra import embedded, journal
from axis.infra.database import Database
from axis.infra.embedded import EmbeddedBroker
from tests.line import Line, document, rest, small_home, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from axis.services.agency import Agency
    from axis.services.hub import Hub

CONTENT = b"%PDF-1.4 noi dung"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BROKER_CALLS = ("publish", "receive", "ack", "reject")
FILE_CALLS = ("prepare", "complete", "accepted", "refused")


class Killed(BaseException):
    """The process died here."""


class Boundaries:
    """Counts the boundaries passed; at number `die_at` the process dies (once); `visit` runs at each."""

    def __init__(self, die_at: int = 0, visit: Callable[[str], None] | None = None) -> None:
        self.die_at = die_at
        self.visit = visit
        self.passed: list[str] = []
        self.in_transaction = 0

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if len(self.passed) == self.die_at:
            raise Killed(name)
        if self.visit is not None and not self.in_transaction:
            self.visit(name)


@contextmanager
def boundaries(monkeypatch: pytest.MonkeyPatch, at: Boundaries) -> Iterator[None]:
    """Within: every boundary reports to `at`."""
    with monkeypatch.context() as patch:
        for owner, names in ((EmbeddedBroker, BROKER_CALLS), (FolderAdapter, FILE_CALLS)):
            for name in names:
                patch.setattr(owner, name, _around(getattr(owner, name), f"{owner.__name__}.{name}", at))
        begin, rename = Database.begin, Path.rename

        @contextmanager
        def transaction(self: Database) -> Iterator[Any]:
            with begin(self) as connection:
                at.in_transaction += 1
                try:
                    yield connection
                    at("before commit")
                finally:
                    at.in_transaction -= 1
            at("after commit")

        def renamed(self: Path, target: Path) -> Path:
            at(f"before rename to {target.parent.name}")
            moved = rename(self, target)
            at(f"after rename to {target.parent.name}")
            return moved

        patch.setattr(Database, "begin", transaction)
        patch.setattr(Path, "rename", renamed)
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


def run_to_death(line: Line, monkeypatch: pytest.MonkeyPatch, at: Boundaries, **how: Any) -> bool:
    """Run the line to rest; True if it died on the way."""
    with boundaries(monkeypatch, at):
        try:
            line.run(**how)
        except Killed:
            return True
    return False


def no_false_receipt(line: Line, taken: dict[str, list[str]]) -> None:
    """Whatever was signed so far is true: no E.1 without the file shown, no 'sent' without A.1 held."""
    database = Database(f"sqlite:///{line.path / 'axis.db'}")
    with database.read() as connection:
        posted = connection.execute(
            journal.incoming.select().where(journal.incoming.c.state == "handed_over", journal.incoming.c.kind == "document")
        )
        for row in posted.mappings():
            shown = line.files(row["agency"], "inbox") + taken.get(row["agency"], [])
            assert f"{row['id']}.edxml" in shown, "E.1 before the file was there"
            assert f"{row['id']}.asice" in shown, "E.1 before the container was there"
        if line.files("G22", "sent"):
            states = connection.execute(
                journal.outgoing.select().where(journal.outgoing.c.state == "accepted")
            ).all()
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
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: tuple[str, ...], check: Callable[[Line], None], *, taking: bool, **how: Any
) -> int:
    """Die at each boundary in turn; how many there were."""
    give_up = how.pop("give_up", 30)
    number = 0
    while True:
        number += 1
        line = small_home(tmp_path / str(number), give_up=give_up)
        ordinary(line, to)
        died = run_to_death(line, monkeypatch, Boundaries(number), **how)
        taken: dict[str, list[str]] = {}
        digests: dict[str, list[str]] = {}
        no_false_receipt(line, taken)
        if taking:
            take_away(line, taken, digests)
        line.run(**how)
        no_false_receipt(line, taken)
        for code, found in digests.items():
            assert len(found) + len(line.attachments(code)) <= 1, f"doubled at boundary {number}"
        line.digests = lambda code, line=line, digests=digests: digests.get(code, []) + line.attachments(code)  # type: ignore[attr-defined]
        check(line)
        line.check_ledger()
        if not died:
            return number - 1


def all_is_well(to: tuple[str, ...]) -> Callable[[Line], None]:
    def check(line: Line) -> None:
        for code in to:
            assert line.digests(code) == [DIGEST]  # type: ignore[attr-defined]
        assert line.events("G22").count("A.1") == 1
        assert sorted(e for e in line.events("G22") if e.startswith("E.1")) == sorted(f"E.1 {c}" for c in to)
        assert len(line.files("G22", "status", "*.01.*")) == len(to)
        assert line.files("G22", "sent") == ["a.edxml"]
        assert line.files("G22", "outbox") == []
        assert line.files("G22", "failed") == ["bad.edxml", "bad.edxml.error.json", "refused.edxml", "refused.edxml.error.json"]
        assert set(line.states("1/TN-G22").values()) == {"HANDED_OVER"}

    return check


@pytest.mark.timeout(300)
@pytest.mark.parametrize("taking", [False, True], ids=["files stay", "files are taken away before the restart"])
def test_one_recipient_and_a_death_at_every_boundary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taking: bool
) -> None:
    to = ("H41",)
    assert sweep(tmp_path, monkeypatch, to, all_is_well(to), taking=taking) > 80


@pytest.mark.timeout(300)
def test_three_recipients_and_a_death_at_every_boundary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = ("H41", "G06", "H29")
    assert sweep(tmp_path, monkeypatch, to, all_is_well(to), taking=True) > 100


@pytest.mark.timeout(300)
def test_retrying_and_giving_up_with_a_death_at_every_boundary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(line: Line) -> None:
        assert line.states("1/TN-G22") == {"H41": "FAILED", "G06": "HANDED_OVER"}
        assert line.events("G22").count("D.2 H41") == 1
        assert line.digests("G06") == [DIGEST]  # type: ignore[attr-defined]
        assert line.digests("H41") == []  # type: ignore[attr-defined]

    count = sweep(tmp_path, monkeypatch, ("H41", "G06"), check, taking=False, before=lose_queue, give_up=2)
    assert count > 80


@pytest.mark.timeout(300)
@pytest.mark.parametrize("to", [("H41",), ("H41", "G06", "H29")], ids=["one recipient", "three recipients"])
def test_another_worker_at_every_boundary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: tuple[str, ...]) -> None:
    """At boundary n of the line a second hub and all adapters run to rest; then the first goes on."""
    total = 0
    number = 0
    while number <= total:
        number += 1
        line = small_home(tmp_path / str(number))
        ordinary(line, to)
        done: list[str] = []

        with line.parts() as (hub, agencies):
            broker = EmbeddedBroker(hub.store.database, None)
            other = bootstrap.hub_part(bootstrap.open_home(line.path), hub.store.database, broker)

            def visit(name: str) -> None:
                if len(at.passed) >= number and not done:  # noqa: B023
                    done.append(name)  # noqa: B023
                    rest(other, [], line.clock)  # noqa: B023
                    broker.close()  # noqa: B023

            at = Boundaries(visit=visit)
            with boundaries(monkeypatch, at):
                rest(hub, agencies, line.clock)
            total = max(total, len(at.passed)) if number == 1 else total
        line.digests = line.attachments  # type: ignore[attr-defined]
        all_is_well(to)(line)
        line.check_ledger()
    assert total > 80


@pytest.mark.timeout(300)
def test_statuses_survive_a_death_at_every_boundary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = small_home(tmp_path / "base")
    base.drop("G22", document())
    base.run()
    number = 0
    died = True
    import shutil

    while died:
        number += 1
        path = tmp_path / f"s{number}"
        shutil.copytree(base.path, path)
        line = Line(path)
        line.clock.now = base.clock.now
        line.drop("H41", status("03"))
        died = run_to_death(line, monkeypatch, Boundaries(number))
        line.run()
        assert line.trace("1/TN-G22")["deliveries"][0]["business_status"] == "03"
        received = [n for n in line.files("G22", "status", "*.edxml") if ".01." not in n]
        assert len(received) == 1
        assert line.files("H41", "sent") == ["a.edxml"]
    assert number > 40
