"""A hub's record in these tests: what is written into it, and how it is asked."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.hub import change
from axis.core.hub import dossier as ask
from axis.core.hub.change import Entered
from axis.core.hub.dossier import Delivery, Facts, Submission
from axis.core.hub.lifecycle import State
from axis.core.hub.seal import Sealed
from axis.core.ledger import Entry
from axis.infra.record.store import HubStore
from tests.line import Clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from axis.core.hub.change import Change
    from axis.core.hub.dossier import Document, Question


NOW = "2026-11-25T08:00:00.000000Z"
LATER = "2026-11-25T09:00:00.000000Z"
ENTRY = Entered("e" * 64)
ONE, TWO = ("G22", "G22,2026/11/25,1/QĐ"), ("G22", "G22,2026/11/25,2/QĐ")


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


def entry(event: str, axis_id: str = "") -> Entry:
    return Entry(Clock().now, "HUB", event, axis_id)


def sending(delivery_id: str, body: str = "b", **more: Any) -> change.Send:
    return change.Send(**{
        "code": "H41", "body_digest": body, "proof_digest": "", "delivery_id": delivery_id, "urgent": False,
        "not_before": NOW, "created_at": NOW, "entry": ENTRY, **more,
    })  # fmt: skip
