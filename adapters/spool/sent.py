"""What the agency's system sends: kept with its packet until the hub has answered, and what receipts have said."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import sqlalchemy as sa

from axis.adapters.disk import flush_names
from axis.adapters.spool.file import SpoolFile, now_text
from axis.adapters.spool.notices import notify
from axis.adapters.spool.repeats import answered, remember
from axis.adapters.spool.selection import in_time
from axis.adapters.spool.tables import Row, sent
from axis.adapters.spool.upload import Upload
from axis.errors import Fault, rejected

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from axis.adapters.base import About
    from axis.adapters.spool.selection import Selection

_RANK = {"D.1": 1, "D.2": 2, "E.1": 3, "E.2": 3, "W.1": 3}  # receipts may arrive in another order than they were given


class Sent(SpoolFile):
    """What was submitted, and what became of it."""

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
        digest, now, identifier = upload.digest().hex(), now_text(), str(uuid.uuid4())
        report = {"findings": list(warnings)} if warnings else {}
        with self._begin() as connection:
            if key and since is not None:
                if answered(connection, f"api/{key}", since) not in {"", digest}:
                    raise rejected(Fault.API_KEY_REUSED, key, path="Idempotency-Key")
                remember(connection, f"api/{key}", digest, since)
            known = connection.execute(sa.select(sent).where(sent.c.digest == digest)).mappings().first()
            if known is not None and known["state"] != "refused":
                return known
            same = sa.select(sent).where(sent.c.essence == essence, sent.c.state != "refused").order_by(sent.c.number)
            if essence and (first := connection.execute(same.limit(1)).mappings().first()) is not None:
                return first
            if known is not None:
                identifier = str(known["id"])
            upload.path.replace(self._out / f"{identifier}.edxml")
            flush_names(self._out)
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
        return self._rows(in_time(query, sent, wanted), wanted, sent.c.id, identifier)

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
            values: dict[str, Any] = {"state": state, "updated_at": now_text()}
            values |= {} if report is None else {"report": report}
            where = (sent.c.id == identifier, sent.c.state != state)
            changed = connection.execute(sa.update(sent).where(*where).values(values).returning(sent)).mappings()
            for row in changed.all():
                notify(connection, f"document.{state}", row)
        (self._out / f"{identifier}.edxml").unlink(missing_ok=True)  # the journal has what was made of it

    def lift(self, digests: Sequence[str]) -> None:
        """What was refused was accepted after all."""
        for first in range(0, len(digests), 500):
            where = (sent.c.digest.in_(digests[first : first + 500]), sent.c.state == "refused")
            with self._begin() as connection:
                refused = connection.execute(sa.select(sent.c.id).where(*where)).scalars().all()
            for identifier in refused:
                self.settle(identifier, "accepted", {})

    def note(self, axis_id: str, digests: Sequence[str], events: Sequence[tuple[str, str]]) -> None:
        """What a receipt says, (event code, recipient), of what was submitted with one of these digests or has this
        axis id already: what was built again and sent once more is one submission at the hub, and has every receipt."""
        mine, same = sent.c.digest.in_(digests), sent.c.axis_id == axis_id if axis_id else sa.false()
        with self._begin() as connection:
            # Those of one axis id have the same outcomes: one of them speaks for all.
            known = connection.execute(sa.select(sent.c.outcomes).where(same).limit(1)).scalar()
            rows = connection.execute(sa.select(sent.c.outcomes).where(mine).order_by(sent.c.number)).scalars()
            said = [(one["event"], to, one["time"]) for row in rows for to, one in row.items()]
            said += [(event, to, now_text()) for event, to in events]
            outcomes: dict[str, dict[str, str]] = dict(known or {})
            for event, to, time in said:
                before = outcomes.get(to, {}).get("event", "")
                if event != before and _RANK.get(event, -1) >= _RANK.get(before, 0):
                    outcomes[to] = {"event": event, "time": time}
            where = mine if known is None or outcomes == known else sa.or_(mine, same)
            values = {"outcomes": outcomes, "updated_at": now_text()} | ({"axis_id": axis_id} if axis_id else {})
            connection.execute(sa.update(sent).where(where).values(values))
