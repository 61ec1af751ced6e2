"""Which home this journal is the journal of, and which registry is installed in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from axis.core.instant import to_text
from axis.infra import payloads
from axis.infra.database import insert_or_ignore, upsert
from axis.infra.journal.changes import Changes
from axis.infra.journal.tables import aside, home_instance, incoming, installed

if TYPE_CHECKING:
    from sqlalchemy.engine import RowMapping

    from axis.core.ledger import Entry

_UNSAID = ("follows", "since", "known", "restored_at")


class HomeChanges(Changes):
    """Changes to the home, each with its event."""

    def begin_home(self, instance: str) -> RowMapping:
        """From now on this home has this instance id, unless it has one; its row."""
        row = {"agency": self.agency, "instance": instance, "heard": 0}
        insert_or_ignore(self.connection, home_instance, row | dict.fromkeys(_UNSAID, ""))
        found = self.home()
        assert found is not None  # noqa: S101  it was just made
        return found

    def home_follows(self, instance: str) -> None:
        """Whose place this home has taken, by the hub's word."""
        self._home(follows=instance)

    def fall_behind(self, known: str, heard: int, entry: Entry) -> None:
        """The hub has heard more from this agency than this journal holds."""
        self._home(known=known, heard=heard)
        self.enter(entry)

    def take_over(self, instance: str, follows: str, entry: Entry) -> int:
        """This home works again under a new instance id, in the place of `follows`; of how much that it holds something
        else may have been decided meanwhile: that waits until it is sent again."""
        self._home(
            instance=instance,
            follows=follows,
            since=self.known_until(),
            known="",
            heard=0,
            restored_at=to_text(entry.time),
        )
        doubtful = (
            incoming.c.agency == self.agency,
            incoming.c.kind != "receipt",
            incoming.c.state.in_(("held", "undecided", "received", "handing_over")),
        )
        self.connection.execute(sa.delete(aside).where(aside.c.agency == self.agency))  # the hub sends it again
        doubted = self.connection.execute(sa.update(incoming).where(*doubtful).values(state="doubted"))
        self.enter(entry)
        return int(doubted.rowcount)

    def install(
        self,
        version: int,
        parcel: bytes,
        entry: Entry,
        types: bytes = b"",
        *,
        instead: bool = False,
        here: int | None = None,
    ) -> bool:
        """Install a registry, with the document types that came with it, unless one as new is here; `instead` of that
        one, too. True if it was installed. Of one that is here already its types are, where none were. `here`: the
        version that is, where this transaction has asked for it already."""
        types_digest = payloads.put(self.connection, types) if types else ""
        here = self.registry_version() if here is None else here
        if here >= version and not instead:
            late = (installed.c.agency == self.agency, installed.c.version == version, installed.c.types_digest == "")
            if here == version and types_digest:
                self.connection.execute(sa.update(installed).where(*late).values(types_digest=types_digest))
            return False
        digest = payloads.put(self.connection, parcel)
        row = {"agency": self.agency, "version": version, "digest": digest, "types_digest": types_digest}
        upsert(self.connection, installed, row, ("agency",))
        self.enter(entry)
        return True

    def _home(self, **values: Any) -> None:
        where = home_instance.c.agency == self.agency
        self.connection.execute(sa.update(home_instance).where(where).values(**values))
