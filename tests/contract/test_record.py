"""What is read of the record for a batch is what was written, on SQLite and on PostgreSQL, in few statements."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.change import Entered
from axis.core.hub.dossier import Delivery, Facts, Limit, Submission
from axis.core.hub.seal import Sealed
from axis.core.lifecycle import State
from axis.infra import store
from axis.infra.database import Database
from axis.infra.store import HubStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from axis.core.hub.change import Change
    from axis.core.hub.dossier import Document, Question

NOW = "2026-11-25T08:00:00.000000Z"
LATER = "2026-11-25T09:00:00.000000Z"
ENTRY = Entered("e" * 64)
ONE, TWO = ("G22", "G22,2026/11/25,1/QĐ"), ("G22", "G22,2026/11/25,2/QĐ")


@pytest.fixture
def record(database_url: str) -> Iterator[HubStore]:
    database = Database(database_url)
    database.create(store.TABLES)
    yield HubStore(database)
    database.close()


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def submitted(name: str, document: Document = ONE, kind: str = "new", **more: Any) -> Submission:
    given = {"sender": document[0], "number": 0, "has_content": kind in {"new", "replace"}, **more}
    return Submission(
        axis_id=name,
        key=f"key of {name}",
        kind=kind,
        organ_id="000.00.22.G22",
        owner=document[0],
        document_id=document[1],
        code="1/QĐ",
        subject="Về việc",
        status_code="",
        priority=0,
        content_digest=digest(f"content of {name}"),
        parcel_digest=digest(f"parcel of {name}"),
        acceptance_digest=digest(f"A.1 of {name}"),
        registry_version=3,
        received_at=NOW,
        body_digest=digest(f"parcel of {name}"),
        **given,
    )


def to(about: Submission, recipient: str, role: ask.Role = "document", **more: Any) -> Delivery:
    return Delivery(
        **{
            "id": f"{about.axis_id}>{recipient}",
            "axis_id": about.axis_id,
            "recipient": recipient,
            "units": (f"000.{recipient}", "tổ 1"),
            "state": State.ACCEPTED,
            "attempts": 0,
            "updated_at": NOW,
            "role": role,
            "owner": about.owner,
            "document_id": about.document_id,
            **more,
        }
    )


def sealed(*changes: Change, locked: Iterable[Document] = (ONE, TWO), **more: Any) -> Sealed:
    return Sealed(
        changes, more.get("entries", ()), more.get("payloads", ()), more.get("digests", {}), frozenset(locked)
    )


def write(record: HubStore, *changes: Change, **more: Any) -> None:
    with record.transaction() as tx:
        tx.lock({ONE, TWO})
        tx.write(sealed(*changes, **more))


def accept(about: Submission) -> change.Accept:
    return change.Accept(about, ENTRY)


def deliver(*some: Delivery) -> list[change.Deliver]:
    return [change.Deliver(one, ENTRY) for one in some]


def read(record: HubStore, *questions: Question) -> Facts:
    facts = Facts()
    with record.transaction() as tx:
        tx.read(questions, facts)
    return facts


def rows(record: HubStore, table: sa.Table) -> list[dict[str, Any]]:
    with record.reading() as reader:
        return [dict(row) for row in reader.connection.execute(sa.select(table)).mappings()]


@contextmanager
def counted(record: HubStore) -> Iterator[list[str]]:
    """The statements that are sent within, but those that begin and end transactions."""
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    engine = record.database._writer
    sa.event.listen(engine, "before_cursor_execute", note)
    yield said
    sa.event.remove(engine, "before_cursor_execute", note)
    said[:] = [one for one in said if not one.startswith(("BEGIN", "SELECT pg_is_in_recovery"))]


def test_what_was_accepted_is_found_by_every_name_it_has(record: HubStore) -> None:
    first, second = submitted("a1"), submitted("a2", kind="update", number=1)
    write(record, accept(first), accept(second))
    facts = read(
        record,
        ask.ByKey(first.key),
        ask.ByKey("another"),
        ask.ByParcel("G22", second.parcel_digest),
        ask.ByParcel("H41", second.parcel_digest),
        ask.ByName("a1"),
        ask.ByName("none"),
        ask.SentAs("G22", "update", ONE[1], second.content_digest),
        ask.OfChange(ONE, "update", second.content_digest),
        ask.OfChange(TWO, "update", second.content_digest),
        ask.Own(ONE),
        ask.Own(TWO),
        ask.Newest(ONE),
        ask.Newest(TWO),
    )
    assert facts.submissions == {"a1": first, "a2": second}
    assert facts.by_key == {first.key: "a1", "another": None}
    assert facts.by_parcel == {("G22", second.parcel_digest): "a2", ("H41", second.parcel_digest): None}
    assert (facts.by_name["a1"], facts.by_name["none"]) == ("a1", None)
    assert list(facts.sent_as.values()) == ["a2"]
    assert list(facts.of_change.values()) == ["a2", None]
    assert (facts.own, facts.newest) == ({ONE: "a1", TWO: None}, {ONE: "a1", TWO: None})


def test_a_delivery_is_found_whole_with_its_statuses_and_limits(record: HubStore) -> None:
    about = submitted("a1")
    one = to(
        about, "H41", tried=True, closed=True, proof_digest="p", consigned_at=NOW, consigned_entry="e", owes_at=LATER
    )
    limit = Limit("handover", LATER, LATER, "running")
    write(
        record,
        accept(about),
        *deliver(one),
        change.Report(one.id, "000.H41", "01", NOW, NOW, ENTRY),
        change.SetLimit(one.id, limit, ENTRY),
    )
    for question in (ask.ById(one.id), ask.Part("a1", "H41"), ask.Brought(ONE, "H41")):
        facts = read(record, question)
        assert facts.deliveries == {one.id: one}
        assert facts.business == {one.id: {"000.H41": "01"}}
        assert facts.limits == {one.id: {"handover": limit}}
    assert read(record, ask.ById(one.id)).submissions == {"a1": about}
    facts = read(record, ask.Part("a1", "G06"), ask.Brought(ONE, "G06"), ask.Brought(TWO, "H41"), ask.ById("none"))
    assert (facts.parts, facts.by_id) == ({("a1", "G06"): None}, {"none"})
    assert facts.brought == {(ONE, "G06"): None, (TWO, "H41"): None}
