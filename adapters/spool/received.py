"""What the agency's system receives: prepared out of its sight, shown, and answered by it."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from axis.adapters.disk import flush_names
from axis.adapters.spool.file import SpoolFile, now_text
from axis.adapters.spool.notices import notify
from axis.adapters.spool.selection import in_time
from axis.adapters.spool.tables import Row, received
from axis.core.instant import from_text, to_text
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from axis.adapters.base import LocalFile
    from axis.adapters.spool.selection import Selection

PAGE = 100  # rows
MAX_FAILURES = 5  # that the agency's system reports of one delivery, until it is refused for good
FAILURES_APART = timedelta(hours=1)  # before that it is the same failure: of a system that tries again at once
PROOF = ".tlog-proof"  # how a file ends that proves a receipt
_NAMESPACE = uuid.UUID("6f3f0c9e-6ad1-5d0e-9d64-5b1f1a1c0a55")  # of ids for what has no axis id of its own
_WHAT = {"inbox": "document", "status": "status", "receipts": "receipt"}


class Received(SpoolFile):
    """What came for the system, and what it has said of it."""

    def received(self, wanted: Selection, identifier: str = "") -> list[Row]:
        """What it may see, in order of arrival; as :meth:`sent`."""
        return self._rows(self._visible(wanted).order_by(received.c.number), wanted, received.c.id, identifier)

    def path(self, row: Row, ending: str = ".edxml") -> Path | None:
        """Where the file of a received row lies; None where there is none of this kind."""
        name = next((name for name in row["names"] if str(name).endswith(ending)), None)
        return self._in / name if name is not None else None

    def proofs(self, row: Row) -> dict[str, bytes]:
        """What proves a received receipt in the log, by the names of the files."""
        names = [str(name) for name in row["names"] if str(name).endswith(PROOF)]
        return {name: (self._in / name).read_bytes() for name in names}

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

    def unanswered(self) -> Iterator[Row]:
        """What the system has said about its mail, and the axis has not recorded yet, in order; read in pages."""
        said = (received.c.answered.is_(False), received.c.state.in_(("done", "fail")))
        last = 0
        while True:
            with self._begin() as connection:
                query = sa.select(received).where(*said, received.c.number > last).order_by(received.c.number)
                rows = list(connection.execute(query.limit(PAGE)).mappings())
            yield from rows
            if len(rows) < PAGE:
                return
            last = rows[-1]["number"]

    def recorded(self, refs: Collection[str]) -> None:
        """It has recorded these now."""
        with self._begin() as connection:
            connection.execute(sa.update(received).where(received.c.ref.in_(refs)).values(answered=True))

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
            self._write(file.name, file.content)
        flush_names(self._in)
        now = now_text()
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
                    "traceparent": file.about.traceparent,
                    "created_at": now,
                    "updated_at": now,
                }
                connection.execute(insert(received).values(row).on_conflict_do_nothing())

    def _write(self, name: str, content: bytes | memoryview) -> None:
        temporary = self._in / f".{name}"
        with temporary.open("wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(self._in / name)

    def _has(self, file: LocalFile) -> bool:
        if file.about is None or not (self._in / file.name).exists():
            return False
        with self._begin() as connection:
            query = sa.select(received.c.names).where(received.c.ref == file.about.ref)
            return file.name in (connection.execute(query).scalar() or [])

    def show(self, names: Sequence[str]) -> None:
        """What was prepared under these names may be seen."""
        refs = {_ref(name) for name in names}
        with self._begin() as connection:
            where = (received.c.ref.in_(refs), received.c.visible.is_(False))
            seen = sa.update(received).where(*where).values(visible=True, updated_at=now_text()).returning(received)
            for row in connection.execute(seen).mappings().all():
                notify(connection, f"{_WHAT[row['folder']]}.received", row)

    def add(self, folder: str, files: Mapping[str, Mapping[str, bytes]]) -> int:
        """Keep these files with what was shown under the name that they come under; how many, but for what is not there
        any more. While they are written nobody waits."""
        query = sa.select(received.c.number, received.c.ref, received.c.names)
        of_those = query.where(received.c.ref.in_([_ref(name) for name in files]), received.c.folder == folder)
        with self._begin() as connection:
            there = {row.ref: row for row in connection.execute(of_those)}
        kept = {
            _ref(name): own for name, own in files.items() if _ref(name) in there and name in there[_ref(name)].names
        }
        for own in kept.values():
            for other, content in own.items():
                self._write(other, content)
        if not kept:
            return 0
        flush_names(self._in)
        with self._begin() as connection:
            named = [
                {"row": row.number, "all": [*dict.fromkeys([*row.names, *kept[row.ref]])]}
                for row in connection.execute(of_those)
                if row.ref in kept
            ]
            if named:
                to = sa.update(received).where(received.c.number == sa.bindparam("row"))
                connection.execute(to.values(names=sa.bindparam("all", type_=received.c.names.type)), named)
        return sum(map(len, kept.values()))

    def discard(self, names: Sequence[str]) -> None:
        """What was prepared under these names is gone, if it was not shown."""
        with self._begin() as connection:
            for name in names:
                ref = _ref(name)
                shown = sa.select(received.c.visible).where(received.c.ref == ref)
                if connection.execute(shown).scalar():
                    continue
                connection.execute(sa.delete(received).where(received.c.ref == ref))
                (self._in / name).unlink(missing_ok=True)
                (self._in / f".{name}").unlink(missing_ok=True)

    def _visible(self, wanted: Selection) -> sa.Select[Any]:
        query = sa.select(received).where(received.c.visible.is_(True), received.c.number > wanted.after)
        for column, values in (
            (received.c.folder, wanted.folders),
            (received.c.kind, wanted.kinds),
            (received.c.state, wanted.states),
        ):
            if values:
                query = query.where(column.in_(values))
        return in_time(query, received, wanted)


def _ref(name: str) -> str:
    """What a file belongs to, by its name."""
    return name.rpartition(".")[0]


def _identifier(ref: str) -> str:
    """A UUID: the axis id, or one made of the name. Clients write it into JSON without quotes, and use it as a file
    name."""
    try:
        return str(uuid.UUID(ref))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, ref))
