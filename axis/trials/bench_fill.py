"""A record of many documents that were never sent, for measurements: rows as the hub leaves them, written by SQL.

Every submission has its deliveries, statements, deadlines and ledger entries; digests, links and keys are right, so
that every check of the record holds. Only the payloads are not what they stand for: some bytes of their own instead of
a parcel or a receipt. What a life leaves behind is said once, in :class:`_Life`; columns that a version does not have
are left out.
"""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core import ledger
from axis.core.identity import uuid7
from axis.core.instant import to_text
from axis.core.ledger import GENESIS, Entry
from axis.core.registry import HUB
from axis.infra import database
from axis.infra.record import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy.engine import Connection

CHUNK = 2000  # submissions in one transaction
YEAR = timedelta(days=365)
# In order: what is named by a foreign key comes first.
TABLES = (
    "payload",
    "parcel",
    "document",
    "submission",
    "delivery",
    "business_status",
    "demand",
    "deadline",
    "statement",
    "refusal",
    "repetition",
    "quarantine",
    "outbox",
    "ledger",
)
# Of a thousand documents, how many are where. The rest was handed over, every third of them with a status 03.
STATES = {"queued": 20, "held": 10, "refused": 15, "failed": 10, "recalled": 10, "not_accepted": 15, "quarantined": 2}
URGENT = 50  # of a thousand
UNRECEIVED = 900  # of a thousand that were handed over and have no status, whose term is over
# Subjects are put together of these: words that many have, words that some have, and a number that hardly any has.
_WHAT = (
    "V/v triển khai kế hoạch",
    "Báo cáo tình hình",
    "Giấy mời dự hội nghị về",
    "V/v góp ý dự thảo nghị định về",
    "Thông báo kết luận cuộc họp về",
    "Quyết định phê duyệt đề án",
    "V/v đôn đốc thực hiện",
    "Tờ trình về việc",
)
_ABOUT = (
    "cải cách thủ tục hành chính",
    "phòng, chống thiên tai, bão lũ",
    "chuyển đổi số",
    "định danh và xác thực điện tử",
    "giải ngân vốn đầu tư công",
    "bảo đảm trật tự, an toàn giao thông",
    "phòng cháy, chữa cháy",
    "quản lý đất đai",
    "xây dựng nông thôn mới",
    "phòng, chống dịch bệnh",
    "tuyển dụng công chức, viên chức",
    "an toàn thực phẩm",
    "khai thác thủy sản",
    "giảm nghèo bền vững",
    "bảo vệ môi trường lưu vực sông Cầu",
    "tiếp công dân, giải quyết khiếu nại",
)
_WHERE = ("Hà Nội", "Đà Nẵng", "Cần Thơ", "Huế", "Lào Cai", "Nghệ An", "Đắk Lắk", "Cà Mau", "Quảng Ninh", "An Giang")


@dataclass
class _Rows:
    """Rows of one chunk by table, and where the ledger's chain has come to."""

    position: int
    link: str
    parcel_bytes: int = 0
    receipt_bytes: int = 0
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in TABLES})

    def add(self, table: str, **row: Any) -> None:
        self.tables[table].append(row)

    def payload(self, *words: str) -> str:
        """Some bytes that nobody else has; their digest."""
        return self._keep("payload", self.receipt_bytes, words)

    def parcel(self, *words: str) -> str:
        """The same of a document's."""
        return self._keep("parcel", self.parcel_bytes, words)

    def _keep(self, table: str, size: int, words: Sequence[str]) -> str:
        content = " ".join(words).encode()
        if size > len(content):  # as hard to compress as what stands in a parcel
            content += random.Random(content).randbytes(size - len(content))  # noqa: S311  the same each time
        digest = hashlib.sha256(content).hexdigest()
        self.add(table, digest=digest, content=content)
        return digest

    def enter(
        self, at: datetime, actor: str, event: str, axis_id: str = "", recipient: str = "", **detail: Any
    ) -> None:
        """A ledger entry, linked."""
        canonical = Entry(at, actor, event, axis_id, recipient, detail).canonical
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        self.position += 1
        self.link = ledger.link(self.link, self.position, digest)
        row = {"position": self.position, "link": self.link, "digest": digest}
        self.add("ledger", **row, canonical=canonical, axis_id=axis_id)


class _Life:
    """One document to one recipient, from its acceptance to where it is."""

    def __init__(self, rows: _Rows, number: int, way: Sequence[str], at: datetime, chance: random.Random) -> None:
        self.rows, self.at = rows, at
        self.sender, self.recipient = way[:2]
        self.code = f"{number}/BD-{self.sender}"
        self.document_id = f"{self.sender},{at:%Y/%m/%d},{self.code}"
        words = chance.choice(_WHAT), chance.choice(_ABOUT), "tại", chance.choice(_WHERE)
        self.subject = f"{' '.join(words)}, hồ sơ số {chance.randrange(100_000)}"
        self.priority = int(chance.randrange(1000) < URGENT)
        self._chance = chance
        self.axis_id = self.delivery_id = ""

    def later(self, seconds: float) -> datetime:
        """A moment of this life."""
        return self.at + timedelta(seconds=seconds)

    def id(self) -> str:
        """As the hub gives them."""
        return uuid7(self.at, self._chance.randbytes(10))

    def accept(self, kind: str, key: str, sender: str, at: datetime, *, body: bool = True, **more: Any) -> str:
        """A submission with its A.1; its axis id."""
        axis_id = self.id()
        parcel = hashlib.sha256(f"{axis_id} {kind}".encode()).hexdigest()
        content = hashlib.sha256(f"{axis_id} content".encode()).hexdigest()
        if body:
            parcel = self.rows.parcel("a parcel", axis_id, kind)
        a1 = self.rows.payload("a receipt A.1", axis_id)
        row: dict[str, Any] = {
            "axis_id": axis_id,
            "key": key,
            "kind": kind,
            "sender": sender,
            "organ_id": sender,
            "owner": self.sender,
            "document_id": self.document_id,
            "code": self.code,
            "subject": self.subject,
            "status_code": "",
            "priority": self.priority,
            "content_digest": content,
            "parcel_digest": parcel,
            "acceptance_digest": a1,
            "registry_version": 1,
            "received_at": to_text(at),
            "number": 0,
            "body_digest": parcel if body else "",
            "has_content": kind == "new",
        }
        row |= more
        self.rows.add("submission", **row)
        detail = {"document_id": self.document_id, "kind": kind, "content_digest": content, "parcel_digest": parcel}
        known = {"registry": 1, "sender": sender, "number": row["number"], "status": row["status_code"]}
        about = {name: value for name, value in known.items() if value}
        self.rows.enter(at, HUB, "submission.accepted", axis_id, "", **detail, **about)
        self.state("A.1", HUB, axis_id, "", a1, at)
        return axis_id

    def deliver(self, axis_id: str, recipient: str, state: str, at: datetime, **more: Any) -> str:
        """A delivery; its id."""
        delivery_id = self.id()
        row = {"id": delivery_id, "axis_id": axis_id, "recipient": recipient, "units": [recipient], "state": state}
        known = {"attempts": int(state != "ACCEPTED"), "updated_at": to_text(at), "role": "document", "closed": False}
        tried = {"tried": state not in {"ACCEPTED", "RECALLED"}, "proof_digest": ""}
        about = {"owner": self.sender, "document_id": self.document_id, "reporters": 0}
        self.rows.add("delivery", **row | known | tried | about | more)
        return delivery_id

    def state(self, event: str, issuer: str, axis_id: str, recipient: str, digest: str, at: datetime) -> None:
        """What a receipt states."""
        row = {"issuer": issuer, "event": event, "axis_id": axis_id, "recipient": recipient}
        self.rows.add("statement", **row, receipt_digest=digest, time=to_text(at))

    def say(self, event: str, issuer: str, at: datetime) -> None:
        """A receipt about the delivery, with its statement."""
        digest = self.rows.payload("a receipt", event, self.axis_id, self.recipient)
        self.state(event, issuer, self.axis_id, self.recipient, digest, at)

    def deadline(self, leg: str, due: datetime, met: datetime | None, progress: str = "") -> None:
        """Of the delivery; looked at next a year from now where it is still open."""
        row = {"delivery_id": self.delivery_id, "leg": leg, "due_at": to_text(due)}
        row |= {"progress": progress or ("met" if met else "running"), "met_at": to_text(met) if met else ""}
        is_over = met or progress
        self.rows.add("deadline", **row, next_at="" if is_over else to_text(datetime.now(UTC) + YEAR))

    # -- Lives ---------------------------------------------------------------------------------------------------

    def begin(self, state: str, **more: Any) -> None:
        """Accepted, with a delivery in `state`."""
        self.rows.add("document", sender=self.sender, document_id=self.document_id, superseded_by="")
        body = state != "RECALLED"
        key = f"document|{self.sender}|{self.document_id}"
        self.axis_id = self.accept("new", key, self.sender, self.at, body=body)
        self.delivery_id = self.deliver(self.axis_id, self.recipient, state, self.later(2), **more)

    def consign(self) -> None:
        """In the recipient's queue, with D.1."""
        self.rows.enter(self.later(0.1), HUB, "delivery.consigned", self.axis_id, self.recipient)
        self.say("D.1", HUB, self.later(0.1))

    def answer(self, receipt: str, event: str, status: str) -> None:
        """The recipient's E.1 or E.2, and the status that it means."""
        at, said = self.later(2), {"receipt": receipt, "said_at": to_text(self.later(1)), "reasons": list[str]()}
        self.rows.enter(at, self.recipient, event, self.axis_id, self.recipient, **said)
        self.say(receipt, self.recipient, self.later(1))
        detail = {"by": receipt, "status": status, "unit": self.recipient}
        self.rows.enter(at, self.recipient, "delivery.status", self.axis_id, self.recipient, **detail)
        self.deadline("handover", self.later(86400), at)

    def business(self, code: str, at: datetime) -> None:
        """The business status of the delivery's only unit."""
        local = (at + timedelta(hours=7)).strftime("%Y/%m/%d %H:%M:%S")
        row = {"delivery_id": self.delivery_id, "unit": self.recipient, "code": code}
        self.rows.add("business_status", **row, reported_at=local, arrived_at=to_text(at))

    def handed_over(self, *, with_status: bool = False) -> None:
        """What most documents come to; `with_status`: the recipient's clerk has taken it in, too."""
        self.begin("HANDED_OVER", reporters=1)
        self._arrive(with_status=with_status)

    def circular(self, others: Sequence[str]) -> None:
        """To many, whose clerks have taken it in."""
        self.handed_over(with_status=True)
        for self.recipient in others:
            self.delivery_id = self.deliver(self.axis_id, self.recipient, "HANDED_OVER", self.later(2), reporters=1)
            self._arrive(with_status=True)

    def _arrive(self, *, with_status: bool) -> None:
        self.consign()
        self.answer("E.1", "delivery.handed_over", "01")
        met = self.later(3600) if with_status else None
        is_late = met is None and self._chance.randrange(1000) < UNRECEIVED
        self.deadline("reception", self.later(2 * 86400), met, "missed" if is_late else "")
        if not with_status:
            self.business("01", self.later(2))
            return
        at = self.later(3600)
        self.business("03", at)
        key = f"status|{self.recipient}|{self.sender}|{self.document_id}|03|0"
        status = self.accept("status", key, self.recipient, at, status_code="03", subject="")
        detail = {"by": status, "status": "03", "unit": self.recipient}
        self.rows.enter(at, self.recipient, "delivery.status", self.axis_id, self.recipient, **detail)
        self.deliver(status, self.sender, "HANDED_OVER", at, role="status")
        self.rows.enter(at, HUB, "delivery.consigned", status, self.sender)
        said = {"receipt": "E.1", "said_at": to_text(at), "reasons": list[str]()}
        self.rows.enter(at, self.sender, "delivery.handed_over", status, self.sender, **said)
        digest = self.rows.payload("a receipt", "E.1", status, self.sender)
        self.state("E.1", self.sender, status, self.sender, digest, at)

    def refused(self) -> None:
        """The recipient's system has refused it for good."""
        self.begin("REFUSED", reporters=1)
        self.consign()
        self.answer("E.2", "delivery.refused", "02")
        self.business("02", self.later(2))

    def queued(self) -> None:
        """Its adapter is away."""
        self.begin("QUEUED")
        self.consign()
        self.deadline("handover", self.later(86400), None)

    def held(self) -> None:
        """Accepted, and held until an hour that has not come."""
        self.begin("ACCEPTED")
        submission, when = self.rows.tables["submission"][-1], to_text(datetime.now(UTC) + YEAR)
        row = {
            "code": self.recipient,
            "urgent": self.priority > 0,
            "message_id": self.delivery_id,
            "delivery_id": self.delivery_id,
        }
        bodies = {"body_digest": submission["parcel_digest"], "proof_digest": submission["acceptance_digest"]}
        self.rows.add("outbox", **row, **bodies, not_before=when, attempts=0, created_at=to_text(self.at))
        self.deadline("handover", self.later(86400), None)

    def failed(self) -> None:
        """Given up, and nobody tries again."""
        self.begin("FAILED", attempts=30, closed=True)
        detail = {"code": "BROKER_REFUSED", "attempts": 30}
        self.rows.enter(self.later(86400), HUB, "delivery.failed", self.axis_id, self.recipient, **detail)
        self.say("D.2", HUB, self.later(86400))
        self.deadline("handover", self.later(86400), None, "missed")

    def recalled(self) -> None:
        """Taken back before it had left; its parcel is dropped."""
        self.begin("RECALLED", attempts=0)
        at = self.later(60)
        key = f"recall|{self.sender}|{self.document_id}|1"
        recall = self.accept("recall", key, self.sender, at, number=1)
        own = self.deliver(recall, self.recipient, "RECALLED", at, role="recall", attempts=0)
        row = {"delivery_id": self.delivery_id, "number": 1, "unit": self.recipient, "demand": "recall"}
        answered = {"asked_at": to_text(at), "answered_at": to_text(at), "reason": ""}
        self.rows.add("demand", **row, asked_by=recall, stage="WITHDRAWN", **answered)
        detail = {"number": 1, "demand": "recall", "units": [self.recipient], "by": recall}
        self.rows.enter(at, self.sender, "demand.asked", self.axis_id, self.recipient, **detail)
        self.rows.enter(at, HUB, "delivery.withdrawn", self.axis_id, self.recipient, by=recall)
        self.rows.enter(at, HUB, "recall.decided", recall, self.recipient, outcome="WITHDRAWN")
        digest = self.rows.payload("a receipt", "W.1", recall, own)
        self.state("W.1", HUB, recall, self.recipient, digest, at)
        self.deadline("handover", self.later(86400), None, "void")

    def not_accepted(self) -> None:
        """Refused with A.2."""
        content = hashlib.sha256(f"{self.document_id} content".encode()).hexdigest()
        detail = {"codes": ["XSD"], "document_id": self.document_id, "content_digest": content, "bytes": content}
        self.rows.enter(self.at, HUB, "submission.refused", "", self.sender, **detail)
        digest = self.rows.payload("a receipt A.2", self.document_id)
        row = {"sender": self.sender, "digest": content, "document_id": self.document_id, "receipt_digest": digest}
        self.rows.add("refusal", **row, retry=False, refused_at=to_text(self.at))

    def quarantined(self) -> None:
        """A message that could not be dealt with."""
        digest = self.rows.payload("a message", self.document_id)
        row = {"id": self.id(), "agency": self.sender, "message_id": digest, "user_id": self.sender}
        self.rows.add("quarantine", **row, body_digest=digest, code="INTERNAL", attempts=3, since=to_text(self.at))
        detail = {"code": "INTERNAL", "bytes": digest}
        self.rows.enter(self.at, HUB, "message.put_aside", "", self.sender, **detail)


def fill(
    url: str,
    count: int,
    codes: Sequence[str],
    seed: int,
    now: datetime,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write `count` documents of the last year between agencies `codes` into the record at `url`. Nothing may work on
    it meanwhile."""
    one = database.Database(url)
    with closing(one):
        filling = Filling(one, codes, seed)
        for first in range(0, count, CHUNK):
            last = min(first + CHUNK, count)
            filling.add({number: now - YEAR + YEAR * (number / count) for number in range(first, last)})
            progress(last)
        if not one.is_sqlite:
            settle(one.url)


class Filling:
    """Fills one record, documents after documents; nothing may work on it meanwhile. Parcels and receipts have as many
    bytes as are said."""

    def __init__(
        self,
        one: database.Database,
        codes: Sequence[str],
        seed: int,
        sizes: tuple[int, int] = (0, 0),
        states: dict[str, int] | None = None,
    ) -> None:
        """`states`: as :data:`STATES`."""
        self._database = one
        self._codes = codes
        self._sizes = sizes
        self._states = STATES if states is None else states
        self._columns = _columns(one)
        self._chance = random.Random(seed)  # noqa: S311  a record that can be made again
        with one.begin() as connection:
            self._end = _end(connection)

    def add(self, moments: dict[int, datetime]) -> list[dict[str, Any]]:
        """Documents by number, each accepted at its moment; their submissions."""
        rows = _Rows(*self._end, *self._sizes)
        for number, at in moments.items():
            _live(rows, number, self._codes, at, self._chance, self._states)
        with self._database.begin() as connection:
            _write(connection, rows, self._columns)
        self._end = rows.position, rows.link
        return rows.tables["submission"]

    def circular(self, number: int, at: datetime) -> None:
        """One document to everybody else."""
        rows = _Rows(*self._end, *self._sizes)
        _Life(rows, number + 1, self._codes, at.replace(microsecond=0), self._chance).circular(self._codes[2:])
        with self._database.begin() as connection:
            _write(connection, rows, self._columns)
        self._end = rows.position, rows.link

    def again(self) -> None:
        """Something else has written to the ledger."""
        with self._database.begin() as connection:
            self._end = _end(connection)


def settle(url: sa.URL) -> None:
    """What making rows costs is not what having them costs."""
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
        connection.execute(sa.text("CHECKPOINT"))
    engine.dispose()


def _live(
    rows: _Rows, number: int, codes: Sequence[str], at: datetime, chance: random.Random, states: dict[str, int]
) -> None:
    way = chance.sample(codes, 2)
    life = _Life(rows, number + 1, way, at.replace(microsecond=0), chance)
    place = chance.randrange(1000)
    for name, share in states.items():
        if place < share:
            getattr(life, name)()
            return
        place -= share
    life.handed_over(with_status=place % 3 == 0)


def _end(connection: Connection) -> tuple[int, str]:
    """Where the ledger's chain ends, after what is not linked yet was linked."""
    table = tables.ledger_entry
    last = table.c.position.desc()
    found = connection.execute(sa.select(table.c.position, table.c.link).order_by(last.nulls_last()).limit(1)).first()
    position, link = (int(found[0] or 0), str(found[1] or GENESIS)) if found else (0, GENESIS)
    unlinked = sa.select(table.c.id, table.c.digest).where(table.c.position.is_(None)).order_by(table.c.id)
    for row in connection.execute(unlinked).all():
        position += 1
        link = ledger.link(link, position, row.digest)
        connection.execute(table.update().where(table.c.id == row.id).values(position=position, link=link))
    return position, link


def _columns(one: database.Database) -> dict[str, set[str]]:
    """Which columns this record has, by table."""
    with one.read() as connection:
        seen = sa.inspect(connection)
        there = set(seen.get_table_names())
        return {name: {c["name"] for c in seen.get_columns(name)} for name in TABLES if name in there}


def _write(connection: Connection, rows: _Rows, columns: dict[str, set[str]]) -> None:
    if "parcel" in columns:  # they lie apart, in the newest volume
        newest = connection.exec_driver_sql("SELECT max(number) FROM volume").scalar()
        rows.tables["parcel"] = [{**row, "volume": newest} for row in rows.tables["parcel"]]
    else:
        rows.tables["payload"] += rows.tables.pop("parcel")
        rows.tables["parcel"] = []
    for table in TABLES:
        made = rows.tables[table]
        if not made or table not in columns:
            continue
        names = [name for name in made[0] if name in columns[table]]
        if connection.dialect.name == "sqlite":
            _insert(connection, table, names, made)
        else:
            _copy(connection, table, names, made)


def _values(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> Iterator[list[Any]]:
    for row in rows:
        yield [json.dumps(row[name]) if isinstance(row[name], list) else row[name] for name in names]


def _insert(connection: Connection, table: str, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    places = ", ".join("?" * len(names))
    statement = f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({places})'  # noqa: S608  names of our own
    connection.exec_driver_sql(statement, [tuple(one) for one in _values(names, rows)])


def _copy(connection: Connection, table: str, names: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    cursor = connection.connection.cursor()
    with cursor.copy(f'COPY "{table}" ({", ".join(names)}) FROM STDIN') as copy:
        for one in _values(names, rows):
            copy.write_row(one)
