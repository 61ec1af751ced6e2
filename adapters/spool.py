"""The spool: an agency's mail for systems that fetch it, in one SQLite file and a folder of packets.

It is the adapter of such an agency, and what the servers in front of it (VXP, HTTP) put into and take out of. A
document lies here until its system says that it has it: only then is it handed over.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import RowMapping as Row

from axis.adapters.base import Answer, Source
from axis.core import xml
from axis.core.identity import same_id
from axis.core.instant import from_text, to_text
from axis.errors import Fault, Misconfigured, Problem, rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from axis.adapters.base import About, Folder, LocalFile, Place

__all__ = ["MAX_FAILURES", "Row", "Selection", "Spool", "SpoolAdapter", "Upload", "open_spool"]
MAX_FAILURES = 5  # that the agency's system reports of one delivery, until it is refused for good
FAILURES_APART = timedelta(hours=1)  # before that it is the same failure: of a system that tries again at once
_NAMESPACE = uuid.UUID("6f3f0c9e-6ad1-5d0e-9d64-5b1f1a1c0a55")  # of ids for what has no axis id of its own
KEPT = timedelta(days=30)  # the files of what the agency's system has had
_RANK = {"D.1": 1, "D.2": 2, "E.1": 3, "E.2": 3, "W.1": 3}  # receipts may arrive in another order than they were given
metadata = sa.MetaData()

sent = sa.Table(
    "sent",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # a UUID; the packet is out/<id>.edxml
    sa.Column("digest", sa.Text, nullable=False, unique=True),  # hex SHA-256 of the packet as it came
    sa.Column("kind", sa.Text, nullable=False),  # new, recall, update, replace, status
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # pending, accepted, refused
    sa.Column("report", sa.JSON, nullable=False),  # why it was refused
    sa.Column("outcomes", sa.JSON, nullable=False),  # by recipient: {event, time} of the newest receipt
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("essence", sa.Text, nullable=False, server_default=""),  # what a repetition in other bytes is known by
    sa.Column("axis_id", sa.Text, nullable=False, server_default=""),  # as the newest receipt says
    sa.Column("traceparent", sa.Text, nullable=False, server_default=""),  # of the request that brought it
    sa.Index("sent_document", "document_id", "kind"),
    sa.Index("sent_essence", "essence"),
    sa.Index("sent_axis_id", "axis_id"),
)
received = sa.Table(
    "received",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),  # a UUID: the axis id, or made of the file's name
    sa.Column("ref", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),  # inbox, status, receipts
    sa.Column("names", sa.JSON, nullable=False),  # the files in in/
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("recipients", sa.JSON, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("visible", sa.Boolean, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # initial, processing, done, fail (for good)
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("answered", sa.Boolean, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("updated_at", sa.Text, nullable=False),
    sa.Column("failed_at", sa.Text, nullable=False, server_default=""),  # the newest failure that was counted
    sa.Index("received_list", "folder", "visible", "number"),
    sa.Index("received_answers", "answered", "state"),
    sa.Index("received_ref", "ref"),
)
# What a request was answered with: the same request once more is the client's repeat.
answer = sa.Table(
    "answer",
    metadata,
    sa.Column("request", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
# Who is to be told what happens here, and what it was not told yet, in order.
webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
)
notice = sa.Table(
    "notice",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("document_id", sa.Text, nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("not_before", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Index("notice_document", "document_id", "number"),  # or each that waits costs for all the others
)
unit = sa.Table(
    "unit",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("facts", sa.JSON, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("modified_at", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Selection:
    """What a list shows: of these folders or kinds, in this state, from one moment to another (UTC, as text)."""

    folders: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    after: int = 0  # number
    skip: int = 0
    limit: int = 1000


class Upload:
    """A packet that is coming in: written to disk as it comes, digested on the way."""

    def __init__(self, file: BinaryIO, path: Path, limit: int) -> None:
        self._file = file
        self.path = path
        self._limit = limit
        self._sha256 = hashlib.sha256()
        self._tail = b""
        self.size = 0

    def write(self, chunk: bytes) -> None:
        """More of it. Raises :class:`Rejected` XML_TOO_BIG over the limit."""
        self.size += len(chunk)
        if self.size > self._limit:
            raise rejected(Fault.XML_TOO_BIG, self.size, self._limit)
        self._file.write(chunk)
        # The last two bytes are held back from the digest: a client may end the packet with a line break of its own.
        chunk = self._tail + chunk
        self._sha256.update(chunk[:-2])
        self._tail = chunk[-2:]

    def cut(self, ending: bytes) -> None:
        """Leave out `ending` (of at most two bytes), if the packet ends with it."""
        if ending and self._tail.endswith(ending):
            self._tail = self._tail[: -len(ending)]
            self.size -= len(ending)
            self._file.truncate(self.size)

    def digest(self) -> bytes:
        """SHA-256 of what has come, without what was cut."""
        whole = self._sha256.copy()
        whole.update(self._tail)
        return whole.digest()

    def sync(self) -> None:
        """On disk for good."""
        self._file.flush()
        os.fsync(self._file.fileno())


class Spool:
    """See the module. One object for each folder in a process, see :func:`open_spool`; safe to use from several
    threads. Raises OSError while its disk is full, or cannot be used otherwise."""

    def __init__(self, folder: Path, limit: int = xml.MAX_BYTES) -> None:
        self._out, self._in = folder / "out", folder / "in"
        self._limit = limit
        for path in (folder, self._out, self._in):
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self.changes = 0  # how many rows this program has changed
        self._connection: Connection | None = None  # of the transaction that the lock's holder is in
        with suppress(FileExistsError):
            os.close(os.open(folder / "spool.db", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._engine = sa.create_engine(
            f"sqlite:///{folder / 'spool.db'}",
            poolclass=sa.pool.StaticPool,
            connect_args={"check_same_thread": False, "timeout": 30},
            hide_parameters=True,
        )
        sa.event.listen(self._engine, "connect", _settings)
        with self._begin() as connection:
            metadata.create_all(connection)
            _add_what_is_new(connection)
        for left in self._out.glob(".*"):
            left.unlink()  # an upload that a death has cut short

    # -- The agency's system: what it sends --------------------------------------------------------------------

    @contextmanager
    def upload(self) -> Iterator[Upload]:
        """A place for a packet that comes in; what was not submitted at the end of the block is gone."""
        with NamedTemporaryFile(dir=self._out, prefix=".", delete=False) as file:
            path = Path(file.name)
            try:
                yield Upload(cast("BinaryIO", file), path, self._limit)
            finally:
                path.unlink(missing_ok=True)

    def submit(
        self,
        upload: Upload,
        about: About,
        key: str = "",
        since: datetime | None = None,
        essence: str = "",
        warnings: Sequence[dict[str, Any]] = (),
        traceparent: str = "",
    ) -> Row:
        """Keep an upload to be sent; its row. The same bytes again are the same submission, and so are others of the
        same `essence` (see :func:`axis.core.edxml.essence`), if it has one, unless it was refused. With a `key` no
        other bytes are, that came with it since then: raises :class:`Rejected` API_KEY_REUSED. `warnings` are its
        findings, `traceparent` is of the request that brings it."""
        upload.sync()
        digest, now, identifier = upload.digest().hex(), _now(), str(uuid.uuid4())
        report = {"findings": list(warnings)} if warnings else {}
        with self._begin() as connection:
            if key and since is not None:
                if _answered(connection, f"api/{key}", since) not in {"", digest}:
                    raise rejected(Fault.API_KEY_REUSED, key, path="Idempotency-Key")
                _remember(connection, f"api/{key}", digest, since)
            known = connection.execute(sa.select(sent).where(sent.c.digest == digest)).mappings().first()
            if known is not None and known["state"] != "refused":
                return known
            same = sa.select(sent).where(sent.c.essence == essence, sent.c.state != "refused").order_by(sent.c.number)
            if essence and (first := connection.execute(same.limit(1)).mappings().first()) is not None:
                return first
            if known is not None:
                identifier = str(known["id"])
            upload.path.replace(self._out / f"{identifier}.edxml")
            _sync(self._out)
            if known is not None:  # a refused one was given once more: it is judged once more
                again = {"state": "pending", "report": report, "essence": essence, "updated_at": now}
                connection.execute(sa.update(sent).where(sent.c.digest == digest).values(again))
                return connection.execute(sa.select(sent).where(sent.c.id == identifier)).mappings().one()
            row = {
                "id": identifier,
                "digest": digest,
                "kind": about.kind,
                "sender": about.sender,
                "recipients": list(about.recipients),
                "document_id": about.document_id,
                "code": about.code,
                "subject": about.subject,
                "state": "pending",
                "report": report,
                "outcomes": {},
                "created_at": now,
                "updated_at": now,
                "essence": essence,
                "traceparent": traceparent,
            }
            connection.execute(sent.insert().values(row))
            return connection.execute(sa.select(sent).where(sent.c.id == identifier)).mappings().one()

    def sent(self, wanted: Selection, identifier: str = "") -> list[Row]:
        """What was submitted, in order; of one id."""
        query = sa.select(sent).where(sent.c.number > wanted.after).order_by(sent.c.number)
        if wanted.kinds:
            query = query.where(sent.c.kind.in_(wanted.kinds))
        return self._rows(_in_time(query, sent, wanted), wanted, sent.c.id, identifier)

    # -- The agency's system: what it receives -----------------------------------------------------------------

    def received(self, wanted: Selection, identifier: str = "") -> list[Row]:
        """What it may see, in order of arrival; as :meth:`sent`."""
        return self._rows(self._visible(wanted).order_by(received.c.number), wanted, received.c.id, identifier)

    def trace(self, reference: str, limit: int) -> tuple[list[Row], list[Row]]:
        """(what was submitted, what it may see) under an id, a DocumentId or number/notation, and what else there is
        about the same documents; of each the first `limit`."""
        shown = ((sent, sa.true()), (received, received.c.visible.is_(True)))
        with self._begin() as connection:
            documents: set[str] = set()
            for table, seen in shown:
                query = sa.select(table.c.document_id).where(_is_named(table, reference), seen).distinct()
                documents.update(connection.execute(query.limit(limit)).scalars())
            documents.discard("")  # what has no DocumentId has nothing in common with the others that have none
            found = []
            for table, seen in shown:
                about = sa.or_(_is_named(table, reference), table.c.document_id.in_(documents))
                query = sa.select(table).where(about, seen).order_by(table.c.number).limit(limit)
                found.append(list(connection.execute(query).mappings()))
        return found[0], found[1]

    def path(self, row: Row, ending: str = ".edxml") -> Path | None:
        """Where the file of a received row lies; None where there is none of this kind."""
        name = next((name for name in row["names"] if str(name).endswith(ending)), None)
        return self._in / name if name is not None else None

    def acknowledge(self, identifier: str, state: str, reason: str = "", now: datetime | None = None) -> Row | None:
        """The system has it (``done``), works on it (``processing``) or could not take it (``fail``: it is listed
        again, and refused for good after `MAX_FAILURES`, each `FAILURES_APART` from the one before); its row before,
        None for none. What is over stays so: raises :class:`Rejected` DELIVERY_OVER where something else is said."""
        moment = now or datetime.now(UTC)
        with self._begin() as connection:
            where = (received.c.id == identifier, received.c.visible.is_(True))
            row = connection.execute(sa.select(received).where(*where)).mappings().first()
            if row is None or row["state"] == state in {"done", "fail"}:
                return row
            if row["state"] in {"done", "fail"}:
                raise rejected(Fault.DELIVERY_OVER, row["state"], state)
            values: dict[str, Any] = {"state": state, "updated_at": to_text(moment)}
            if state == "fail":
                counted = row["failed_at"]
                another = not counted or from_text(counted) + FAILURES_APART <= moment
                failures = row["failures"] + another
                values |= {"failures": failures, "reason": reason[:500]}
                values["failed_at"] = to_text(moment) if another else counted
                values["state"] = "fail" if failures >= MAX_FAILURES else "initial"
            connection.execute(sa.update(received).where(*where).values(values))
            return row

    # -- Beside the mail ---------------------------------------------------------------------------------------

    def once(self, request: str, since: datetime, work: Callable[[], str]) -> str:
        """What `work` answers; or, for a request that came before (since then), what it was answered with. The look,
        the work and the note of it are one transaction: of two at once one is done. What raises is not noted."""
        with self._begin() as connection:
            before = _answered(connection, request, since)
            if not before:
                before = work()
                _remember(connection, request, before, since)
            return before

    def set_webhook(self, url: str, secret: str) -> None:
        """Tell this URL from now on what happens here; "" for nobody, and what it was not told is forgotten."""
        with self._begin() as connection:
            connection.execute(sa.delete(webhook))
            if url:
                connection.execute(webhook.insert().values(id=1, url=url, secret=secret))
            else:
                connection.execute(sa.delete(notice))

    def webhook(self) -> tuple[str, str]:
        """(URL, secret) of who is told; empty for nobody."""
        with self._begin() as connection:
            row = connection.execute(sa.select(webhook)).mappings().first()
            return (row["url"], row["secret"]) if row is not None else ("", "")

    def notices(self, now: datetime, limit: int = 100) -> list[Row]:
        """What it is to be told now: of each document the first that it was not told, no later one before."""
        before = notice.alias("before")
        earlier = sa.exists().where(before.c.document_id == notice.c.document_id, before.c.number < notice.c.number)
        query = sa.select(notice).where(notice.c.not_before <= to_text(now), ~earlier).order_by(notice.c.number)
        with self._begin() as connection:
            return list(connection.execute(query.limit(limit)).mappings())

    def noticed(self, number: int, again_at: datetime | None) -> None:
        """It was told; or could not be, and is told again at `again_at`."""
        with self._begin() as connection:
            where = notice.c.number == number
            if again_at is None:
                connection.execute(sa.delete(notice).where(where))
            else:
                values = {"attempts": notice.c.attempts + 1, "not_before": to_text(again_at)}
                connection.execute(sa.update(notice).where(where).values(values))

    def register(self, code: str, facts: Mapping[str, str]) -> None:
        """A unit of the agency, new or changed."""
        self._put_unit(code, dict(facts), deleted=False)

    def has_units(self, count: int) -> bool:
        """Whether so many units are registered."""
        with self._begin() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(unit)).scalar_one()) >= count

    def unregister(self, code: str) -> None:
        """A unit is no more; nothing where there was none."""
        with self._begin() as connection:
            facts = connection.execute(sa.select(unit.c.facts).where(unit.c.code == code)).scalar()
            if facts is not None:
                self._put_unit(code, facts, deleted=True)

    def units(self) -> list[Row]:
        """Every unit that was registered, by code; also those that are no more."""
        with self._begin() as connection:
            return list(connection.execute(sa.select(unit).order_by(unit.c.code)).mappings())

    # -- The adapter: see adapters/base.py ---------------------------------------------------------------------

    def pending(self) -> list[Row]:
        """What was submitted and is not answered."""
        with self._begin() as connection:
            query = sa.select(sent).where(sent.c.state == "pending").order_by(sent.c.number).limit(1000)
            return list(connection.execute(query).mappings())

    def read(self, identifier: str) -> bytes:
        """A submitted packet's bytes."""
        return (self._out / f"{identifier}.edxml").read_bytes()

    def settle(self, identifier: str, state: str, report: dict[str, Any] | None = None) -> None:
        """The hub has answered, with a report if it has refused."""
        with self._begin() as connection:
            values: dict[str, Any] = {"state": state, "updated_at": _now()}
            values |= {} if report is None else {"report": report}
            where = (sent.c.id == identifier, sent.c.state != state)
            changed = connection.execute(sa.update(sent).where(*where).values(values).returning(sent)).mappings()
            for row in changed.all():
                _notify(connection, f"document.{state}", row)
        (self._out / f"{identifier}.edxml").unlink(missing_ok=True)  # the journal has what was made of it

    def lift(self, digests: Sequence[str]) -> None:
        """What was refused was accepted after all."""
        for first in range(0, len(digests), 500):
            where = (sent.c.digest.in_(digests[first : first + 500]), sent.c.state == "refused")
            with self._begin() as connection:
                refused = connection.execute(sa.select(sent.c.id).where(*where)).scalars().all()
            for identifier in refused:
                self.settle(identifier, "accepted", {})

    def purge(self, before: datetime) -> int:
        """The packets of what the system has had since before this moment are not kept any more; how many were left
        out. What they were, and what became of it, stays; receipts stay whole: they are evidence."""
        old = (
            received.c.answered.is_(True),
            received.c.updated_at < to_text(before),
            received.c.names != [],
            received.c.folder != "receipts",
        )
        with self._begin() as connection:
            rows = list(connection.execute(sa.select(received).where(*old).limit(1000)).mappings())
            for row in rows:
                connection.execute(sa.update(received).where(received.c.number == row["number"]).values(names=[]))
        for row in rows:
            for name in row["names"]:
                (self._in / name).unlink(missing_ok=True)
        return len(rows)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """Files on disk, rows out of sight; what was prepared, or shown, and is whole stays as it is."""
        if all(file.about is not None and self._has(file) for file in files):
            return
        for file in files:
            temporary = self._in / f".{file.name}"
            with temporary.open("wb") as handle:
                handle.write(file.content)
                handle.flush()
                os.fsync(handle.fileno())
            temporary.replace(self._in / file.name)
        _sync(self._in)
        now = _now()
        with self._begin() as connection:
            for file in files:
                # A document's parcel stands beside its packet; a receipt stands alone, and needs no answer.
                is_receipt = file.folder == "receipts"
                if file.about is None or not (is_receipt or file.name.endswith(".edxml")):
                    continue
                row = {
                    "id": _identifier(file.about.ref),
                    "ref": file.about.ref,
                    "folder": file.folder,
                    "names": [other.name for other in files if other.about == file.about],
                    "kind": file.about.kind,
                    "sender": file.about.sender,
                    "recipients": list(file.about.recipients),
                    "document_id": file.about.document_id,
                    "code": file.about.code,
                    "subject": file.about.subject,
                    "visible": False,
                    "state": "done" if is_receipt else "initial",
                    "failures": 0,
                    "reason": "",
                    "answered": is_receipt,
                    "created_at": now,
                    "updated_at": now,
                }
                connection.execute(insert(received).values(row).on_conflict_do_nothing())

    def _has(self, file: LocalFile) -> bool:
        if file.about is None or not (self._in / file.name).exists():
            return False
        with self._begin() as connection:
            query = sa.select(received.c.names).where(received.c.ref == file.about.ref)
            return file.name in (connection.execute(query).scalar() or [])

    def show(self, names: Sequence[str]) -> None:
        """What was prepared under these names may be seen."""
        refs = {name.rpartition(".")[0] for name in names}
        with self._begin() as connection:
            where = (received.c.ref.in_(refs), received.c.visible.is_(False))
            seen = sa.update(received).where(*where).values(visible=True, updated_at=_now()).returning(received)
            for row in connection.execute(seen).mappings().all():
                _notify(connection, f"{_WHAT[row['folder']]}.received", row)

    def discard(self, names: Sequence[str]) -> None:
        """What was prepared under these names is gone, if it was not shown."""
        with self._begin() as connection:
            for name in names:
                ref = name.rpartition(".")[0]
                shown = sa.select(received.c.visible).where(received.c.ref == ref)
                if connection.execute(shown).scalar():
                    continue
                connection.execute(sa.delete(received).where(received.c.ref == ref))
                (self._in / name).unlink(missing_ok=True)
                (self._in / f".{name}").unlink(missing_ok=True)

    def unanswered(self) -> list[Row]:
        """What the system has said about its mail, and the axis has not recorded yet."""
        with self._begin() as connection:
            query = sa.select(received).where(received.c.answered.is_(False), received.c.state.in_(("done", "fail")))
            return list(connection.execute(query.order_by(received.c.number).limit(1000)).mappings())

    def recorded(self, ref: str) -> None:
        """It has now."""
        with self._begin() as connection:
            connection.execute(sa.update(received).where(received.c.ref == ref).values(answered=True))

    def note(self, axis_id: str, digests: Sequence[str], events: Sequence[tuple[str, str]]) -> None:
        """What a receipt says, (event code, recipient), of what was submitted with one of these digests or has this
        axis id already: what was built again and sent once more is one submission at the hub, and has every receipt."""
        mine, same = sent.c.digest.in_(digests), sent.c.axis_id == axis_id if axis_id else sa.false()
        with self._begin() as connection:
            # Those of one axis id have the same outcomes: one of them speaks for all.
            known = connection.execute(sa.select(sent.c.outcomes).where(same).limit(1)).scalar()
            rows = connection.execute(sa.select(sent.c.outcomes).where(mine).order_by(sent.c.number)).scalars()
            said = [(one["event"], to, one["time"]) for row in rows for to, one in row.items()]
            said += [(event, to, _now()) for event, to in events]
            outcomes: dict[str, dict[str, str]] = dict(known or {})
            for event, to, time in said:
                before = outcomes.get(to, {}).get("event", "")
                if event != before and _RANK.get(event, -1) >= _RANK.get(before, 0):
                    outcomes[to] = {"event": event, "time": time}
            where = mine if known is None or outcomes == known else sa.or_(mine, same)
            values = {"outcomes": outcomes, "updated_at": _now()} | ({"axis_id": axis_id} if axis_id else {})
            connection.execute(sa.update(sent).where(where).values(values))

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _visible(self, wanted: Selection) -> sa.Select[Any]:
        query = sa.select(received).where(received.c.visible.is_(True), received.c.number > wanted.after)
        for column, values in (
            (received.c.folder, wanted.folders),
            (received.c.kind, wanted.kinds),
            (received.c.state, wanted.states),
        ):
            if values:
                query = query.where(column.in_(values))
        return _in_time(query, received, wanted)

    def _rows(self, query: sa.Select[Any], wanted: Selection, column: sa.Column[str], identifier: str) -> list[Row]:
        if identifier:
            query = query.where(column == identifier)
        with self._begin() as connection:
            return list(connection.execute(query.offset(wanted.skip).limit(wanted.limit)).mappings())

    def _put_unit(self, code: str, facts: dict[str, str], *, deleted: bool) -> None:
        with self._begin() as connection:
            version = connection.execute(sa.select(unit.c.version).where(unit.c.code == code)).scalar() or 0
            row = {"code": code, "facts": facts, "version": version + 1, "deleted": deleted, "modified_at": _now()}
            statement = insert(unit).values(row)
            changed = {name: statement.excluded[name] for name in row if name != "code"}
            connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=changed))

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction; within one, the same: it is over when the outermost block is."""
        with self._lock:
            if self._connection is not None:
                yield self._connection
                return
            with _disk(), self._engine.begin() as connection:
                self._connection = connection
                try:
                    yield connection
                finally:
                    self._connection = None
                    driver: Any = connection.connection.driver_connection
                    self.changes = driver.total_changes


def _answered(connection: Connection, request: str, since: datetime) -> str:
    query = sa.select(answer.c.content).where(answer.c.request == request, answer.c.at >= to_text(since))
    return str(connection.execute(query).scalar() or "")


def _remember(connection: Connection, request: str, content: str, forget: datetime) -> None:
    """Keep what a request was answered with; what is older than `forget` goes."""
    connection.execute(sa.delete(answer).where(answer.c.at < to_text(forget)))
    row = {"request": request, "content": content, "at": _now()}
    statement = insert(answer).values(row)
    changed = {"content": statement.excluded.content, "at": statement.excluded.at}
    connection.execute(statement.on_conflict_do_update(index_elements=["request"], set_=changed))


@contextmanager
def _disk() -> Iterator[None]:
    """What SQLite says of its file is the disk's trouble, as of any other file."""
    try:
        yield
    except sa.exc.DatabaseError as error:
        if type(error) not in {sa.exc.DatabaseError, sa.exc.OperationalError}:  # a broken rule of ours
            raise
        raise OSError(f"spool.db: {error.orig}") from error


_WHAT = {"inbox": "document", "status": "status", "receipts": "receipt"}


def _notify(connection: Connection, event: str, row: Row) -> None:
    """In the transaction in which it happens, if anybody wants to know."""
    if connection.execute(sa.select(webhook.c.id)).first() is None:
        return
    now = _now()
    content = {key: row[key] for key in ("id", "kind", "sender", "document_id", "code", "subject")}
    values = {"event": event, "document_id": row["document_id"], "content": content, "attempts": 0}
    connection.execute(notice.insert().values(values | {"not_before": now, "created_at": now}))


_opened: dict[Path, Spool] = {}
_opening = threading.Lock()


def open_spool(folder: Path) -> Spool:
    """The spool in `folder`: the same object for the adapter and for the servers, as it has one writing connection."""
    with _opening:
        path = folder.resolve()
        if path not in _opened:
            _opened[path] = Spool(path)
        return _opened[path]


LOOK_AGAIN = 2.0  # seconds until a spool is looked at though nothing in this process has changed it


class SpoolAdapter:
    """The adapter of an agency whose system fetches its mail from the spool."""

    OPTIONS: ClassVar[Mapping[str, type]] = {}

    def __init__(self, place: Place) -> None:
        self.agency = place.agency
        self.spool = open_spool(place.folder / "spool")
        self._purge_at = time.monotonic() + 60
        self._seen, self._look_again = -1, 0.0

    def check(self) -> None:
        """The spool can be written. Raises Misconfigured CONFIG_INVALID."""
        try:
            self.spool.pending()
        except OSError as error:
            raise Misconfigured(
                Problem(Fault.CONFIG_INVALID, "spool", "a file that can be written", str(error))
            ) from None

    def collect(self) -> Iterator[Source]:
        """What was submitted and is not answered."""
        if time.monotonic() >= self._purge_at:
            more = self.spool.purge(datetime.now(UTC) - KEPT) == 1000
            self._purge_at = time.monotonic() + (0 if more else 3600)
        for row in self.spool.pending():
            yield Source(row["id"], row["digest"], partial(self.spool.read, row["id"]), row["traceparent"])

    def changed(self) -> bool:
        """See :meth:`axis.adapters.base.Guarded.changed`: whoever submits and acknowledges does it in this process."""
        return self.spool.changes != self._seen or time.monotonic() >= self._look_again

    def unsettled(self) -> bool:
        """False: an upload is a submission when it is complete."""
        return False

    def accepted(self, ref: str) -> None:
        """The hub holds it."""
        self.spool.settle(ref, "accepted")

    def refused(self, ref: str, report: bytes) -> None:
        """It was refused; the report is shown with it."""
        self.spool.settle(ref, "refused", json.loads(report))

    def lifted(self, digests: Sequence[str]) -> None:
        """Shown as accepted from now on."""
        self.spool.lift(digests)

    def prepare(self, files: Sequence[LocalFile]) -> None:
        """See :meth:`Spool.prepare`. What receipts say is noted with what was sent."""
        self.spool.prepare(files)
        for file in files:
            if file.about is not None and file.about.kind == "receipt":
                self.spool.note(file.about.axis_id, file.about.submissions, file.about.events)

    def discard(self, names: Sequence[tuple[Folder, str]]) -> None:
        """See :meth:`Spool.discard`."""
        self.spool.discard([name for _, name in names])

    def complete(self, names: Sequence[tuple[Folder, str]]) -> bool:
        """Show it. False: the system says itself when it has it."""
        self.spool.show([name for _, name in names])
        return False

    def answers(self) -> Iterator[Answer]:
        """What the system has acknowledged, or has reported as failed too often."""
        self._seen, self._look_again = self.spool.changes, time.monotonic() + LOOK_AGAIN
        for row in self.spool.unanswered():
            failed = Problem(Fault.SYSTEM_REFUSED, got=str(row["failures"]), expected=row["reason"] or "-")
            yield Answer(row["ref"], failed if row["state"] == "fail" else None)

    def answered(self, ref: str) -> None:
        """See :meth:`Spool.recorded`."""
        self.spool.recorded(ref)


def _identifier(ref: str) -> str:
    """A UUID: the axis id, or one made of the name. Clients write it into JSON without quotes, and use it as a file
    name."""
    try:
        return str(uuid.UUID(ref))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, ref))


def _in_time(query: sa.Select[Any], table: sa.Table, wanted: Selection) -> sa.Select[Any]:
    if wanted.since:
        query = query.where(table.c.created_at >= wanted.since)
    if wanted.until:
        query = query.where(table.c.created_at < wanted.until)
    return query


def _is_named(table: sa.Table, reference: str) -> sa.ColumnElement[bool]:
    columns, forms = (table.c.id, table.c.document_id, table.c.code), {reference, same_id(reference)}
    return sa.or_(*(column.in_(forms) for column in columns))


def _add_what_is_new(connection: Connection) -> None:
    """The columns and indexes that a file of an older program does not have yet."""
    found = sa.inspect(connection)
    for table in metadata.sorted_tables:
        known = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in known:
                definition = sa.schema.CreateColumn(column).compile(connection)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}")
        for index in table.indexes:
            index.create(connection, checkfirst=True)


def _now() -> str:
    return to_text(datetime.now(UTC))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settings(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
